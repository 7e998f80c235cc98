package entitlement_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
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

	"premiumhls/internal/premiumpath"
	"premiumhls/lambda/internal/entitlement"
	"premiumhls/local/dynamodb"
)

// A wire is a table over the wire: the decider that asks it, and a client as
// a shop has one.
type wire struct {
	entitlement.Decider
	client *sdk.Client
	stop   func() error
}

func newWire(t *testing.T) wire {
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
	decider, err := entitlement.New(`{"table":"Grants"}`, entitlement.Config{
		Getenv: func(name string) string { return environment[name] },
		Logger: slog.New(slog.DiscardHandler),
		Now:    time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	return wire{decider, sdk.New(sdk.Options{
		Region: "eu-central-1", BaseEndpoint: &server.URL,
		Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
	}), server.Close}
}

func (w wire) put(t *testing.T, viewer, path string, others map[string]types.AttributeValue) {
	t.Helper()
	item := map[string]types.AttributeValue{
		"viewer": &types.AttributeValueMemberS{Value: viewer},
		"path":   &types.AttributeValueMemberS{Value: path},
	}
	for name, value := range others {
		item[name] = value
	}
	if _, err := w.client.PutItem(t.Context(), &sdk.PutItemInput{TableName: aws.String("Grants"), Item: item}); err != nil {
		t.Fatal(err)
	}
}

func ends(at time.Time) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"until": &types.AttributeValueMemberN{Value: fmt.Sprint(at.Unix())}}
}

func TestTableOverTheWire(t *testing.T) {
	w := newWire(t)
	later := time.Now().Add(time.Hour).Truncate(time.Second)
	w.put(t, "ada", "course-1", nil)
	w.put(t, "ada", "course-2", ends(later))
	w.put(t, "ada", "course-3", ends(time.Now().Add(-time.Hour)))
	w.put(t, "ada", "course-4", map[string]types.AttributeValue{"until": &types.AttributeValueMemberS{Value: "soon"}})
	w.put(t, "bob", "*", ends(later))
	var many []string // more than a page has
	for i := range 260 {
		many = append(many, fmt.Sprintf("x/%03d", i))
		w.put(t, "carol", many[i], nil)
	}

	for _, tt := range []struct {
		name, viewer, path string
		want               entitlement.Grant
		refused            bool
		wrong              bool
	}{
		{name: "the path", viewer: "ada", path: "course-1", want: entitlement.Grant{Path: "course-1"}},
		{name: "below it", viewer: "ada", path: "course-1/a/b", want: entitlement.Grant{Path: "course-1"}},
		{name: "with an end", viewer: "ada", path: "course-2", want: entitlement.Grant{Path: "course-2", Expires: later}},
		{name: "everything", viewer: "bob", path: "", want: entitlement.Grant{Expires: later}},
		{name: "a path of everything", viewer: "bob", path: "course-1", want: entitlement.Grant{Expires: later}},
		{name: "a name that begins alike", viewer: "ada", path: "course-10", refused: true},
		{name: "ended", viewer: "ada", path: "course-3", refused: true},
		{name: "another viewer", viewer: "dan", path: "course-1", refused: true},
		{name: "everything without the grant", viewer: "ada", path: "", refused: true},
		{name: "a wrong end", viewer: "ada", path: "course-4", wrong: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := w.Decide(t.Context(), entitlement.Viewer{Subject: tt.viewer}, tt.path)
			switch {
			case tt.wrong && (err == nil || errors.Is(err, entitlement.ErrNotEntitled)),
				tt.refused && !errors.Is(err, entitlement.ErrNotEntitled),
				!tt.wrong && !tt.refused && err != nil:
				t.Errorf("error %v", err)
			}
			if got.Path != tt.want.Path || !got.Expires.Equal(tt.want.Expires) {
				t.Errorf("%v, want %v", got, tt.want)
			}
		})
	}

	paths := func(viewer string) []string {
		t.Helper()
		grants, err := w.List(t.Context(), entitlement.Viewer{Subject: viewer})
		if err != nil {
			t.Fatal(err)
		}
		var paths []string
		for _, grant := range grants {
			paths = append(paths, grant.Path)
		}
		return paths
	}
	if got := paths("carol"); !slices.Equal(got, many) {
		t.Errorf("lists %q", got)
	}
	if got := paths("bob"); !slices.Equal(got, []string{""}) {
		t.Errorf("lists %q", got)
	}
	if got := paths("dan"); got != nil {
		t.Errorf("lists %q", got)
	}

	// The deepest path there is, over the wire too.
	long := strings.Repeat("y/", premiumpath.MaxSegments-1) + "y"
	w.put(t, "erin", long, nil)
	if got, err := w.Decide(t.Context(), entitlement.Viewer{Subject: "erin"}, long); err != nil || got.Path != long {
		t.Errorf("%v, %v", got, err)
	}
}

// What is bought while others ask is there at once, and what is revoked gone.
func TestTableAtOnce(t *testing.T) {
	w := newWire(t)
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			viewer := entitlement.Viewer{Subject: fmt.Sprint("viewer-", i)}
			for n := range 20 {
				path := fmt.Sprint("course-", n)
				if _, err := w.Decide(t.Context(), viewer, path); !errors.Is(err, entitlement.ErrNotEntitled) {
					t.Errorf("before the purchase: %v", err)
				}
				key := map[string]types.AttributeValue{
					"viewer": &types.AttributeValueMemberS{Value: viewer.Subject},
					"path":   &types.AttributeValueMemberS{Value: path},
				}
				if _, err := w.client.PutItem(t.Context(), &sdk.PutItemInput{TableName: aws.String("Grants"), Item: key}); err != nil {
					t.Error(err)
				}
				if got, err := w.Decide(t.Context(), viewer, path+"/a"); err != nil || got.Path != path {
					t.Errorf("after the purchase: %v, %v", got, err)
				}
				if _, err := w.client.DeleteItem(t.Context(), &sdk.DeleteItemInput{TableName: aws.String("Grants"), Key: key}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
}

func TestTableIsGone(t *testing.T) {
	w := newWire(t)
	w.put(t, "ada", "*", nil)
	if _, err := w.Decide(t.Context(), entitlement.Viewer{Subject: "ada"}, "a"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.client.DeleteTable(context.Background(), &sdk.DeleteTableInput{TableName: aws.String("Grants")}); err != nil {
		t.Fatal(err)
	}
	refuses := func(what string) {
		t.Helper()
		if got, err := w.Decide(t.Context(), entitlement.Viewer{Subject: "ada"}, "a"); err == nil || errors.Is(err, entitlement.ErrNotEntitled) {
			t.Errorf("%s: %v, %v", what, got, err)
		}
		if got, err := w.List(t.Context(), entitlement.Viewer{Subject: "ada"}); err == nil || got != nil {
			t.Errorf("%s: lists %v, %v", what, got, err)
		}
	}
	refuses("no table")
	w.stop()
	refuses("no DynamoDB")
}
