package dynamodb_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"premiumhls/local/dynamodb"
)

// parentEnv makes the test binary a process that starts a server and waits until
// it is killed.
const parentEnv = "DYNAMODB_TEST_PARENT"

func TestMain(m *testing.M) {
	if os.Getenv(parentEnv) != "" {
		server, err := dynamodb.Start(context.Background(), "..")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(server.URL)
		select {}
	}
	os.Exit(m.Run())
}

func needNode(t *testing.T) {
	t.Helper()
	for _, name := range []string{"node", "npm"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skip("install Node and npm")
		}
	}
}

func start(t *testing.T) *dynamodb.Server {
	t.Helper()
	needNode(t)
	server, err := dynamodb.Start(t.Context(), "..")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	return server
}

func clientOf(server *dynamodb.Server) *sdk.Client {
	return sdk.New(sdk.Options{
		Region: "eu-central-1", BaseEndpoint: &server.URL,
		Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
	})
}

// A client that gives up amid its request does not end the server.
func TestClientGivesUp(t *testing.T) {
	server := start(t)
	connection, err := net.Dial("tcp", strings.TrimPrefix(server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(connection, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
	time.Sleep(100 * time.Millisecond) // until the server reads it
	connection.Close()
	time.Sleep(100 * time.Millisecond)
	if err := server.CreateTable(t.Context(), "grants"); err != nil {
		t.Fatal(err)
	}
}

func TestTable(t *testing.T) {
	server := start(t)
	ctx := t.Context()
	if err := server.CreateTable(ctx, "grants"); err != nil {
		t.Fatal(err)
	}
	client := clientOf(server)
	key := map[string]types.AttributeValue{
		"viewer": &types.AttributeValueMemberS{Value: "ada"},
		"path":   &types.AttributeValueMemberS{Value: "course-1"},
	}
	if err := server.Grant(ctx, "grants", "ada", "course-1"); err != nil {
		t.Fatal(err)
	}
	got, err := client.GetItem(ctx, &sdk.GetItemInput{TableName: aws.String("grants"), Key: key, ConsistentRead: aws.Bool(true)})
	if err != nil || len(got.Item) != 2 {
		t.Errorf("item %v, %v", got, err)
	}
	if err := server.CreateTable(ctx, "grants"); err == nil {
		t.Error("a table was made twice")
	}
	if err := server.Grant(ctx, "gifts", "ada", "course-1"); err == nil {
		t.Error("a grant went into a table that is not there")
	}
	if _, err := client.PutItem(ctx, &sdk.PutItemInput{TableName: aws.String("grants"), Item: map[string]types.AttributeValue{
		"viewer": &types.AttributeValueMemberS{Value: "ada"},
	}}); err == nil {
		t.Error("an item without its sort key was taken")
	}
}

func TestServersShareNothing(t *testing.T) {
	one, two := start(t), start(t)
	if err := one.CreateTable(t.Context(), "grants"); err != nil {
		t.Fatal(err)
	}
	tables, err := clientOf(two).ListTables(t.Context(), &sdk.ListTablesInput{})
	if err != nil || len(tables.TableNames) != 0 {
		t.Errorf("the other server has %v, %v", tables, err)
	}
}

func TestClose(t *testing.T) {
	server := start(t)
	if _, err := http.Get(server.URL); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := server.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := http.Get(server.URL); err == nil {
		t.Error("it answers after Close")
	}
}

// The server ends when its parent is killed.
func TestParentIsKilled(t *testing.T) {
	needNode(t)
	test, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	parent := exec.Command(test)
	parent.Env = append(os.Environ(), parentEnv+"=1")
	parent.Stderr = os.Stderr
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	url, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	url = strings.TrimSpace(url)
	answers := func() bool {
		response, err := http.Get(url)
		if err == nil {
			response.Body.Close()
		}
		return err == nil
	}
	if !answers() {
		t.Fatal("it does not answer")
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait() // killed
	for answers() {
		time.Sleep(5 * time.Millisecond) // the test's own time limit ends it
	}
}

func TestStartRefuses(t *testing.T) {
	needNode(t)
	empty := t.TempDir()
	bare := t.TempDir() // as if installed, without dynalite
	if err := os.Mkdir(filepath.Join(bare, "node_modules"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"package-lock.json", "node_modules/.installed-lock.json"} {
		if err := os.WriteFile(filepath.Join(bare, name), []byte("{}"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tt := range []struct {
		name string
		ctx  context.Context
		dir  string
		path string
		want string
	}{
		{"no package-lock.json", t.Context(), empty, os.Getenv("PATH"), "package-lock.json"},
		{"no dynalite", t.Context(), bare, os.Getenv("PATH"), "Cannot find module 'dynalite'"},
		{"cancelled", cancelled, "..", os.Getenv("PATH"), "context canceled"},
		{"no node", t.Context(), "..", empty, "install Node 20 or newer"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.name == "no node" {
				start(t) // installs the packages
			}
			t.Setenv("PATH", tt.path)
			server, err := dynamodb.Start(tt.ctx, tt.dir)
			if err == nil {
				server.Close()
				t.Fatal("no error")
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %q, want one with %q", err, tt.want)
			}
		})
	}
}
