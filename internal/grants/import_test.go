package grants_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"premiumhls/internal/grants"
)

// A counter counts calls by operation, and can end them.
type counter struct {
	next   http.RoundTripper
	writes atomic.Int64
	end    func(operation string, writes int64) error
	after  func(operation string) error // loses responses
}

func (c *counter) RoundTrip(r *http.Request) (*http.Response, error) {
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	writes := c.writes.Load()
	if operation != "BatchGetItem" && operation != "GetItem" {
		writes = c.writes.Add(1)
	}
	if c.end != nil {
		if err := c.end(operation, writes); err != nil {
			return nil, err
		}
	}
	response, err := c.next.RoundTrip(r)
	if err == nil && c.after != nil {
		if err := c.after(operation); err != nil {
			response.Body.Close()
			return nil, err
		}
	}
	return response, err
}

// counted returns a table whose calls are counted.
func counted(table grants.Table) (grants.Table, *counter) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 64
	c := &counter{next: transport}
	if own, ok := table.Client.Options().HTTPClient.(*http.Client); ok {
		c.next = own.Transport // a memory's
	}
	table.Client = dynamodb.New(table.Client.Options(), func(o *dynamodb.Options) { o.HTTPClient = &http.Client{Transport: c} })
	return table, c
}

// A revocation whose response is lost is reported as done.
func TestRevokeLostResponse(t *testing.T) {
	table, calls := counted(newTable(t))
	if err := table.Grant(t.Context(), "ada", "course-1", time.Time{}); err != nil {
		t.Fatal(err)
	}
	lost := false
	calls.after = func(operation string) error {
		if operation == "DeleteItem" && !lost {
			lost = true
			return io.ErrUnexpectedEOF
		}
		return nil
	}
	revoked, err := table.Revoke(t.Context(), "ada", "course-1")
	if err != nil || !revoked.Existed || !lost || len(contents(t, table)) != 0 {
		t.Errorf("%+v, %v, lost %t, left %q", revoked, err, lost, contents(t, table))
	}
}

func rowsOf(t *testing.T, file io.Reader) func() (grants.Row, error) {
	t.Helper()
	reader, err := grants.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	return reader.Next
}

