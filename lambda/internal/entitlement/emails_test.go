package entitlement_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"premiumhls/internal/grants"
	"premiumhls/lambda/internal/awsjson"
	"premiumhls/lambda/internal/entitlement"
	"premiumhls/local/dynamodb"
)

// emails is a table with grants to addresses, over the wire.
type emails struct {
	grants.Table
	calls []string // operations that the decider called
	fail  func(operation string) error
	log   bytes.Buffer
	api   *awsjson.Client
	mu    sync.Mutex
}

// Write writes to the log.
func (e *emails) Write(line []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.log.Write(line)
}

// Call counts a call, and lets a test make it fail.
func (e *emails) Call(ctx context.Context, operation string, input, output any) error {
	e.mu.Lock()
	e.calls = append(e.calls, operation)
	fail := e.fail
	e.mu.Unlock()
	if fail != nil {
		if err := fail(operation); err != nil {
			return err
		}
	}
	return e.api.Call(ctx, operation, input, output)
}

func newEmails(t *testing.T) *emails {
	t.Helper()
	for _, name := range []string{"node", "npm"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skip("install Node and npm")
		}
	}
	server, err := dynamodb.Start(t.Context(), "../../../local")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	if err := server.CreateTable(t.Context(), "Grants"); err != nil {
		t.Fatal(err)
	}
	environment := map[string]string{
		"AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "token",
		"AWS_ENDPOINT_URL_DYNAMODB": server.URL,
	}
	e := &emails{}
	if e.api, err = awsjson.New(awsjson.DynamoDB, "", func(name string) string { return environment[name] }); err != nil {
		t.Fatal(err)
	}
	e.Table = grants.Table{Name: "Grants", Client: sdk.New(sdk.Options{
		Region: "eu-central-1", BaseEndpoint: &server.URL,
		Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
	})}
	return e
}

// decider returns the decider of another copy of the signer.
func (e *emails) decider() *entitlement.Table {
	table := entitlement.NewTable(e, "Grants", entitlement.Config{Logger: slog.New(slog.NewJSONHandler(e, nil)), Now: time.Now})
	table.WithEmails()
	return table
}

func (e *emails) contents(t *testing.T) []string {
	t.Helper()
	got, err := e.Client.Scan(t.Context(), &sdk.ScanInput{TableName: aws.String("Grants"), ConsistentRead: aws.Bool(true)})
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, item := range got.Items {
		line := show(item["viewer"]) + " " + show(item["path"])
		for _, name := range slices.Sorted(maps.Keys(item)) {
			if name != "viewer" && name != "path" {
				line += " " + name + "=" + show(item[name])
			}
		}
		all = append(all, line)
	}
	slices.Sort(all)
	return all
}

func show(value types.AttributeValue) string {
	switch value := value.(type) {
	case *types.AttributeValueMemberS:
		return value.Value
	case *types.AttributeValueMemberN:
		return value.Value
	case *types.AttributeValueMemberM:
		var members []string
		for _, name := range slices.Sorted(maps.Keys(value.Value)) {
			members = append(members, name+":"+show(value.Value[name]))
		}
		return "{" + strings.Join(members, " ") + "}"
	}
	return fmt.Sprintf("%T", value)
}

func (e *emails) put(t *testing.T, viewer, path string, attributes map[string]types.AttributeValue) {
	t.Helper()
	item := map[string]types.AttributeValue{"viewer": &types.AttributeValueMemberS{Value: viewer}, "path": &types.AttributeValueMemberS{Value: path}}
	maps.Copy(item, attributes)
	if _, err := e.Client.PutItem(t.Context(), &sdk.PutItemInput{TableName: aws.String("Grants"), Item: item}); err != nil {
		t.Fatal(err)
	}
}

