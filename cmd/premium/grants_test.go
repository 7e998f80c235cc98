package main

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	local "premiumhls/local/dynamodb"
)

// account sets the environment of an account that is this machine, with a
// table Grants, and returns a client as a shop has one.
func account(t *testing.T) *dynamodb.Client {
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
	environment(t, map[string]string{"AWS_ENDPOINT_URL_DYNAMODB": server.URL})
	return dynamodb.New(dynamodb.Options{
		Region: "eu-central-1", BaseEndpoint: &server.URL,
		Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
	})
}

// environment sets what the SDK looks at, and nothing of this machine's own.
func environment(t *testing.T, changes map[string]string) {
	t.Helper()
	for name, value := range map[string]string{
		"AWS_REGION": "eu-central-1", "AWS_DEFAULT_REGION": "", "AWS_PROFILE": "", "AWS_SESSION_TOKEN": "",
		"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_CONFIG_FILE": "/nonexistent", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
		"AWS_ENDPOINT_URL": "", "AWS_ENDPOINT_URL_DYNAMODB": "", "AWS_ENDPOINT_URL_CLOUDFORMATION": "", "AWS_MAX_ATTEMPTS": "1",
	} {
		if changed, ok := changes[name]; ok {
			value = changed
		}
		t.Setenv(name, value)
	}
}

// premium runs the command and returns its exit code and all of its output.
func premium(t *testing.T, args ...string) (code int, output string) {
	t.Helper()
	t.Setenv("XDG_CACHE_HOME", t.TempDir()) // no local run
	out := new(bytes.Buffer)
	code = run(t.Context(), args, system{in: strings.NewReader(""), out: out, err: out, now: time.Now, getenv: os.Getenv})
	return code, out.String()
}

func key(viewer, path string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{
		"viewer": &types.AttributeValueMemberS{Value: viewer},
		"path":   &types.AttributeValueMemberS{Value: path},
	}
}

func TestGrants(t *testing.T) {
	client := account(t)
	put := func(path string, until types.AttributeValue) {
		t.Helper()
		item := key("bob", path)
		if until != nil {
			item["until"] = until
		}
		if _, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("Grants"), Item: item}); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"grants"}, 0, "No grants in table Grants.\n"},
		{[]string{"grants", "ada"}, 0, "No grants of ada in table Grants.\n"},
		{[]string{"grant", "ada", "course-1"}, 0, "Granted course-1 to ada.\n"},
		{[]string{"grant", "-until", "2127-01-31", "ada", "course-2"}, 0, "Granted course-2 to ada until 2127-02-01T00:00:00Z.\n"},
		{[]string{"grant", "-until", "2127-01-31", "bob", "*"}, 0, "Granted all premium content to bob until 2127-02-01T00:00:00Z.\n"},
		{[]string{"grants", "ada"}, 0, "VIEWER  PATH      EXPIRES\nada     course-1  never\nada     course-2  2127-02-01T00:00:00Z\n"},
		{[]string{"grants"}, 0, "VIEWER  PATH      EXPIRES\nada     course-1  never\nada     course-2  2127-02-01T00:00:00Z\nbob     *         2127-02-01T00:00:00Z\n"},
		// Granting again replaces the expiry.
		{[]string{"grant", "ada", "course-2"}, 0, "Granted course-2 to ada.\n"},
		{[]string{"grant", "-until", "2127-02-27", "ada", "course-1"}, 0, "Granted course-1 to ada until 2127-02-28T00:00:00Z.\n"},
		{[]string{"grants", "ada"}, 0, "VIEWER  PATH      EXPIRES\nada     course-1  2127-02-28T00:00:00Z\nada     course-2  never\n"},
		{[]string{"revoke", "ada", "course-1"}, 0, "Revoked course-1 from ada. Cookies already issued work until they expire.\n"},
		{[]string{"revoke", "ada", "course-1"}, 1, "premium revoke: ada has no grant of course-1 in table Grants\n"},
		{[]string{"revoke", "bob", "*"}, 0, "Revoked all premium content from bob. Cookies already issued work until they expire.\n"},
		{[]string{"grants"}, 0, "VIEWER  PATH      EXPIRES\nada     course-2  never\n"},
		{[]string{"grant", "ada", "../x"}, 2, `premium grant: path: invalid value "../x"`},
	} {
		args := append([]string{step.args[0], "-table", "Grants"}, step.args[1:]...)
		code, said := premium(t, args...)
		if code != step.code || !strings.HasPrefix(said, step.says) {
			t.Errorf("%q: %d\n%s\nwant %d\n%s", args, code, said, step.code, step.says)
		}
	}

	// Items that others wrote are listed, valid or not.
	put("a", &types.AttributeValueMemberN{Value: "1"})
	put("b", &types.AttributeValueMemberS{Value: "soon"})
	put("c", &types.AttributeValueMemberN{Value: "4102444800000"})
	put("d/", nil)
	put("e\x1b[2J", nil)
	expiring := func(path, attribute string) {
		item := key("bob", path)
		item[attribute] = &types.AttributeValueMemberN{Value: "4102444800"}
		if _, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("Grants"), Item: item}); err != nil {
			t.Fatal(err)
		}
	}
	expiring("f", "ttl")
	expiring("g", "ttl\x1b[2J")
	expiring("h/", "expiresAt")
	want := "VIEWER  PATH        EXPIRES\n" +
		"bob     a           1970-01-01T00:00:01Z (expired)\n" +
		"bob     b           invalid: until is not a number\n" +
		"bob     c           invalid: until is not in seconds\n" +
		"bob     d/          grants nothing: invalid path\n" +
		"bob     \"e\\x1b[2J\"  grants nothing: invalid path\n" +
		"bob     f           grants nothing: unknown attribute ttl\n" +
		"bob     g           grants nothing: unknown attribute ttl\\x1b[2J\n" +
		"bob     h/          grants nothing: invalid path\n"
	if code, said := premium(t, "grants", "-table", "Grants", "bob"); code != 0 || said != want {
		t.Errorf("%d\n%s\nwant\n%s", code, said, want)
	}

	// Other attributes are kept.
	item := key("ada", "course-3")
	item["order"] = &types.AttributeValueMemberS{Value: "7"}
	if _, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("Grants"), Item: item}); err != nil {
		t.Fatal(err)
	}
	if code, said := premium(t, "grant", "-table", "Grants", "-until", "30d", "ada", "course-3"); code != 0 {
		t.Fatal(said)
	}
	got, err := client.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String("Grants"), Key: key("ada", "course-3")})
	if err != nil || len(got.Item) != 4 {
		t.Errorf("%v, %v", got, err)
	}

	// More than one page: a megabyte.
	for i := range 5 {
		item := key("carol", fmt.Sprint("course-", i))
		item["notes"] = &types.AttributeValueMemberS{Value: strings.Repeat("n", 390_000)}
		if _, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("Grants"), Item: item}); err != nil {
			t.Fatal(err)
		}
	}
	for _, viewer := range [][]string{nil, {"carol"}} {
		code, said := premium(t, append([]string{"grants", "-table", "Grants"}, viewer...)...)
		if n := strings.Count(said, "carol"); code != 0 || n != 5 {
			t.Errorf("lists %d of 5: %s", n, said)
		}
	}

	code, said := premium(t, "grants", "-table", "Gifts")
	if code != 2 || said != "premium grants: table Gifts not found in eu-central-1 with these credentials\n" {
		t.Errorf("%d %s", code, said)
	}
}