func TestImport(t *testing.T) {
	table := newTable(t)
	const file = "path,until,email,viewer\n" +
		"course-1,,ada@example.com,\n" +
		"course-1,2030-01-01,,ben\n" +
		"course-2,2030-01-01T12:00:00+01:00,,ben\n" +
		"*,,,carol\n" +
		"course-3,2031-01-01,,dan\n" +
		"course-3,2032-01-01,,dan\n" // the last one counts
	put(t, table, "ben", map[string]types.AttributeValue{"order": text("7"), "until": number(1893542400)}) // as the file has it
	put(t, table, "carol", map[string]types.AttributeValue{"until": number(5)})
	put(t, table, "email:ada@example.com", map[string]types.AttributeValue{"until": number(5), "sales": &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{"cs_1": number(5)}}})
	put(t, table, "zoe", nil) // not in the file
	want := []string{
		"ben course-1 order=7 until=1893542400",
		"ben course-2 until=1893495600",
		"carol * ",
		"carol course-1 until=5",
		"dan course-3 until=1956614400",
		"email:ada@example.com course-1 granted=0 sales={cs_1:5}",
		"zoe course-1",
	}
	for i := range want {
		want[i] = strings.TrimSpace(want[i])
	}
	before := contents(t, table)
	for _, run := range []struct {
		name   string
		dry    bool
		counts grants.Counts
		writes int64
	}{
		{"dry run", true, grants.Counts{New: 5, Changed: 0, Same: 1}, 0},
		{"first", false, grants.Counts{New: 4, Changed: 1, Same: 1}, 5},
		{"again", false, grants.Counts{Changed: 2, Same: 4}, 2}, // dan's two lines
	} {
		counted, calls := counted(table)
		counts, err := grants.Import{Table: counted, DryRun: run.dry, Workers: 3, Rate: 1000}.Run(t.Context(), rowsOf(t, strings.NewReader(file)))
		if err != nil || counts != run.counts || calls.writes.Load() != run.writes {
			t.Errorf("%s: %+v, %v, %d writes; want %+v, %d writes", run.name, counts, err, calls.writes.Load(), run.counts, run.writes)
		}
		if run.dry {
			if got := contents(t, table); !slices.Equal(got, before) {
				t.Errorf("a dry run changed the table to\n%s", strings.Join(got, "\n"))
			}
			continue
		}
		if got := contents(t, table); !slices.Equal(got, want) {
			t.Errorf("%s: the table has\n%s\nwant\n%s", run.name, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: fmt.Sprint(n)}
}

// manyRows is a file with so many rows, made while it is read.
func manyRows(n int) io.Reader {
	reader, writer := io.Pipe()
	go func() {
		fmt.Fprint(writer, "email,path,until\n")
		for i := range n {
			if _, err := fmt.Fprintf(writer, "viewer-%06d@example.com,course-%d,2035-01-01\n", i, i%7); err != nil {
				return
			}
		}
		writer.Close()
	}()
	return reader
}

// A hundred thousand rows, a crash in the middle, and a repeat: each row is
// written once, and the third time nothing is.
func TestImportManyRows(t *testing.T) {
	for _, tt := range []struct {
		name  string
		rows  int
		table func(t *testing.T) grants.Table
	}{
		{"DynamoDB's stand-in", 2_000, newTable},
		{"a map", 100_000, func(*testing.T) grants.Table { return newMemory() }},
	} {
		t.Run(tt.name, func(t *testing.T) { importTwice(t, tt.table(t), tt.rows) })
	}
}

func importTwice(t *testing.T, table grants.Table, rows int) {
	crash := errors.New("crash")
	run := func(end func(operation string, writes int64) error) (grants.Counts, int64, error) {
		counted, calls := counted(table)
		calls.end = end
		counted.Client = dynamodb.New(counted.Client.Options(), func(o *dynamodb.Options) { o.RetryMaxAttempts = 1 })
		counts, err := grants.Import{Table: counted, Workers: 32, Rate: 1_000_000}.Run(t.Context(), rowsOf(t, manyRows(rows)))
		return counts, calls.writes.Load(), err
	}
	half := int64(rows / 2)
	counts, _, err := run(func(_ string, writes int64) error {
		if writes > half {
			return crash
		}
		return nil
	})
	if !errors.Is(err, crash) || counts.New > int(half) {
		t.Fatalf("%+v, %v", counts, err)
	}
	// Writes that were under way when the others crashed may have been made.
	counts, writes, err := run(nil)
	if err != nil || counts.New+counts.Same != rows || counts.Same < int(half)-64 || counts.Same > int(half) || writes != int64(counts.New) {
		t.Errorf("the repeat: %+v, %v", counts, err)
	}
	counts, writes, err = run(nil)
	if err != nil || counts != (grants.Counts{Same: rows}) || writes != 0 {
		t.Errorf("once more: %+v, %d writes, %v", counts, writes, err)
	}
}

// A memory has the items of a table, for more of them than the stand-in takes in
// the time of a test. It knows the calls of an import.
type memory struct {
	mu    sync.Mutex
	items map[string]map[string]json.RawMessage
}

func newMemory() grants.Table {
	return grants.Table{Name: "Grants", Client: dynamodb.New(dynamodb.Options{
		Region: "eu-central-1", HTTPClient: &http.Client{Transport: &memory{items: map[string]map[string]json.RawMessage{}}},
		Credentials: aws.AnonymousCredentials{}, // signing takes time
	})}
}

func (m *memory) RoundTrip(r *http.Request) (*http.Response, error) {
	type attributes map[string]json.RawMessage
	id := func(key attributes) string { return string(key["viewer"]) + string(key["path"]) }
	var in struct {
		Key                       attributes
		ConditionExpression       string
		ExpressionAttributeValues attributes
		RequestItems              map[string]struct{ Keys []attributes }
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	status, answer := 200, any(struct{}{})
	if keys := in.RequestItems["Grants"].Keys; keys != nil {
		found := []map[string]json.RawMessage{}
		for _, key := range keys {
			if item := m.items[id(key)]; item != nil {
				found = append(found, item)
			}
		}
		answer = map[string]any{"Responses": map[string]any{"Grants": found}}
	} else if strings.HasPrefix(in.ConditionExpression, "attribute_not_exists") != (m.items[id(in.Key)] == nil) {
		status, answer = 400, map[string]string{"__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"}
	} else {
		m.items[id(in.Key)] = map[string]json.RawMessage{"viewer": in.Key["viewer"], "path": in.Key["path"], "until": in.ExpressionAttributeValues[":v0"]}
	}
	body, err := json.Marshal(answer)
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}}, Body: io.NopCloser(bytes.NewReader(body))}, err
}

