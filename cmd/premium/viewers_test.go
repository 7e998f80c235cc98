package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"premiumhls/internal/grants"
	"premiumhls/internal/localrun"
	"premiumhls/local/cognito"
	local "premiumhls/local/dynamodb"
)

// startTable starts a local run with a table and a user pool.
func startTable(t *testing.T, outputs map[string]string) (grants.Table, *cognito.Provider) {
	t.Helper()
	return startTableWith(t, outputs, func(users []byte) []byte { return users })
}

// startTableWith changes what the user pool says.
func startTableWith(t *testing.T, outputs map[string]string, change func(users []byte) []byte) (grants.Table, *cognito.Provider) {
	t.Helper()
	for _, name := range []string{"node", "npm"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skip("install Node and npm")
		}
	}
	server, err := local.Start(t.Context(), "../../local")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	if err := server.CreateTable(t.Context(), "Grants"); err != nil {
		t.Fatal(err)
	}
	provider, err := cognito.New(cognito.Options{URL: "http://localhost:1", ClientIDs: []string{"c"}, RedirectURIs: []string{"http://localhost:1/"}, Viewers: []cognito.Viewer{
		{Username: "ada", Subject: "a-1", Email: "Ada@Example.com"},
		{Username: "ben", Subject: "b-1", Email: "ben@example.com"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	pool := provider.Admin("arn:aws:cognito-idp:us-east-1:111122223333:userpool/us-east-1_pool", func(*http.Request, string, ...string) error { return nil })
	users := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		said := httptest.NewRecorder()
		pool.ServeHTTP(said, r)
		w.WriteHeader(said.Code)
		w.Write(change(said.Body.Bytes()))
	}))
	t.Cleanup(users.Close)
	startRun(t, func(r *localrun.Run) {
		r.Viewers = map[string]string{"ada": "a-1", "ben": "b-1"}
		r.Endpoints = map[string]string{"DYNAMODB": server.URL, "COGNITO_IDENTITY_PROVIDER": users.URL}
		r.Outputs = map[string]string{"EntitlementsTable": "Grants"}
		for name, value := range outputs {
			r.Outputs[name] = value
		}
	})
	return grants.Table{Name: "Grants", Client: dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
	})}, provider
}

func runWith(t *testing.T, input string, args ...string) (code int, out string) {
	t.Helper()
	var text strings.Builder
	code = run(t.Context(), args, system{in: strings.NewReader(input), out: &text, err: &text, now: time.Now, getenv: func(string) string { return "" }})
	return code, text.String()
}

// fill grants something in every way to ada, and something to ben.
func fill(t *testing.T, table grants.Table) {
	t.Helper()
	for _, err := range []error{
		table.Grant(t.Context(), "a-1", "course-1", time.Time{}),
		table.SetSale(t.Context(), "a-1", "course-1", "cs_1", time.Unix(4102444800, 0)),
		table.SetSale(t.Context(), "a-1", "course-2", "cs_2", time.Time{}),
		table.Grant(t.Context(), "email:ada@example.com", "course-3", time.Time{}),
		table.Grant(t.Context(), "b-1", "course-1", time.Time{}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	// Pointers of a claimed sale, of one that has ended since, and of ben's.
	for sale, holder := range map[string]string{"cs_1": "a-1", "ended": "a-1", "ben": "b-1"} {
		item := key("sale:"+sale, "course-1")
		item["holder"] = &types.AttributeValueMemberS{Value: holder}
		if _, err := table.Client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table.Name, Item: item}); err != nil {
			t.Fatal(err)
		}
	}
}

func keysIn(t *testing.T, table grants.Table) (keys []string) {
	t.Helper()
	got, err := table.Client.Scan(t.Context(), &dynamodb.ScanInput{TableName: &table.Name, ConsistentRead: aws.Bool(true)})
	if err != nil {
		t.Fatal(err)
	}
	for _, item := range got.Items {
		keys = append(keys, item["viewer"].(*types.AttributeValueMemberS).Value+" "+item["path"].(*types.AttributeValueMemberS).Value)
	}
	slices.Sort(keys)
	return keys
}