func (e *emails) empty(t *testing.T) {
	t.Helper()
	for _, line := range e.contents(t) {
		viewer, rest, _ := strings.Cut(line, " ")
		path, _, _ := strings.Cut(rest, " ")
		if _, err := e.Client.DeleteItem(t.Context(), &sdk.DeleteItemInput{TableName: aws.String("Grants"), Key: map[string]types.AttributeValue{
			"viewer": &types.AttributeValueMemberS{Value: viewer}, "path": &types.AttributeValueMemberS{Value: path}}}); err != nil {
			t.Fatal(err)
		}
	}
	e.calls, e.fail = nil, nil
	e.log.Reset()
}

const adasAddress = "email:ada@example.com"

// verified is a viewer as the authorizer hands on a token with a verified address.
func verified(subject, address string) entitlement.Viewer {
	return entitlement.Viewer{Subject: subject, Claims: map[string]string{"sub": subject, "email": address, "email_verified": "true"}}
}

// Only an address that the issuer verified opens what was granted to it.
func TestWhoseAddress(t *testing.T) {
	e := newEmails(t)
	for _, tt := range []struct {
		name, address, verified string
		subject                 string
		entitled                bool
	}{
		{"verified", "ada@example.com", "true", "s1", true},
		{"in another case, with spaces", " Ada@Example.COM ", "true", "s1", true},
		{"not verified", "ada@example.com", "false", "s1", false},
		{"nothing said", "ada@example.com", "", "s1", false},
		{"1", "ada@example.com", "1", "s1", false},
		{"True", "ada@example.com", "True", "s1", false},
		{"a list", "ada@example.com", "[true]", "s1", false},
		{"spaces", "ada@example.com", " true", "s1", false},
		{"another address", "eve@example.com", "true", "s1", false},
		{"with a dot", "a.da@example.com", "true", "s1", false},
		{"with a plus", "ada+x@example.com", "true", "s1", false},
		{"a list of addresses", "ada@example.com,eve@example.com", "true", "s1", false},
		{"a letter that looks alike", "ad\u0430@example.com", "true", "s1", false},
		{"no address", "", "true", "s1", false},
		{"the address as the subject", "eve@example.com", "true", adasAddress, false},
		{"a pointer as the subject", "ada@example.com", "true", "sale:cs_1", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e.empty(t)
			e.put(t, adasAddress, "course-1", nil)
			claims := map[string]string{"email": tt.address}
			if tt.verified != "" {
				claims["email_verified"] = tt.verified
			}
			viewer := entitlement.Viewer{Subject: tt.subject, Claims: claims}
			_, err := e.decider().Decide(t.Context(), viewer, "course-1/lesson-1")
			if tt.entitled && err != nil || !tt.entitled && !errors.Is(err, entitlement.ErrNotEntitled) {
				t.Errorf("Decide: %v", err)
			}
			list, err := e.decider().List(t.Context(), viewer)
			if err != nil || (len(list) == 1) != tt.entitled {
				t.Errorf("List: %v, %v", list, err)
			}
			want := []string{adasAddress + " course-1"}
			if tt.entitled {
				want = []string{tt.subject + " course-1", "sale:" + adasAddress + " course-1 granted=0 holder=" + tt.subject}
			}
			if got := e.contents(t); !slices.Equal(got, want) {
				t.Errorf("the table has %q, want %q", got, want)
			}
			if strings.Contains(e.log.String(), "ada@example.com") {
				t.Errorf("the log has the address: %s", &e.log)
			}
		})
	}
}

func sales(expiries ...int64) map[string]types.AttributeValue {
	ids := map[string]types.AttributeValue{}
	for i, until := range expiries {
		ids[fmt.Sprint("cs_", i)] = &types.AttributeValueMemberN{Value: fmt.Sprint(until)}
	}
	return map[string]types.AttributeValue{"sales": &types.AttributeValueMemberM{Value: ids}}
}

func with(attributes map[string]types.AttributeValue, name string, value types.AttributeValue) map[string]types.AttributeValue {
	attributes = maps.Clone(attributes)
	if attributes == nil {
		attributes = map[string]types.AttributeValue{}
	}
	attributes[name] = value
	return attributes
}

func n(text string) types.AttributeValue { return &types.AttributeValueMemberN{Value: text} }
func s(text string) types.AttributeValue { return &types.AttributeValueMemberS{Value: text} }

// far is an expiry in the future, in seconds since 1970.
const far = "4102444800"

// claimedPart is the pointer of what a person granted to ada's address.
func claimedPart(until string) string {
	return "sale:" + adasAddress + " course-1 granted=" + until + " holder=s1"
}

func TestClaimMerges(t *testing.T) {
	e := newEmails(t)
	for _, tt := range []struct {
		name     string
		own      map[string]types.AttributeValue // nil: no item
		address  map[string]types.AttributeValue
		want     []string
		entitled bool
	}{
		{"manual", nil, with(nil, "until", n(far)), []string{"s1 course-1 until=" + far, claimedPart(far)}, true},
		{"expired", nil, with(nil, "until", n("5")), []string{"s1 course-1 until=5", claimedPart("5")}, false},
		{"expired in 1970", nil, with(nil, "until", n("0")), []string{"s1 course-1 until=1", claimedPart("1")}, false},
		{"sales", nil, with(sales(4102444800, 7), "until", n(far)), []string{"s1 course-1 sales={cs_0:4102444800 cs_1:7} until=" + far, "sale:cs_0 course-1 holder=s1", "sale:cs_1 course-1 holder=s1"}, true},
		{"a sale without expiry", nil, sales(0), []string{"s1 course-1 sales={cs_0:0}", "sale:cs_0 course-1 holder=s1"}, true},
		{"both manual, the later counts", with(nil, "until", n("9")), with(nil, "until", n(far)), []string{"s1 course-1 until=" + far, claimedPart(far)}, true},
		{"both manual, the viewer's is later", with(nil, "order", s("7")), with(nil, "until", n(far)), []string{"s1 course-1 order=7", claimedPart(far)}, true},
		{"manual of the viewer, a sale of the address", with(nil, "until", n("9")), with(sales(4102444800), "until", n(far)), []string{"s1 course-1 granted=9 sales={cs_0:4102444800} until=" + far, "sale:cs_0 course-1 holder=s1"}, true},
		{"manual and a sale of the address", nil, with(with(sales(7), "until", n(far)), "granted", n(far)), []string{"s1 course-1 granted=" + far + " sales={cs_0:7} until=" + far, "sale:cs_0 course-1 holder=s1", claimedPart(far)}, true},
		{"a sale of each", with(with(nil, "sales", &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{"x": n(far)}}), "until", n(far)), with(sales(7), "until", n("7")), []string{"s1 course-1 sales={cs_0:7 x:" + far + "} until=" + far, "sale:cs_0 course-1 holder=s1"}, true},
		{"attributes of others", with(nil, "order", s("7")), with(with(nil, "order", s("8")), "list", &types.AttributeValueMemberL{Value: []types.AttributeValue{n("1")}}), []string{"s1 course-1 list=*types.AttributeValueMemberL order=7", claimedPart("0")}, true},

		{"an unknown expiry", nil, with(nil, "ttl", n(far)), []string{adasAddress + " course-1 ttl=" + far}, false},
		{"until is a string", nil, with(nil, "until", s("soon")), []string{adasAddress + " course-1 until=soon"}, false},
		{"sales are a string", nil, with(nil, "sales", s("3")), []string{adasAddress + " course-1 sales=3"}, false},
		{"an unknown expiry of the viewer's", with(nil, "ttl", n(far)), with(nil, "until", n(far)), nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e.empty(t)
			if tt.own != nil {
				e.put(t, "s1", "course-1", tt.own)
			}
			e.put(t, adasAddress, "course-1", tt.address)
			for range 2 { // the second time there is nothing left to do
				_, err := e.decider().Decide(t.Context(), verified("s1", "ada@example.com"), "course-1")
				if tt.entitled && err != nil || !tt.entitled && !errors.Is(err, entitlement.ErrNotEntitled) {
					t.Errorf("Decide: %v", err)
				}
			}
			if tt.want == nil { // neither item changes what it grants
				tt.want = e.contents(t)
			}
			if got := e.contents(t); !slices.Equal(got, tt.want) {
				t.Errorf("the table has\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

// All grants of the address move with the first request, and stay when the
// viewer's address changes.
func TestClaimSurvivesAChangeOfAddress(t *testing.T) {
	e := newEmails(t)
	for _, path := range []string{"course-1", "course-2/lesson-1", "course-3"} {
		e.put(t, adasAddress, path, nil)
	}
	if _, err := e.decider().Decide(t.Context(), verified("s1", "ada@example.com"), "course-2/lesson-1"); err != nil {
		t.Fatal(err)
	}
	want := []string{"s1 course-1", "s1 course-2/lesson-1", "s1 course-3"}
	for _, path := range []string{"course-1", "course-2/lesson-1", "course-3"} {
		want = append(want, "sale:"+adasAddress+" "+path+" granted=0 holder=s1")
	}
	if got := e.contents(t); !slices.Equal(got, want) {
		t.Errorf("the table has %q", got)
	}
	for _, path := range []string{"course-1/a", "course-2/lesson-1", "course-3"} {
		if _, err := e.decider().Decide(t.Context(), verified("s1", "ada@new.example"), path); err != nil {
			t.Errorf("with a new address: %s: %v", path, err)
		}
	}
	// Who gets the old address later gets nothing of it.
	if _, err := e.decider().Decide(t.Context(), verified("s2", "ada@example.com"), "course-1"); !errors.Is(err, entitlement.ErrNotEntitled) {
		t.Errorf("the next owner of the address: %v", err)
	}
}

// A file that is imported again grants nothing twice: what a viewer has claimed
// counts as granted, until the file says something else.
func TestImportAfterClaim(t *testing.T) {
	e := newEmails(t)
	imported := func(lines string) grants.Counts {
		t.Helper()
		reader, err := grants.NewReader(strings.NewReader("email,path,until\n" + lines))
		if err != nil {
			t.Fatal(err)
		}
		counts, err := grants.Import{Table: e.Table, Workers: 2, Rate: 1000}.Run(t.Context(), reader.Next)
		if err != nil {
			t.Fatal(err)
		}
		return counts
	}
	const file = "ada@example.com,course-1,\nada@example.com,course-2,2099-01-01\n"
	if got, want := imported(file), (grants.Counts{New: 2}); got != want {
		t.Fatalf("%+v", got)
	}
	if _, err := e.decider().Decide(t.Context(), verified("s1", "ada@example.com"), "course-1"); err != nil {
		t.Fatal(err)
	}
	before := e.contents(t)
	if got, want := imported(file+"ben@example.com,course-1,\n"), (grants.Counts{New: 1, Same: 2}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := slices.DeleteFunc(e.contents(t), func(line string) bool { return strings.Contains(line, "ben@") }); !slices.Equal(got, before) {
		t.Errorf("the table has\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(before, "\n"))
	}
	if _, err := e.decider().Decide(t.Context(), verified("s2", "ada@example.com"), "course-1"); !errors.Is(err, entitlement.ErrNotEntitled) {
		t.Errorf("the next owner of the address: %v", err)
	}
	// Another expiry for course-2 is another grant to the address.
	if got, want := imported("ada@example.com,course-2,2100-01-01\n"), (grants.Counts{New: 1}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// The calls that each kind of request makes.
func TestClaimCalls(t *testing.T) {
	e := newEmails(t)
	list := func(d entitlement.Decider, viewer entitlement.Viewer) error {
		_, err := d.List(t.Context(), viewer)
		return err
	}
	decide := func(d entitlement.Decider, viewer entitlement.Viewer) error {
		_, err := d.Decide(t.Context(), viewer, "course-1/lesson-1")
		return err
	}
	off := func() entitlement.Decider {
		return entitlement.NewTable(e, "Grants", entitlement.Config{Logger: slog.New(slog.DiscardHandler), Now: time.Now})
	}
	on := func() entitlement.Decider { return e.decider() }
	unverified := entitlement.Viewer{Subject: "s1", Claims: map[string]string{"email": "ada@example.com", "email_verified": "false"}}
	for _, tt := range []struct {
		name    string
		decider func() entitlement.Decider
		ask     func(entitlement.Decider, entitlement.Viewer) error
		viewer  entitlement.Viewer
		granted bool // to the address
		want    []string
	}{
		{"the feature is off", off, decide, verified("s1", "ada@example.com"), true, []string{"BatchGetItem"}},
		{"the feature is off, list", off, list, verified("s1", "ada@example.com"), true, []string{"Query"}},
		{"not verified", on, decide, unverified, true, []string{"BatchGetItem"}},
		{"nothing to claim", on, decide, verified("s1", "ada@example.com"), false, []string{"BatchGetItem"}},
		{"nothing to claim, list", on, list, verified("s1", "ada@example.com"), false, []string{"Query", "Query"}},
		{"a claim", on, decide, verified("s1", "ada@example.com"), true, []string{"BatchGetItem", "Query", "BatchGetItem", "TransactWriteItems", "BatchGetItem"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e.empty(t)
			if tt.granted {
				e.put(t, adasAddress, "course-1", nil)
			}
			if err := tt.ask(tt.decider(), tt.viewer); err != nil && !errors.Is(err, entitlement.ErrNotEntitled) {
				t.Fatal(err)
			}
			if !slices.Equal(e.calls, tt.want) {
				t.Errorf("calls %v, want %v", e.calls, tt.want)
			}
		})
	}
}

// Signers that claim at once, for one viewer and for two with the same address:
// every grant is there once.
func TestClaimsAtOnce(t *testing.T) {
	e := newEmails(t)
	for round := range 5 {
		e.empty(t)
		for i := range 4 {
			e.put(t, adasAddress, fmt.Sprint("course-", i), with(sales(7, 4102444800), "until", n(far)))
		}
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				viewer := verified(fmt.Sprint("s", i%2), "ada@example.com")
				_, err := e.decider().Decide(t.Context(), viewer, fmt.Sprint("course-", i%4))
				if err != nil && !errors.Is(err, entitlement.ErrNotEntitled) {
					t.Errorf("round %d: %v", round, err)
				}
			})
		}
		all.Wait()
		holders := map[string]string{}
		for _, line := range e.contents(t) {
			fields := strings.Fields(line)
			switch {
			case strings.HasPrefix(line, "s0 "), strings.HasPrefix(line, "s1 "):
				if holders[fields[1]] != "" {
					t.Errorf("%s is granted twice", fields[1])
				}
				holders[fields[1]] = fields[0]
			case strings.HasPrefix(line, "email:"):
				t.Errorf("not claimed: %s", line)
			}
		}
		for _, line := range e.contents(t) {
			fields := strings.Fields(line)
			if strings.HasPrefix(line, "sale:") && fields[2] != "holder="+holders[fields[1]] {
				t.Errorf("the pointer %s, but %s holds it", line, holders[fields[1]])
			}
		}
		if len(holders) != 4 {
			t.Errorf("%d of 4 grants are left", len(holders))
		}
	}
}

// A claim that is interrupted at any call loses nothing: the viewer is refused
// with an error that can be retried, or served, and the next request finishes it.
func TestInterruptedClaim(t *testing.T) {
	e := newEmails(t)
	want := []string{"s1 course-1 sales={cs_0:" + far + "} until=" + far, "s1 course-2", "sale:cs_0 course-1 holder=s1", "sale:" + adasAddress + " course-2 granted=0 holder=s1"}
	for at := 1; ; at++ {
		e.empty(t)
		e.put(t, adasAddress, "course-1", with(sales(4102444800), "until", n(far)))
		e.put(t, adasAddress, "course-2", nil)
		ctx, cancel := context.WithCancel(t.Context())
		calls, interrupted := 0, false
		e.fail = func(string) error {
			if calls++; calls == at {
				interrupted = true
				cancel()
				return context.Canceled
			}
			return nil
		}
		_, err := e.decider().Decide(ctx, verified("s1", "ada@example.com"), "course-1")
		if errors.Is(err, entitlement.ErrNotEntitled) {
			t.Errorf("interrupted at call %d: refused for good: %v", at, err)
		}
		cancel()
		e.fail = nil
		if _, err := e.decider().List(t.Context(), verified("s1", "ada@example.com")); err != nil {
			t.Errorf("interrupted at call %d: %v", at, err)
		}
		if got := e.contents(t); !slices.Equal(got, want) {
			t.Errorf("interrupted at call %d: the table has\n%s", at, strings.Join(got, "\n"))
		}
		if !interrupted {
			if at < 6 {
				t.Errorf("a claim makes only %d calls", at-1)
			}
			return
		}
	}
}

// A viewer who has other grants is served although the claim fails.
func TestClaimFails(t *testing.T) {
	e := newEmails(t)
	e.put(t, adasAddress, "course-2", nil)
	e.put(t, adasAddress, "course-1/lesson-1", nil)
	e.put(t, "s1", "course-1", nil)
	e.fail = func(operation string) error {
		if operation == "TransactWriteItems" {
			return &awsjson.Error{Status: 400, Code: "AccessDeniedException"}
		}
		return nil
	}
	if grant, err := e.decider().Decide(t.Context(), verified("s1", "ada@example.com"), "course-1/lesson-1"); err != nil || grant.Path != "course-1" {
		t.Errorf("%v, %v", grant, err)
	}
	if !strings.Contains(e.log.String(), "not claimed yet") {
		t.Errorf("logged %s", &e.log)
	}
	if _, err := e.decider().Decide(t.Context(), verified("s1", "ada@example.com"), "course-2"); err == nil || errors.Is(err, entitlement.ErrNotEntitled) {
		t.Errorf("what is not claimed: %v", err)
	}
	if list, err := e.decider().List(t.Context(), verified("s1", "ada@example.com")); err != nil || len(list) != 1 {
		t.Errorf("lists %v, %v", list, err)
	}
	if _, err := e.decider().List(t.Context(), verified("s2", "ada@example.com")); err == nil {
		t.Error("lists nothing, as if there were nothing")
	}
}

// A sale that changes while it is claimed ends as its last change says, at
// whoever holds it.
func TestClaimWhileASaleChanges(t *testing.T) {
	e := newEmails(t)
	for round := range 12 {
		e.empty(t)
		e.put(t, adasAddress, "course-1", with(sales(7), "until", n("7")))
		ended := round%2 == 0
		var all sync.WaitGroup
		all.Go(func() {
			var err error
			if ended {
				err = e.EndSale(t.Context(), adasAddress, "course-1", "cs_0")
			} else {
				err = e.SetSale(t.Context(), adasAddress, "course-1", "cs_0", time.Unix(4102444800, 0))
			}
			if err != nil {
				t.Error(err)
			}
		})
		all.Go(func() {
			if _, err := e.decider().List(t.Context(), verified("s1", "ada@example.com")); err != nil {
				t.Error(err)
			}
		})
		all.Wait()
		list, err := e.decider().List(t.Context(), verified("s1", "ada@example.com"))
		if err != nil || (len(list) == 1) == ended {
			t.Errorf("round %d: %v, %v\n%s", round, list, err, strings.Join(e.contents(t), "\n"))
		}
	}
}