// An import has a bounded number of rows in memory: it does not read on while
// DynamoDB does not respond.
func TestImportReadsNoFurtherThanItWrites(t *testing.T) {
	const workers = 4
	table := grants.Table{Name: "Grants", Client: dynamodb.New(dynamodb.Options{Region: "eu-central-1"})}
	stuck, release := context.WithCancel(t.Context())
	table, calls := counted(table)
	calls.end = func(string, int64) error { <-stuck.Done(); return errors.New("released") }
	table.Client = dynamodb.New(table.Client.Options(), func(o *dynamodb.Options) { o.RetryMaxAttempts = 1 })
	read := 0
	progress := make(chan int)
	done := make(chan error)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		_, err := grants.Import{Table: table, Workers: workers, Rate: 1000}.Run(ctx, func() (grants.Row, error) {
			read++
			select {
			case progress <- read:
			case <-ctx.Done():
			}
			return grants.Row{Holder: fmt.Sprint("v", read), Path: "a"}, nil
		})
		done <- err
	}()
	// Each worker holds a batch and a queue of as many rows.
	const most = workers*2*100 + workers + 1
	last := 0
	for idle := 0; idle < 100; {
		select {
		case last = <-progress:
			idle = 0
		default:
			idle++
			runtime.Gosched()
			time.Sleep(time.Millisecond)
		}
		if last > most {
			t.Fatalf("%d rows were read while none was written", last)
		}
	}
	release()
	cancel()
	if err := <-done; err == nil {
		t.Error("no error")
	}
}

// What the table throttles is tried again.
func TestImportUnprocessedKeys(t *testing.T) {
	table := newTable(t)
	for i := range 10 {
		put(t, table, fmt.Sprint("v", i), nil)
	}
	throttling, _ := counted(table)
	first := true
	throttling.Client = dynamodb.New(throttling.Client.Options(), func(o *dynamodb.Options) {
		next := o.HTTPClient
		o.HTTPClient = httpFunc(func(r *http.Request) (*http.Response, error) {
			if !first || !strings.HasSuffix(r.Header.Get("X-Amz-Target"), "BatchGetItem") {
				return next.Do(r)
			}
			first = false
			body, _ := io.ReadAll(r.Body)
			request := string(body)
			keys := request[len(`{"RequestItems":`) : len(request)-1]
			return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
				Body: io.NopCloser(strings.NewReader(`{"Responses":{"Grants":[]},"UnprocessedKeys":` + keys + `}`))}, nil
		})
	})
	var file strings.Builder
	file.WriteString("viewer,path\n")
	for i := range 10 {
		fmt.Fprintf(&file, "v%d,course-1\n", i)
	}
	counts, err := grants.Import{Table: throttling, Workers: 1, Rate: 1000}.Run(t.Context(), rowsOf(t, strings.NewReader(file.String())))
	if err != nil || counts.Same != 10 || first {
		t.Errorf("%+v, %v", counts, err)
	}
}

type httpFunc func(*http.Request) (*http.Response, error)

func (f httpFunc) Do(r *http.Request) (*http.Response, error) { return f(r) }