func TestForgetViewer(t *testing.T) {
	bens := []string{"b-1 course-1", "sale:ben course-1"}
	for _, tt := range []struct {
		name    string
		args    []string
		left    []string // beside ben's
		account bool     // ada's stays
	}{
		{"by address", []string{"Ada@Example.com"}, nil, false},
		{"by sub", []string{"--viewer", "a-1"}, nil, false},
		{"by the name in the local run", []string{"--viewer", "ada"}, nil, false},
		{"by an address that has no account", []string{"ada@example.com"}, []string{"a-1 course-1", "a-1 course-2", "sale:cs_1 course-1", "sale:ended course-1"}, true},
		{"keeping the account", []string{"Ada@Example.com", "--keep-account"}, nil, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			table, pool := startTable(t, map[string]string{"UserPool": "us-east-1_pool"})
			fill(t, table)
			all := keysIn(t, table)
			args := append([]string{"viewers", "forget"}, tt.args...)
			if code, out := runWith(t, "no\n", args...); code != no || !strings.Contains(out, "Type yes") || !slices.Equal(keysIn(t, table), all) {
				t.Errorf("not confirmed: %d %s", code, out)
			}
			code, out := runWith(t, "yes\n", args...)
			if code != yes || !strings.Contains(out, "What stays, and until when:") {
				t.Errorf("%d %s", code, out)
			}
			if strings.Contains(out, "No account:") != (len(tt.left) > 0) {
				t.Errorf("said %s", out)
			}
			want := slices.Sorted(slices.Values(slices.Concat(tt.left, bens)))
			if got := keysIn(t, table); !slices.Equal(got, want) {
				t.Errorf("the table has %q, want %q", got, want)
			}
			if n := len(pool.Viewers()); (n == 2) != tt.account {
				t.Errorf("%d accounts are left", n)
			}
			if tt.account {
				return
			}
			if code, out := runWith(t, "", args...); code != no || !strings.Contains(out, "there is nothing of this viewer") {
				t.Errorf("again: %d %s", code, out)
			}
		})
	}
}

// Somebody signed up with ada's address and never confirmed it: what waits for
// the address is not theirs.
func TestViewerOfUnverifiedAddress(t *testing.T) {
	table, _ := startTableWith(t, map[string]string{"UserPool": "us-east-1_pool"}, func(users []byte) []byte {
		return bytes.ReplaceAll(users, []byte(`"true"`), []byte(`"false"`))
	})
	fill(t, table)
	if code, out := runWith(t, "", "viewers", "export", "--viewer", "a-1"); code != yes || !strings.Contains(out, "course-1") || strings.Contains(out, "course-3") {
		t.Errorf("%d %s", code, out)
	}
}

func TestExportViewer(t *testing.T) {
	table, _ := startTable(t, map[string]string{"UserPool": "us-east-1_pool"})
	fill(t, table)
	code, out := runWith(t, "", "viewers", "export", "Ada@Example.com")
	var got struct {
		Viewer, Email string
		Account       struct{ Attributes map[string]string }
		Grants        []struct {
			Holder, Path string
			Granted      bool
			Sales        map[string]int64
		}
	}
	if err := json.Unmarshal([]byte(out), &got); code != yes || err != nil {
		t.Fatalf("%d %v %s", code, err, out)
	}
	var paths []string
	for _, g := range got.Grants {
		paths = append(paths, g.Holder+" "+g.Path)
	}
	if got.Viewer != "a-1" || got.Account.Attributes["email"] != "Ada@Example.com" || !slices.Equal(paths, []string{"a-1 course-1", "a-1 course-2", "email:ada@example.com course-3"}) ||
		got.Grants[0].Sales["cs_1"] != 4102444800 || !got.Grants[0].Granted || got.Grants[1].Granted {
		t.Errorf("exported %s", out)
	}
	if strings.Contains(out, "b-1") {
		t.Errorf("it has another viewer: %s", out)
	}
}

