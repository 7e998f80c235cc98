package ssm_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/smithy-go"

	parameterstore "premiumhls/local/ssm"
)

// serve starts a store and returns it with a client that tries once.
func serve(t *testing.T) (*parameterstore.Store, *ssm.Client) {
	t.Helper()
	store := parameterstore.New()
	server := httptest.NewServer(store)
	t.Cleanup(server.Close)
	return store, ssm.New(ssm.Options{
		Region:           "us-east-1",
		BaseEndpoint:     aws.String(server.URL),
		Credentials:      credentials.NewStaticCredentialsProvider("local", "local", ""),
		RetryMaxAttempts: 1,
	})
}

func put(name string, typ types.ParameterType, value string) *ssm.PutParameterInput {
	return &ssm.PutParameterInput{Name: &name, Type: typ, Value: &value}
}

func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return fmt.Sprint(err)
}

func TestPutAndGet(t *testing.T) {
	store, client := serve(t)
	ctx := t.Context()

	in := put("/S/key", types.ParameterTypeSecureString, "clear text")
	in.Tier, in.Description = types.ParameterTierStandard, aws.String("a key")
	written, err := client.PutParameter(ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	if written.Version != 1 || written.Tier != types.ParameterTierStandard {
		t.Errorf("PutParameter = version %d, tier %s; want 1, Standard", written.Version, written.Tier)
	}

	read, err := client.GetParameter(ctx, &ssm.GetParameterInput{Name: in.Name, WithDecryption: aws.Bool(true)})
	if err != nil {
		t.Fatal(err)
	}
	p := read.Parameter
	if *p.Value != "clear text" || p.Type != types.ParameterTypeSecureString || p.Version != 1 {
		t.Errorf("GetParameter = %q, %s, version %d", *p.Value, p.Type, p.Version)
	}
	if age := time.Since(*p.LastModifiedDate); age < -time.Minute || age > time.Minute {
		t.Errorf("LastModifiedDate is %s ago", age)
	}
	if held, ok := store.Get("/S/key"); !ok || held.Value != "clear text" || held.Description != "a key" {
		t.Errorf("Store.Get = %+v, %t", held, ok)
	}
}

func TestDecryptionIsAskedFor(t *testing.T) {
	store, client := serve(t)
	for _, c := range []struct {
		typ   string
		clear bool
	}{
		{parameterstore.SecureString, false},
		{parameterstore.String, true},
	} {
		t.Run(c.typ, func(t *testing.T) {
			name := "/S/" + c.typ
			if err := store.Put(name, c.typ, "clear text"); err != nil {
				t.Fatal(err)
			}
			one, err := client.GetParameter(t.Context(), &ssm.GetParameterInput{Name: &name})
			if err != nil {
				t.Fatal(err)
			}
			many, err := client.GetParameters(t.Context(), &ssm.GetParametersInput{Names: []string{name}})
			if err != nil {
				t.Fatal(err)
			}
			for _, value := range []string{*one.Parameter.Value, *many.Parameters[0].Value} {
				if got := value == "clear text"; got != c.clear {
					t.Errorf("value without decryption is %q", value)
				}
			}
		})
	}
}

func TestOverwriting(t *testing.T) {
	_, client := serve(t)
	ctx := t.Context()
	if _, err := client.PutParameter(ctx, put("/S/a", types.ParameterTypeString, "1")); err != nil {
		t.Fatal(err)
	}

	_, err := client.PutParameter(ctx, put("/S/a", types.ParameterTypeString, "2"))
	var exists *types.ParameterAlreadyExists
	if !errors.As(err, &exists) {
		t.Errorf("second PutParameter: %v, want ParameterAlreadyExists", err)
	}

	in := put("/S/a", types.ParameterTypeString, "3")
	in.Overwrite = aws.Bool(true)
	out, err := client.PutParameter(ctx, in)
	if err != nil || out.Version != 2 {
		t.Errorf("overwriting: %v, %v; want version 2", out, err)
	}

	in.Type = types.ParameterTypeSecureString
	if _, err := client.PutParameter(ctx, in); code(err) != "HierarchyTypeMismatchException" {
		t.Errorf("changing the type: %v", err)
	}
}

func TestGetParameters(t *testing.T) {
	store, client := serve(t)
	for _, name := range []string{"/S/b", "/S/a"} {
		if err := store.Put(name, parameterstore.String, "value of "+name); err != nil {
			t.Fatal(err)
		}
	}
	out, err := client.GetParameters(t.Context(), &ssm.GetParametersInput{Names: []string{"/S/c", "/S/b", "/S/a"}})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, p := range out.Parameters {
		got[*p.Name] = *p.Value
	}
	if len(got) != 2 || got["/S/a"] != "value of /S/a" || got["/S/b"] != "value of /S/b" {
		t.Errorf("parameters = %v", got)
	}
	if !slices.Equal(out.InvalidParameters, []string{"/S/c"}) {
		t.Errorf("InvalidParameters = %v, want /S/c", out.InvalidParameters)
	}

	eleven := make([]string, 11)
	for i := range eleven {
		eleven[i] = fmt.Sprintf("/S/%d", i)
	}
	if _, err := client.GetParameters(t.Context(), &ssm.GetParametersInput{Names: eleven}); code(err) != "ValidationException" {
		t.Errorf("eleven names: %v, want ValidationException", err)
	}
}

func TestDelete(t *testing.T) {
	store, client := serve(t)
	if err := store.Put("/S/a", parameterstore.String, "1"); err != nil {
		t.Fatal(err)
	}
	in := &ssm.DeleteParameterInput{Name: aws.String("/S/a")}
	if _, err := client.DeleteParameter(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	if names := store.Names(); len(names) != 0 {
		t.Errorf("left: %v", names)
	}
	var missing *types.ParameterNotFound
	if _, err := client.DeleteParameter(t.Context(), in); !errors.As(err, &missing) {
		t.Errorf("deleting again: %v, want ParameterNotFound", err)
	}
	if _, err := client.GetParameter(t.Context(), &ssm.GetParameterInput{Name: in.Name}); !errors.As(err, &missing) {
		t.Errorf("reading: %v, want ParameterNotFound", err)
	}
}

func TestPutIsChecked(t *testing.T) {
	_, client := serve(t)
	for _, c := range []struct {
		title, name, value string
		typ                types.ParameterType
		code               string // "": accepted
	}{
		{"a plain name", "simple", "v", types.ParameterTypeString, ""},
		{"all characters", "/aZ9/_.-", "v", types.ParameterTypeString, ""},
		{"fifteen levels", strings.Repeat("/l", 15), "v", types.ParameterTypeString, ""},
		{"sixteen levels", strings.Repeat("/l", 16), "v", types.ParameterTypeString, "HierarchyLevelLimitExceededException"},
		{"a space", "/S/a b", "v", types.ParameterTypeString, "ValidationException"},
		{"an at sign", "/S/a@b", "v", types.ParameterTypeString, "ValidationException"},
		{"no leading slash", "S/a", "v", types.ParameterTypeString, "ValidationException"},
		{"an empty level", "/S//a", "v", types.ParameterTypeString, "ValidationException"},
		{"a reserved prefix", "/AwsThings/a", "v", types.ParameterTypeString, "ValidationException"},
		{"another reserved prefix", "ssmThing", "v", types.ParameterTypeString, "ValidationException"},
		{"a long name", "/" + strings.Repeat("n", 1010), "v", types.ParameterTypeString, "ValidationException"},
		{"no value", "/S/a", "", types.ParameterTypeString, "ValidationException"},
		{"4 KB", "/S/full", strings.Repeat("v", 4096), types.ParameterTypeString, ""},
		{"more than 4 KB", "/S/a", strings.Repeat("v", 4097), types.ParameterTypeString, "ValidationException"},
		{"no type", "/S/a", "v", "", "ValidationException"},
		{"an unknown type", "/S/a", "v", "Secret", "ValidationException"},
	} {
		t.Run(c.title, func(t *testing.T) {
			_, err := client.PutParameter(t.Context(), put(c.name, c.typ, c.value))
			if c.code == "" && err != nil {
				t.Errorf("refused: %v", err)
			}
			if c.code != "" && code(err) != c.code {
				t.Errorf("PutParameter: %v, want %s", err, c.code)
			}
		})
	}
}

func TestFaults(t *testing.T) {
	for _, c := range []struct {
		title   string
		fault   parameterstore.Fault
		code    string // of a service error; "": none
		written bool   // the call was carried out
	}{
		{"throttled", parameterstore.Fault{Code: "ThrottlingException"}, "ThrottlingException", false},
		{"a server error", parameterstore.Fault{Code: "InternalServerError", Status: 500}, "InternalServerError", false},
		{"cut", parameterstore.Fault{Cut: true}, "", false},
		{"lost", parameterstore.Fault{Lose: true}, "", true},
		{"truncated", parameterstore.Fault{Truncate: true}, "", true},
	} {
		t.Run(c.title, func(t *testing.T) {
			store, client := serve(t)
			store.SetFault(func(operation string) parameterstore.Fault {
				if operation != "PutParameter" {
					t.Errorf("operation %q", operation)
				}
				return c.fault
			})
			_, err := client.PutParameter(t.Context(), put("/S/a", types.ParameterTypeString, "1"))
			if err == nil {
				t.Fatal("no error")
			}
			if c.code != "" && code(err) != c.code {
				t.Errorf("error %v, want %s", err, c.code)
			}
			if _, written := store.Get("/S/a"); written != c.written {
				t.Errorf("carried out: %t, want %t", written, c.written)
			}

			store.SetFault(nil)
			store.Delete("/S/a")
			if _, err := client.PutParameter(t.Context(), put("/S/a", types.ParameterTypeString, "1")); err != nil {
				t.Errorf("after the fault: %v", err)
			}
		})
	}
}

func TestClientOutlivesThrottling(t *testing.T) {
	store, client := serve(t)
	var calls atomic.Int32
	store.SetFault(func(string) parameterstore.Fault {
		if calls.Add(1) < 3 {
			return parameterstore.Fault{Code: "ThrottlingException"}
		}
		return parameterstore.Fault{}
	})
	_, err := client.PutParameter(t.Context(), put("/S/a", types.ParameterTypeString, "1"), func(o *ssm.Options) {
		o.RetryMaxAttempts = 3
	})
	if err != nil || calls.Load() != 3 {
		t.Errorf("%d calls, error %v; want success at the third", calls.Load(), err)
	}
}

func TestAlteredValue(t *testing.T) {
	store, client := serve(t)
	if err := store.Put("/S/a", parameterstore.SecureString, "true"); err != nil {
		t.Fatal(err)
	}
	store.SetFault(func(string) parameterstore.Fault {
		return parameterstore.Fault{Alter: func(name, value string) string { return name + " was " + value }}
	})
	out, err := client.GetParameters(t.Context(), &ssm.GetParametersInput{Names: []string{"/S/a"}, WithDecryption: aws.Bool(true)})
	if err != nil {
		t.Fatal(err)
	}
	if got := *out.Parameters[0].Value; got != "/S/a was true" {
		t.Errorf("value %q", got)
	}
	if p, _ := store.Get("/S/a"); p.Value != "true" {
		t.Errorf("stored value became %q", p.Value)
	}
}

func TestDelayedClientLeaves(t *testing.T) {
	store, client := serve(t)
	ctx, leave := context.WithCancel(t.Context())
	store.SetFault(func(string) parameterstore.Fault {
		leave()
		return parameterstore.Fault{Delay: time.Hour}
	})
	if _, err := client.PutParameter(ctx, put("/S/a", types.ParameterTypeString, "1")); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
	// The server of serve ends only when the call has: an hour, had the
	// store not seen the client leave.
}

func TestForeignRequestsAreRefused(t *testing.T) {
	store, _ := serve(t)
	for _, c := range []struct{ title, method, target, mediaType string }{
		{"no target", http.MethodPost, "", "application/x-amz-json-1.1"},
		{"another service", http.MethodPost, "AmazonSQS.SendMessage", "application/x-amz-json-1.1"},
		{"an unknown operation", http.MethodPost, "AmazonSSM.DescribeParameters", "application/x-amz-json-1.1"},
		{"a page's form", http.MethodPost, "AmazonSSM.PutParameter", "text/plain"},
		{"GET", http.MethodGet, "AmazonSSM.PutParameter", "application/x-amz-json-1.1"},
	} {
		t.Run(c.title, func(t *testing.T) {
			r := httptest.NewRequest(c.method, "/", strings.NewReader(`{"Name":"/S/a","Type":"String","Value":"v"}`))
			r.Header.Set("X-Amz-Target", c.target)
			r.Header.Set("Content-Type", c.mediaType)
			w := httptest.NewRecorder()
			store.ServeHTTP(w, r)
			if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "UnknownOperationException") {
				t.Errorf("%d %s", w.Code, w.Body)
			}
			if names := store.Names(); len(names) != 0 {
				t.Errorf("written: %v", names)
			}
		})
	}
}

func TestConcurrentCreatesAgree(t *testing.T) {
	store, client := serve(t)
	var created atomic.Int32
	var group sync.WaitGroup
	for i := range 16 {
		group.Go(func() {
			_, err := client.PutParameter(t.Context(), put("/S/a", types.ParameterTypeString, fmt.Sprint(i)))
			if err == nil {
				created.Add(1)
			} else if code(err) != "ParameterAlreadyExists" {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if p, _ := store.Get("/S/a"); created.Load() != 1 || p.Version != 1 {
		t.Errorf("%d created it, version %d; want 1 and 1", created.Load(), p.Version)
	}
}