// What is exported and imported into another table is the same there.
func TestRoundTrip(t *testing.T) {
	from, to := newTable(t), newTable(t)
	random := rand.New(rand.NewPCG(1, 2))
	viewers := []string{"ada", "=1+1", "+49", "-x", "@SUM(A1)", "'quoted", "'=x", `a"b`, "a,b;c", "auth0|5f7c", "email:ada@example.com", "email:=cmd@example.com", "email:'x@example.com", "ünï"}
	for i, viewer := range viewers {
		for range 3 {
			until := time.Time{}
			if random.IntN(2) == 0 {
				until = time.Unix(1_900_000_000+random.Int64N(1e8), 0)
			}
			if err := from.Grant(t.Context(), viewer, fmt.Sprintf("-course-%d/~%d", i, random.IntN(3)), until); err != nil {
				t.Fatal(err)
			}
		}
	}
	want := contents(t, from)
	if err := from.SetSale(t.Context(), "eve", "a", "cs_1", time.Time{}); err != nil { // not exported
		t.Fatal(err)
	}
	put(t, from, "frank", map[string]types.AttributeValue{"ttl": number(5)}) // grants nothing
	var file bytes.Buffer
	w, err := grants.NewWriter(&file)
	if err != nil {
		t.Fatal(err)
	}
	left := 0
	if err := from.Each(t.Context(), func(g grants.Grant) error {
		ok, err := w.Write(g)
		if !ok {
			left++
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil || left != 2 {
		t.Fatalf("%v; %d left out", err, left)
	}
	for line := range strings.Lines(file.String()) {
		for _, cell := range strings.Split(line, ",") {
			if strings.ContainsAny(strings.TrimPrefix(cell, `"`)[:min(1, len(cell))], "=+-@") {
				t.Errorf("a spreadsheet would run %q of %q", cell, line)
			}
		}
	}
	if _, err := (grants.Import{Table: to, Workers: 4, Rate: 10000}).Run(t.Context(), rowsOf(t, &file)); err != nil {
		t.Fatal(err)
	}
	if got := contents(t, to); !slices.Equal(got, want) {
		t.Errorf("the other table has\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestReader(t *testing.T) {
	row := func(holder, path, until string) string { return holder + " " + path + " " + until }
	for _, tt := range []struct {
		name, file string
		want       []string // rows, and errors
	}{
		{"commas", "email,path,until\nada@example.com,a,\n", []string{row("email:ada@example.com", "a", "never")}},
		{"a byte order mark, CRLF, semicolons", "\ufeffPath;E-Mail;EMAIL;Until\r\na;x;Ada@Example.com;2030-01-01\r\n", []string{row("email:ada@example.com", "a", "2030-01-02T00:00:00Z")}},
		{"tabs", "viewer\tpath\nada\ta\n", []string{row("ada", "a", "never")}},
		{"quotes", "viewer,path,until\n\"a\"\"b,c\",\"a/b\",\"2030-01-01T00:00:00+01:00\"\n", []string{row(`a"b,c`, "a/b", "2029-12-31T23:00:00Z")}},
		{"no line break at the end", "viewer,path\nada,a", []string{row("ada", "a", "never")}},
		{"empty lines and cells", "viewer,path\n\n,\n ada , a \n,,,,\n", []string{row("ada", "a", "never")}},
		{"fewer cells", "path,viewer,until\na,ada\n", []string{row("ada", "a", "never")}},
		{"everything", "viewer,path\nada,*\n", []string{row("ada", "*", "never")}},
		{"an expired grant", "viewer,path,until\nada,a,2001-01-01\n", []string{row("ada", "a", "2001-01-02T00:00:00Z")}},
		{"mistakes, and what is between", "viewer,email,path,until\n" +
			"ada,,../a,\n" + // 2
			"ada,,a,\n" +
			",,a,\n" + // 4
			"ada,ada@example.com,a,\n" +
			",ada,a,\n" + // 6
			"ada,,a,31.01.2030\n" +
			"ada,,a,30d\n" + // 8
			"ada,,,\n" +
			"a b,,a,\n" + // 10
			"sale:x,,a,\n" +
			"ada,,b,1767225600\n" + // 12
			"ada\"x,,a,\n" +
			"ben,,b,\n",
			[]string{
				`line 2: path: invalid value "../a"`, row("ada", "a", "never"),
				"line 4: has neither email nor viewer", "line 5: has both email and viewer", `line 6: email: invalid value "ada"`,
				`line 7: until: invalid value "31.01.2030"`, `line 8: until: invalid value "30d"`, "line 9: path: must not be empty",
				`line 10: viewer: invalid value "a b"`, `line 11: viewer: invalid value "sale:x"`, `line 12: until: invalid value "1767225600"`,
				"line 13: column 4: bare", row("ben", "b", "never"),
			}},
		{"a cell of two lines", "viewer,path,note\nada,a,\"one\ntwo\"\nben,../b,\n", []string{row("ada", "a", "never"), "line 4: path"}},
		{"a quote without an end", "viewer,path\n\"ada,a\nben,b\n", []string{"line 2: column"}},
		{"a formula as export guards it", "viewer,path\n'=1+1,a\n'ada,a\n", []string{row("=1+1", "a", "never"), row("'ada", "a", "never")}},

		{"empty", "", []string{"the file is empty"}},
		{"no header", "ada@example.com,a\n", []string{"line 1: must name the columns"}},
		{"no path", "viewer,until\nada,\n", []string{"line 1: must name the columns"}},
		{"another expiry", "viewer,path,expires\nada,a,2030-01-01\n", []string{`line 1: column "expires": name it until, or remove it`}},
		{"a column twice", "viewer,path,Path\nada,a,b\n", []string{"line 1: column path is there twice"}},
		{"UTF-16", "\xff\xfev\x00i\x00e\x00", []string{"line 1: must name the columns"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			reader, err := grants.NewReader(strings.NewReader(tt.file))
			if err != nil {
				got = append(got, err.Error())
			}
			for err == nil {
				var next grants.Row
				next, err = reader.Next()
				var mistake *grants.RowError
				switch {
				case err == nil:
					until := "never"
					if !next.Until.IsZero() {
						until = next.Until.Format(time.RFC3339)
					}
					got = append(got, row(next.Holder, next.Path, until))
				case errors.As(err, &mistake):
					got = append(got, err.Error())
					err = nil
				}
			}
			if !slices.EqualFunc(got, tt.want, func(got, want string) bool { return strings.HasPrefix(got, want) }) {
				t.Errorf("read\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

// A quote without an end does not take a large file into memory.
func TestReaderBoundsALine(t *testing.T) {
	read := 0
	file := io.MultiReader(strings.NewReader("viewer,path\n\""), readFunc(func(p []byte) (int, error) {
		read += len(p)
		return copy(p, bytes.Repeat([]byte("a"), len(p))), nil
	}))
	reader, err := grants.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = reader.Next(); err == nil || !strings.Contains(err.Error(), "a quote without an end") || read > 2<<20 {
		t.Errorf("%v after %d bytes", err, read)
	}
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }
