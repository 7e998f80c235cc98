package awsjson

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
)

// environment is what Lambda sets, and changes to it.
func environment(changes ...string) func(string) string {
	v := map[string]string{
		"AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "token",
	}
	for _, change := range changes {
		name, value, _ := strings.Cut(change, "=")
		v[name] = value
	}
	return func(name string) string { return v[name] }
}

// server answers every request alike and hands on what it got.
func server(t *testing.T, status int, header http.Header, body string) (endpoint string, got func() (*http.Request, string)) {
	t.Helper()
	var mu sync.Mutex
	var request *http.Request
	var asked []byte
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		mu.Lock()
		request, asked = r, raw
		mu.Unlock()
		for name, values := range header {
			w.Header()[name] = values
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	}))
	t.Cleanup(s.Close)
	return s.URL, func() (*http.Request, string) {
		mu.Lock()
		defer mu.Unlock()
		return request, string(asked)
	}
}

func client(t *testing.T, service Service, changes ...string) *Client {
	t.Helper()
	c, err := New(service, "", environment(changes...))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const shop = "arn:aws:lambda:eu-central-1:111122223333:function:shop:live"

// The requests are those of the SDK's own clients.
func TestRequestsAreTheSDKs(t *testing.T) {
	endpoint, got := server(t, http.StatusOK, nil, "{}")
	ctx := t.Context()
	for _, tt := range []struct {
		name string
		ours func() error
		sdks func() error
	}{
		{"dynamodb", func() error {
			return client(t, DynamoDB, "AWS_ENDPOINT_URL="+endpoint).Call(ctx, "ListTables", map[string]int{"Limit": 7}, new(struct{}))
		}, func() error {
			c := dynamodb.New(dynamodb.Options{Region: "eu-central-1", BaseEndpoint: &endpoint, Credentials: EnvironmentCredentials(environment())})
			_, err := c.ListTables(ctx, &dynamodb.ListTablesInput{Limit: aws.Int32(7)})
			return err
		}},
		{"kms", func() error {
			return client(t, KMS, "AWS_ENDPOINT_URL="+endpoint).Call(ctx, "ListKeys", map[string]int{"Limit": 7}, new(struct{}))
		}, func() error {
			c := kms.New(kms.Options{Region: "eu-central-1", BaseEndpoint: &endpoint, Credentials: EnvironmentCredentials(environment())})
			_, err := c.ListKeys(ctx, &kms.ListKeysInput{Limit: aws.Int32(7)})
			return err
		}},
		{"ssm", func() error {
			input := map[string]any{"Names": []string{"/a", "/b"}, "WithDecryption": true}
			return client(t, SSM, "AWS_ENDPOINT_URL="+endpoint).Call(ctx, "GetParameters", input, new(struct{}))
		}, func() error {
			c := ssm.New(ssm.Options{Region: "eu-central-1", BaseEndpoint: &endpoint, Credentials: EnvironmentCredentials(environment())})
			_, err := c.GetParameters(ctx, &ssm.GetParametersInput{Names: []string{"/a", "/b"}, WithDecryption: aws.Bool(true)})
			return err
		}},
		{"lambda", func() error {
			_, err := client(t, Lambda, "AWS_ENDPOINT_URL="+endpoint).Invoke(ctx, shop, []byte(`{"a":1}`))
			return err
		}, func() error {
			c := lambda.New(lambda.Options{Region: "eu-central-1", BaseEndpoint: &endpoint, Credentials: EnvironmentCredentials(environment())})
			_, err := c.Invoke(ctx, &lambda.InvokeInput{FunctionName: aws.String(shop), Payload: []byte(`{"a":1}`), InvocationType: "RequestResponse"})
			return err
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := tt.ours(); err != nil {
				t.Fatal(err)
			}
			ours, body := got()
			if err := tt.sdks(); err != nil {
				t.Fatal(err)
			}
			sdks, sdksBody := got()
			if ours.Method != sdks.Method || ours.RequestURI != sdks.RequestURI || body != sdksBody {
				t.Errorf("%s %s %s, the SDK: %s %s %s", ours.Method, ours.RequestURI, body, sdks.Method, sdks.RequestURI, sdksBody)
			}
			for _, name := range []string{"Content-Type", "X-Amz-Target", "X-Amz-Invocation-Type", "X-Amz-Security-Token"} {
				if a, b := ours.Header.Get(name), sdks.Header.Get(name); a != b && !(name == "Content-Type" && tt.name == "lambda") {
					t.Errorf("%s: %q, the SDK: %q", name, a, b)
				}
			}
			scope := regexp.MustCompile(`^AWS4-HMAC-SHA256 Credential=id/[0-9]{8}/(\S+), `)
			a, b := scope.FindStringSubmatch(ours.Header.Get("Authorization")), scope.FindStringSubmatch(sdks.Header.Get("Authorization"))
			if a == nil || b == nil || a[1] != b[1] {
				t.Errorf("signed for %q, the SDK: %q", a, b)
			}
			if _, sent := ours.Header["Idempotency-Key"]; sent {
				t.Error("a header that is for the transport was sent")
			}
		})
	}
}

func TestNew(t *testing.T) {
	for _, tt := range []struct {
		name     string
		service  Service
		region   string
		changes  []string
		endpoint string
		err      string
	}{
		{"in Lambda", DynamoDB, "", nil, "https://dynamodb.eu-central-1.amazonaws.com", ""},
		{"KMS", KMS, "", nil, "https://kms.eu-central-1.amazonaws.com", ""},
		{"Systems Manager", SSM, "", nil, "https://ssm.eu-central-1.amazonaws.com", ""},
		{"endpoint of Systems Manager", SSM, "", []string{"AWS_ENDPOINT_URL=http://localhost:1", "AWS_ENDPOINT_URL_SSM=http://localhost:2"}, "http://localhost:2", ""},
		{"another region", Lambda, "us-east-2", nil, "https://lambda.us-east-2.amazonaws.com", ""},
		{"China", Lambda, "cn-north-1", nil, "https://lambda.cn-north-1.amazonaws.com.cn", ""},
		{"endpoint of all", DynamoDB, "", []string{"AWS_ENDPOINT_URL=http://localhost:1/"}, "http://localhost:1", ""},
		{"endpoint of the service", DynamoDB, "", []string{"AWS_ENDPOINT_URL=http://localhost:1", "AWS_ENDPOINT_URL_DYNAMODB=http://localhost:2"}, "http://localhost:2", ""},
		{"endpoint of another", DynamoDB, "", []string{"AWS_ENDPOINT_URL_KMS=http://localhost:2"}, "https://dynamodb.eu-central-1.amazonaws.com", ""},
		{"no region", DynamoDB, "", []string{"AWS_REGION="}, "", "AWS_REGION"},
		{"no URL", DynamoDB, "", []string{"AWS_ENDPOINT_URL=localhost"}, "", "must be a URL"},
		{"not HTTP", DynamoDB, "", []string{"AWS_ENDPOINT_URL=file:///etc/passwd"}, "", "must be a URL"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := New(tt.service, tt.region, environment(tt.changes...))
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("error %v", err)
				}
				return
			}
			if err != nil || c.endpoint != tt.endpoint {
				t.Errorf("%+v, %v", c, err)
			}
		})
	}
}

