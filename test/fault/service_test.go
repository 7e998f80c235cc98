package fault_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"premiumhls/local/jsonservice"
)

// A service is one that the signer calls.
type service string

const (
	parameterStore      service = "Parameter Store"
	keyService          service = "KMS"
	table               service = "DynamoDB"
	entitlementFunction service = "the entitlement function"
)

const (
	// allOfThem are Parameter Store, KMS and DynamoDB, of a signer that needs
	// all three.
	allOfThem service = "all three"
	// theEdge is not called by the signer. It judges what that signs.
	theEdge service = "the edge"
)

var services = []service{parameterStore, keyService, table, entitlementFunction}

// entitlements are the rules under which a service is asked.
var entitlements = map[service]string{
	table:               `{"table":"Grants"}`,
	allOfThem:           `{"table":"Grants"}`,
	entitlementFunction: `{"function":"arn:aws:lambda:us-east-1:111122223333:function:shop"}`,
}

// fail has a service fail in this way; the zero Fault has it be well.
func (s *site) fail(of service, f jsonservice.Fault) {
	s.failAs(of, func(string) jsonservice.Fault { return f })
}

// failAs has something decide how a service fails at each call.
func (s *site) failAs(of service, decide func(operation string) jsonservice.Fault) {
	map[service]*jsonservice.Faults{
		parameterStore:      &s.parameters.Faults,
		keyService:          &s.kms.Faults,
		table:               &s.grants.Faults,
		entitlementFunction: s.shop,
	}[of].SetFault(decide)
}

// throttled is how each service words it.
var throttled = map[service]jsonservice.Fault{
	parameterStore:      {Code: "ThrottlingException", Message: "Rate exceeded"},
	keyService:          {Code: "ThrottlingException", Message: "Rate exceeded"},
	table:               {Code: "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"},
	entitlementFunction: {Code: "TooManyRequestsException", Status: http.StatusTooManyRequests},
}

// newGrants returns a DynamoDB in whose table everyone may watch everything.
func newGrants() *jsonservice.Service {
	type text struct{ S string }
	type item struct {
		Viewer text `json:"viewer"`
		Path   text `json:"path"`
	}
	type batch struct {
		RequestItems map[string]struct{ Keys []item }
	}
	return &jsonservice.Service{
		Name: "DynamoDB", TargetPrefix: "DynamoDB_20120810.", Version: "1.0", Internal: "InternalServerError",
		Call: func(operation string, body []byte, _ jsonservice.Fault) (any, error) {
			if operation != "BatchGetItem" {
				return nil, jsonservice.Unknown(operation)
			}
			return jsonservice.Decoded(body, func(in batch) (any, error) {
				found := make(map[string][]item)
				for name, wanted := range in.RequestItems {
					for _, key := range wanted.Keys {
						if key.Path.S == "*" {
							found[name] = append(found[name], key)
						}
					}
				}
				return map[string]any{"Responses": found}, nil
			})
		},
	}
}

// decide is a function that lets everyone watch what they ask for.
func decide(w http.ResponseWriter, r *http.Request) {
	var question struct{ Path string }
	if err := json.NewDecoder(r.Body).Decode(&question); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	fmt.Fprintf(w, `{"paths":[{"path":%q,"expires":%d}]}`, question.Path, time.Now().Add(100*time.Hour).Unix())
}

// checked has a service tell its time and refuse what is signed for another, as
// services do.
func (s *site) checked(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		now := s.now()
		w.Header().Set("Date", now.UTC().Format(http.TimeFormat))
		signed, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
		if err != nil || now.Sub(signed).Abs() > 5*time.Minute {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"__type":"InvalidSignatureException","message":"Signature expired"}`)
			return
		}
		s.hear(r.Header.Get("X-Amz-Security-Token"))
		h.ServeHTTP(w, r)
	})
}

// hear notes the container that makes a call.
func (s *site) hear(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if first, silent := s.silent[name]; silent {
		close(first)
		delete(s.silent, name)
		s.called++
	}
}

// heard returns how many containers have called a service.
func (s *site) heard() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.called
}

// A line is where a service is reached.
type line struct {
	*httptest.Server
	mu          sync.Mutex
	connections []*connection
}

func newLine(t testing.TB, handler http.Handler) *line {
	l := &line{Server: httptest.NewUnstartedServer(handler)}
	l.Listener = &listener{l.Listener, l}
	l.Start()
	t.Cleanup(func() {
		l.CloseClientConnections()
		l.Close()
	})
	return l
}

// silence has the connections that there are carry nothing any more, and tells
// neither end: so does a network to a container that is frozen for longer than
// it remembers them.
func (l *line) silence() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.connections {
		close(c.silent)
	}
	l.connections = nil
}

// A listener makes connections that can be silenced.
type listener struct {
	net.Listener
	line *line
}

func (l *listener) Accept() (net.Conn, error) {
	accepted, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &connection{Conn: accepted, silent: make(chan struct{}), closed: make(chan struct{})}
	l.line.mu.Lock()
	defer l.line.mu.Unlock()
	l.line.connections = append(l.line.connections, c)
	return c, nil
}

type connection struct {
	net.Conn
	silent, closed chan struct{}
	once           sync.Once
}

// Read drops what comes once the connection is silent.
func (c *connection) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	select {
	case <-c.silent:
		<-c.closed
		return 0, net.ErrClosed
	default:
		return n, err
	}
}

// Write sends nothing once it is.
func (c *connection) Write(p []byte) (int, error) {
	select {
	case <-c.silent:
		return len(p), nil
	default:
		return c.Conn.Write(p)
	}
}

func (c *connection) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}