// stacks answers DescribeStacks.
func stacks(t *testing.T) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/xml")
		output := func(key, value string) string {
			return "<member><OutputKey>" + key + "</OutputKey><OutputValue>" + value + "</OutputValue></member>"
		}
		outputs := output("Url", "https://example.com/")
		switch name := r.FormValue("StackName"); {
		case name == "PremiumHls":
			outputs += output("EntitlementsTable", "Grants")
		case name == "Secret":
			w.WriteHeader(http.StatusForbidden)
			io.WriteString(w, "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not you.</Message></Error></ErrorResponse>")
			return
		case name != "Bare":
			w.WriteHeader(http.StatusBadRequest)
			io.WriteString(w, "<ErrorResponse><Error><Code>ValidationError</Code><Message>Stack with id "+name+" does not exist</Message></Error></ErrorResponse>")
			return
		}
		io.WriteString(w, "<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>x</StackName><StackStatus>CREATE_COMPLETE</StackStatus>"+
			"<CreationTime>2026-11-24T12:00:00Z</CreationTime><Outputs>"+outputs+"</Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>")
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestStack(t *testing.T) {
	account(t)
	t.Setenv("AWS_ENDPOINT_URL_CLOUDFORMATION", stacks(t))
	for _, tt := range []struct {
		stack string
		code  int
		says  string
	}{
		{"PremiumHls", 0, "No grants in table Grants.\n"},
		{"Bare", 2, `premium grants: stack Bare has no entitlements table: deploy it with "entitlements": "table" in cdk.json` + "\n"},
		{"Other", 2, "premium grants: stack Other not found in eu-central-1 with these credentials\n"},
		{"Secret", 2, "premium grants: access denied: not you\n"},
	} {
		if code, said := premium(t, "grants", "-stack", tt.stack); code != tt.code || said != tt.says {
			t.Errorf("%s: %d %s, want %d %s", tt.stack, code, said, tt.code, tt.says)
		}
	}
}

func TestAccountsThatCannot(t *testing.T) {
	refusing := func(code, message string) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			body := fmt.Sprintf(`{"__type":"com.amazonaws.dynamodb.v20120810#%s","message":%q}`, code, message)
			w.Header().Set("X-Amz-Crc32", fmt.Sprint(crc32.ChecksumIEEE([]byte(body))))
			w.WriteHeader(http.StatusBadRequest)
			io.WriteString(w, body)
		}))
		t.Cleanup(s.Close)
		return s.URL
	}
	for _, tt := range []struct {
		name    string
		changes map[string]string
		says    string
	}{
		{"no region", map[string]string{"AWS_REGION": ""}, "no AWS region"},
		{"no credentials", map[string]string{"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, "no valid AWS credentials"},
		{"no such profile", map[string]string{"AWS_PROFILE": "other"}, "reading the AWS configuration"},
		{"unreachable", map[string]string{"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, "calling AWS for table Grants"},
		{"not allowed", map[string]string{"AWS_ENDPOINT_URL": refusing("AccessDeniedException", "not authorized to perform: dynamodb:UpdateItem")},
			"access denied: not authorized to perform: dynamodb:UpdateItem"},
		{"expired", map[string]string{"AWS_ENDPOINT_URL": refusing("ExpiredTokenException", "The security token is expired.")}, "AWS credentials are invalid or expired"},
		{"another table", map[string]string{"AWS_ENDPOINT_URL": refusing("ValidationException", "The provided key element does not match the schema")}, "not an entitlements table"},
		{"another refusal", map[string]string{"AWS_ENDPOINT_URL": refusing("RequestLimitExceeded", "slow down")}, "AWS rejected the call for table Grants: slow down (RequestLimitExceeded)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			environment(t, tt.changes)
			code, said := premium(t, "grant", "-table", "Grants", "ada", "course-1")
			if code != 2 || !strings.Contains(said, tt.says) {
				t.Errorf("%d %s, want %s", code, said, tt.says)
			}
			if strings.Contains(said, "secret") {
				t.Error("it shows the key")
			}
		})
	}
}

func TestGrantUsage(t *testing.T) {
	for _, line := range []string{
		"give -table t ada a",
		"grant ada a",
		"grants -table t -stack s",
		"grant -table t ada",
		"revoke -table t",
		"grant -table t ada a b", // the shell replaced * by the names of files
		"grants -table t ada a",
		"revoke -table t -until 30d ada a",
		"grant -table t -until soon ada a",
		"grant -table t ada /course-1",
		"grant -table t ada ../course-1",
		"grant -table t \x07 a",
	} {
		if code, said := premium(t, strings.Fields(line)...); code != 2 || said == "" {
			t.Errorf("%s: exit %d: %s", line, code, said)
		}
	}
	for _, args := range [][]string{{"grant", "-table", "t", "", "a"}, {"grant", "-table", "t", "ada", ""}} {
		if code, said := premium(t, args...); code != 2 || !strings.Contains(said, "empty") {
			t.Errorf("%q: exit %d: %s", args, code, said)
		}
	}
}