func TestCallFails(t *testing.T) {
	for _, tt := range []struct {
		name      string
		status    int
		header    http.Header
		body      string
		want      string
		temporary bool
	}{
		{"throttled", 400, nil, `{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"slow down"}`,
			"status 400 ProvisionedThroughputExceededException: slow down", true},
		{"throttled by KMS", 400, nil, `{"__type":"ThrottlingException","message":"Rate exceeded"}`, "ThrottlingException", true},
		{"not allowed", 400, nil, `{"__type":"com.amazon.coral.service#AccessDeniedException","Message":"no"}`, "status 400 AccessDeniedException: no", false},
		{"code in a header", 404, http.Header{"X-Amzn-Errortype": {"ResourceNotFoundException:http://x"}}, `{"Message":"gone"}`, "status 404 ResourceNotFoundException: gone", false},
		{"the service fails", 500, nil, "oops", "status 500", true},
		{"too many", 429, nil, "", "status 429", true},
		{"elsewhere", 307, http.Header{"Location": {"http://127.0.0.1:1/"}}, "", "status 307", false},
		{"a long message", 400, nil, `{"message":"` + strings.Repeat("x", 10000) + `"}`, "x…", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			endpoint, _ := server(t, tt.status, tt.header, tt.body)
			err := client(t, DynamoDB, "AWS_ENDPOINT_URL="+endpoint).Call(t.Context(), "Query", struct{}{}, new(struct{}))
			var refused *Error
			if !errors.As(err, &refused) || !strings.Contains(err.Error(), tt.want) || refused.Temporary() != tt.temporary || len(err.Error()) > 600 {
				t.Errorf("error %v", err)
			}
		})
	}
	for _, tt := range []struct {
		name, body, want string
	}{
		{"not JSON", "<html>", "reading the response"},
		{"another type", `{"Items":7}`, "reading the response"},
		{"nothing", "", "reading the response"},
		{"too long", `{"Items":["` + strings.Repeat("x", maxAnswer) + `"]}`, "larger than"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			endpoint, _ := server(t, http.StatusOK, nil, tt.body)
			err := client(t, DynamoDB, "AWS_ENDPOINT_URL="+endpoint).Call(t.Context(), "Query", struct{}{}, new(struct{ Items []string }))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v", err)
			}
		})
	}
	t.Run("no credentials", func(t *testing.T) {
		endpoint, got := server(t, http.StatusOK, nil, "{}")
		err := client(t, DynamoDB, "AWS_ENDPOINT_URL="+endpoint, "AWS_SECRET_ACCESS_KEY=").Call(t.Context(), "Query", struct{}{}, new(struct{}))
		if r, _ := got(); err == nil || r != nil {
			t.Errorf("error %v, request %v", err, r)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		endpoint, _ := server(t, http.StatusOK, nil, "{}")
		if err := client(t, DynamoDB, "AWS_ENDPOINT_URL="+endpoint).Call(ctx, "Query", struct{}{}, new(struct{})); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	})
}