// Another issuer's accounts are not the stack's to find or to delete.
func TestForgetViewerOfAnotherIssuer(t *testing.T) {
	table, pool := startTable(t, nil)
	fill(t, table)
	code, out := runWith(t, "", "viewers", "forget", "ada@example.com", "--yes")
	if code != yes || !strings.Contains(out, "grants that a viewer has claimed are under the sub") || !strings.Contains(out, "delete it there") {
		t.Errorf("%d %s", code, out)
	}
	if code, out = runWith(t, "", "viewers", "forget", "--viewer", "a-1", "--yes"); code != yes {
		t.Errorf("%d %s", code, out)
	}
	if got := keysIn(t, table); len(got) != 2 || len(pool.Viewers()) != 2 {
		t.Errorf("the table has %q, the pool %d accounts", got, len(pool.Viewers()))
	}
}

func TestViewersUsage(t *testing.T) {
	for _, line := range []string{"viewers", "viewers forget", "viewers export", "viewers forget ada", "viewers export --viewer email:ada@example.com", "viewers forget a@example.com b@example.com"} {
		if code, out := runLocal(t, strings.Fields(line)...); code != failed || out == "" {
			t.Errorf("%s: %d %s", line, code, out)
		}
	}
}

// Commands for addresses need a stack that claims them.
func TestGrantByEmail(t *testing.T) {
	startTable(t, nil)
	if code, out := runLocal(t, "grant", "--email", "ada@example.com", "course-1"); code != failed || out != "premium grant: --email: stack PremiumHls does not claim grants to addresses: deploy it with \"emailGrants\": true in cdk.json\n" {
		t.Errorf("%d %s", code, out)
	}
	table, _ := startTable(t, map[string]string{"EmailGrants": "on"})
	for _, step := range []struct {
		line string
		code int
		says string
	}{
		{"grant --email Ada@Example.com course-1", yes, "Granted course-1 to ada@example.com. It becomes the grant of the first viewer who signs in with this address, verified.\n"},
		{"grants --email ada@example.com", yes, "VIEWER                 PATH      EXPIRES\nemail:ada@example.com  course-1  never\n"},
		{"grants", yes, "VIEWER                 PATH      EXPIRES\nemail:ada@example.com  course-1  never\n"},
		{"grants ada", yes, "No grants of ada in table Grants.\n"},
		{"revoke --email ada@example.com course-2", no, "premium revoke: ada@example.com has no grant of course-2"},
		{"revoke --email ada@example.com course-1", yes, "Revoked course-1 from ada@example.com.\n"},
		{"revoke --email ada@example.com course-1", no, "premium revoke: ada@example.com has no grant of course-1"},
		{"grant --email ada course-1", failed, `premium grant: --email: invalid value "ada": must be an address such as ada@example.com`},
		{"grant --email ada@example.com ada course-1", failed, "premium grant: --email: not allowed with VIEWER"},
		{"grant --email ada@example.com", failed, "premium grant: path: must not be empty"},
		{"grant email:ada@example.com course-1", failed, "premium grant: viewer: invalid value"},
	} {
		if code, out := runLocal(t, strings.Fields(step.line)...); code != step.code || !strings.HasPrefix(out, step.says) {
			t.Errorf("%s: %d\n%s\nwant %d\n%s", step.line, code, out, step.code, step.says)
		}
	}
	if err := table.SetSale(t.Context(), "a-1", "course-1", "cs_1", time.Unix(4102444800, 0)); err != nil {
		t.Fatal(err)
	}
	if code, out := runLocal(t, "grants"); code != yes || out != "VIEWER  PATH      EXPIRES               SALES\nada     course-1  2100-01-01T00:00:00Z  cs_1\n" {
		t.Errorf("%d %s", code, out)
	}
	if code, out := runLocal(t, "revoke", "ada", "course-1"); code != no || !strings.Contains(out, "by a sale only") {
		t.Errorf("%d %s", code, out)
	}
}
