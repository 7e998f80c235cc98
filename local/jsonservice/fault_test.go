package jsonservice_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"premiumhls/local/jsonservice"
)

// Around injects the same faults into a service of another protocol.
func TestAround(t *testing.T) {
	for _, tt := range []struct {
		name   string
		fault  jsonservice.Fault
		status int    // 0: no response
		body   string // what the client reads
		cut    bool   // reading it fails
		calls  int    // that reach the service
	}{
		{"none", jsonservice.Fault{}, 201, "hello, ada", false, 1},
		{"slow", jsonservice.Fault{Delay: time.Millisecond}, 201, "hello, ada", false, 1},
		{"refused", jsonservice.Fault{Code: "TooManyRequestsException", Status: 429}, 429, `{"__type":"TooManyRequestsException","message":"TooManyRequestsException"}`, false, 0},
		{"cut", jsonservice.Fault{Cut: true}, 0, "", false, 0},
		{"lost", jsonservice.Fault{Lose: true}, 0, "", false, 1},
		{"truncated", jsonservice.Fault{Truncate: true}, 200, "hello", true, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var faults jsonservice.Faults
			calls := 0
			server := httptest.NewServer(faults.Around("Greet", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				calls++
				name, _ := io.ReadAll(r.Body)
				w.WriteHeader(http.StatusCreated)
				io.WriteString(w, "hello, "+string(name))
			})))
			defer server.Close()
			faults.SetFault(func(operation string) jsonservice.Fault {
				if operation != "Greet" {
					t.Errorf("operation %s", operation)
				}
				return tt.fault
			})
			// Not one that is made again when a connection breaks.
			response, err := http.Post(server.URL, "text/plain", strings.NewReader("ada"))
			if tt.status == 0 {
				if err == nil {
					t.Error("answered")
				}
			} else if err != nil {
				t.Fatal(err)
			} else {
				defer response.Body.Close()
				body, err := io.ReadAll(response.Body)
				if response.StatusCode != tt.status || string(body) != tt.body || errors.Is(err, io.ErrUnexpectedEOF) != tt.cut {
					t.Errorf("%d %q, %v", response.StatusCode, body, err)
				}
			}
			if calls != tt.calls {
				t.Errorf("%d calls, want %d", calls, tt.calls)
			}
		})
	}
}

// A service accepts only its own version of the protocol.
func TestVersion(t *testing.T) {
	service := &jsonservice.Service{Name: "DynamoDB", TargetPrefix: "DynamoDB_20120810.", Version: "1.0", Call: func(operation string, _ []byte, _ jsonservice.Fault) (any, error) {
		return operation, nil
	}}
	for version, status := range map[string]int{"1.0": 200, "1.1": 400} {
		t.Run(version, func(t *testing.T) {
			r := httptest.NewRequest("POST", "/", strings.NewReader("{}"))
			r.Header.Set("X-Amz-Target", "DynamoDB_20120810.ListTables")
			r.Header.Set("Content-Type", "application/x-amz-json-"+version)
			w := httptest.NewRecorder()
			service.ServeHTTP(w, r)
			if w.Code != status || w.Header().Get("Content-Type") != "application/x-amz-json-1.0" {
				t.Errorf("%d %s %s", w.Code, w.Header(), w.Body)
			}
		})
	}
}