// A service refuses a signature of another time. The call is made once more
// with the service's, and the next ones know it, whichever way a clock jumps.
func TestClockIsWrong(t *testing.T) {
	var ahead, calls atomic.Int64 // the service's clock, in nanoseconds
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		now := time.Now().Add(time.Duration(ahead.Load()))
		w.Header().Set("Date", now.UTC().Format(http.TimeFormat))
		signed, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
		if err != nil || now.Sub(signed).Abs() > 5*time.Minute {
			w.WriteHeader(http.StatusBadRequest)
			io.WriteString(w, `{"__type":"InvalidSignatureException","message":"Signature expired"}`)
			return
		}
		io.WriteString(w, "{}")
	}))
	defer endpoint.Close()
	c := client(t, KMS, "AWS_ENDPOINT_URL="+endpoint.URL)
	for _, step := range []struct {
		ahead time.Duration
		calls int64
	}{
		{0, 1}, {4 * time.Minute, 1}, {24 * time.Hour, 2}, {24*time.Hour + time.Minute, 1}, {-24 * time.Hour, 2}, {-24 * time.Hour, 1}, {0, 2}, {0, 1},
	} {
		ahead.Store(int64(step.ahead))
		calls.Store(0)
		if err := c.Call(t.Context(), "Sign", struct{}{}, new(struct{})); err != nil {
			t.Errorf("the service is %v ahead: %v", step.ahead, err)
		}
		if n := calls.Load(); n != step.calls {
			t.Errorf("the service is %v ahead: %d calls, want %d", step.ahead, n, step.calls)
		}
	}
	// A refusal for another reason is one, and made once.
	refusing, got := server(t, http.StatusForbidden, nil, `{"__type":"AccessDeniedException"}`)
	c.endpoint = refusing
	var refused *Error
	if err := c.Call(t.Context(), "Sign", struct{}{}, new(struct{})); !errors.As(err, &refused) || refused.Code != "AccessDeniedException" {
		t.Errorf("error %v", err)
	}
	if r, _ := got(); r == nil {
		t.Error("not asked")
	}
}

func TestInvoke(t *testing.T) {
	endpoint, got := server(t, http.StatusOK, nil, `{"all":true}`)
	answer, err := client(t, Lambda, "AWS_ENDPOINT_URL="+endpoint).Invoke(t.Context(), shop, []byte(`{"path":"a"}`))
	if r, asked := got(); err != nil || string(answer) != `{"all":true}` || asked != `{"path":"a"}` || r.URL.Path != "/2015-03-31/functions/"+shop+"/invocations" {
		t.Errorf("%s, %v; asked %s", answer, err, asked)
	}

	endpoint, _ = server(t, http.StatusOK, http.Header{"X-Amz-Function-Error": {"Unhandled"}}, `{"errorMessage":"no shop","errorType":"KeyError","stackTrace":["a"]}`)
	answer, err = client(t, Lambda, "AWS_ENDPOINT_URL="+endpoint).Invoke(t.Context(), shop, nil)
	var failed *FunctionError
	if !errors.As(err, &failed) || *failed != (FunctionError{"Unhandled", "KeyError", "no shop"}) || answer != nil {
		t.Errorf("%s, %v", answer, err)
	}
}

// A function's name must not reach another function, or another operation.
func TestInvokeEscapes(t *testing.T) {
	endpoint, got := server(t, http.StatusOK, nil, "{}")
	for _, name := range []string{"a/../b", "a?Qualifier=1", "a#b", "a b"} {
		if _, err := client(t, Lambda, "AWS_ENDPOINT_URL="+endpoint).Invoke(t.Context(), name, nil); err != nil {
			t.Fatal(err)
		}
		r, _ := got()
		if want := "/2015-03-31/functions/" + url.PathEscape(name) + "/invocations"; r.RequestURI != want {
			t.Errorf("%q goes to %s, want %s", name, r.RequestURI, want)
		}
	}
}

// A connection that was closed while nobody looked costs no answer.
func TestKeptConnectionIsClosed(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	first := make(chan struct{})
	var connections int
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			connections++
			go func(n int) {
				defer conn.Close()
				buffer := make([]byte, 4096)
				for requests := 0; ; requests++ {
					seen := 0
					for !bytes.HasSuffix(buffer[:seen], []byte("{}")) {
						got, err := conn.Read(buffer[seen:])
						if err != nil {
							return
						}
						seen += got
					}
					if n == 1 && requests == 1 {
						close(first)
						return // without an answer
					}
					fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
				}
			}(connections)
		}
	}()
	c := client(t, DynamoDB, "AWS_ENDPOINT_URL=http://"+listener.Addr().String())
	for range 2 {
		if err := c.Call(t.Context(), "Query", struct{}{}, new(struct{})); err != nil {
			t.Fatal(err)
		}
	}
	<-first
}

func TestConcurrentCalls(t *testing.T) {
	endpoint, _ := server(t, http.StatusOK, nil, `{"Count":7}`)
	c := client(t, DynamoDB, "AWS_ENDPOINT_URL="+endpoint)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 20 {
				var got struct{ Count int }
				if err := c.Call(t.Context(), "Query", struct{}{}, &got); err != nil || got.Count != 7 {
					t.Errorf("%v, %v", got, err)
				}
			}
		})
	}
	group.Wait()
}
