package fault_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"premiumhls/internal/cloudfront"
	"premiumhls/internal/signersettings"
	edge "premiumhls/local/cloudfront"
	"premiumhls/local/jsonservice"
	"premiumhls/local/kms"
	"premiumhls/local/lambda"
	"premiumhls/local/ssm"
	"premiumhls/signedcookie"
)

const (
	host   = "d111.cloudfront.net"
	secret = "the-origin-secret"
	prefix = "/PremiumHls"
	// refresh is the time between two reads of the keys, which is five minutes
	// as deployed: what takes an hour there takes 1.2 s here.
	refresh = 100 * time.Millisecond
	hour    = 12 * refresh
	// life and step are those of cookies: each second needs a new signature.
	life = 10 * time.Minute
	step = time.Second
)

// binary is the signer, built once for all tests.
var binary string

func TestMain(m *testing.M) {
	flag.Parse()
	// Most of each test is waiting, whatever the number of processors. All of
	// them at once would start so much that healthy calls run out of time.
	if err := flag.Set("test.parallel", "32"); err != nil {
		panic(err)
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	if testing.Short() {
		return m.Run() // no test needs the signer
	}
	dir, err := os.MkdirTemp("", "fault-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "signer")
	if err := build(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

func build() error {
	if err := lambda.Build(context.Background(), "../..", "./lambda/signer", binary); err != nil {
		return err
	}
	// Written to the disk now: while a file system does that, processes that
	// run from the file may have to wait for as long as the disk takes.
	file, err := os.OpenFile(binary, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}

// deployed is the signer's function as the stack has it.
var deployed = sync.OnceValues(func() (function lambda.Function, err error) {
	raw, err := os.ReadFile("../../stacks/testdata/template.json")
	if err != nil {
		return function, err
	}
	var template struct {
		Resources map[string]struct {
			Metadata   map[string]any
			Properties json.RawMessage
		}
	}
	if err := json.Unmarshal(raw, &template); err != nil {
		return function, err
	}
	for _, resource := range template.Resources {
		if resource.Metadata["PremiumHls::Package"] != "./lambda/signer" {
			continue
		}
		var properties struct {
			Environment         struct{ Variables map[string]string }
			Timeout, MemorySize int
		}
		if err := json.Unmarshal(resource.Properties, &properties); err != nil {
			return function, err
		}
		return lambda.Function{
			Env:      properties.Environment.Variables,
			Timeout:  time.Duration(properties.Timeout) * time.Second,
			MemoryMB: properties.MemorySize,
		}, nil
	}
	return function, fmt.Errorf("the template has no signer")
})

// A pair is a key pair of a test.
type pair struct{ private, public, fingerprint string }

// pairs are made once: RSA keys are slow to make.
var pairs = sync.OnceValue(func() map[string]pair {
	all := make(map[string]pair)
	for _, name := range []string{"a", "b", "foreign"} {
		key, err := signedcookie.GenerateKey(signedcookie.RSA2048)
		if err != nil {
			panic(err)
		}
		private, err := signedcookie.MarshalPrivateKey(key)
		if err != nil {
			panic(err)
		}
		public, err := signedcookie.MarshalPublicKey(key.Public())
		if err != nil {
			panic(err)
		}
		fingerprint, err := signedcookie.Fingerprint(key.Public())
		if err != nil {
			panic(err)
		}
		all[name] = pair{string(private), string(public), fingerprint}
	}
	return all
})

// A site is the services that signers call, each on a line of its own, and the
// edge that takes or refuses what they sign.
type site struct {
	longest    time.Duration // the longest valid lifetime of cookies
	parameters *ssm.Store
	kms        *kms.Service
	grants     *jsonservice.Service // DynamoDB with one table
	shop       *jsonservice.Faults  // of the function that decides
	lines      map[service]*line
	edge       *edge.Edge

	kmsKey      string            // the ARN of the key in KMS
	foreign     string            // that of another, where there is one
	public      map[string]string // in PEM, of the keys in CloudFront, by their ids
	environment map[string]string // of the signers
	ahead       atomic.Int64      // of this machine's clock: everyone's but the signers'
	edgeAhead   atomic.Int64      // of everyone's clock: the edge's

	shown atomic.Int64 // logs of containers, in a test that failed

	mu     sync.Mutex
	silent map[string]chan struct{} // of the containers that have not called a service yet, by their names
	called int                      // how many have
}

// newSite returns a site in which all is well, for signers whose keys and
// entitlements the service keeps.
func newSite(t testing.TB, of service) *site {
	t.Helper()
	function, err := deployed()
	if err != nil {
		t.Fatal(err)
	}
	s := &site{
		parameters: ssm.New(), kms: kms.New(), grants: newGrants(), shop: new(jsonservice.Faults),
		longest: life + 2*step,
		lines:   make(map[service]*line), silent: make(map[string]chan struct{}), environment: maps.Clone(function.Env),
	}
	s.configure(t, func(d *signersettings.Document) {
		d.ParameterPrefix = prefix
		d.SigningKeys = []signersettings.SigningKey{{Name: "a"}, {Name: "b"}}
		d.MinuteMillis = int(step / time.Millisecond)
		d.CookieMinutes, d.CookieStepMinutes, d.KeyWaitMinutes = int(life/step), 1, 1
		d.RefreshSeconds = int(60 * refresh / step)
		d.ViewerRequestsPerMinute = 0
		d.Entitlements = json.RawMessage(entitlements[of])
	})
	for of, line := range map[service]struct {
		variable string
		handler  http.Handler
	}{
		parameterStore:      {"SSM", s.parameters},
		keyService:          {"KMS", s.kms},
		table:               {"DYNAMODB", s.grants},
		entitlementFunction: {"LAMBDA", s.shop.Around("Invoke", http.HandlerFunc(decide))},
	} {
		s.lines[of] = newLine(t, s.checked(line.handler))
		s.environment["AWS_ENDPOINT_URL_"+line.variable] = s.lines[of].URL
	}

	s.public = map[string]string{"KA": pairs()["a"].public, "KB": pairs()["b"].public}
	s.put(t, "origin-secret", secret)
	s.put(t, "signing-keys/a", pairs()["a"].private)
	s.put(t, "signing-keys/b", pairs()["b"].private)
	if of == keyService || of == allOfThem {
		s.keepInKMS(t)
	} else {
		s.sign(t, "a")
	}
	s.edge = edge.New(s.distribution(t), edge.Options{
		Scheme: "https",
		Origins: func(string) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "#EXTM3U") })
		},
		Now: func() time.Time { return s.now().Add(time.Duration(s.edgeAhead.Load())) },
	})
	return s
}

// configure changes the settings of signers that start from now on.
func (s *site) configure(t testing.TB, change func(*signersettings.Document)) {
	t.Helper()
	document, err := signersettings.Parse(s.environment[signersettings.Variable])
	if err != nil {
		t.Fatal(err)
	}
	change(&document)
	text, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	s.environment[signersettings.Variable] = string(text)
}

// now is the time by every clock but the signers'.
func (s *site) now() time.Time { return time.Now().Add(time.Duration(s.ahead.Load())) }

func (s *site) put(t testing.TB, name, value string) {
	t.Helper()
	if err := s.parameters.Put(prefix+"/"+name, ssm.SecureString, value); err != nil {
		t.Fatal(err)
	}
}

// sign publishes the keys in Parameter Store that signers have, oldest first.
func (s *site) sign(t testing.TB, names ...string) {
	t.Helper()
	var keys []string
	for _, name := range names {
		keys = append(keys, fmt.Sprintf(`{"name":%q,"custody":"ssm","type":"RSA_2048","hash":"SHA256","id":"K%s","fingerprint":%q,"trustedSince":"2026-01-01T00:00:00Z"}`,
			name, strings.ToUpper(name), pairs()[name].fingerprint))
	}
	s.put(t, "signer", `{"host":"`+host+`","keys":[`+strings.Join(keys, ",")+`]}`)
}

// keepInKMS makes a key in KMS and publishes it.
func (s *site) keepInKMS(t testing.TB) {
	t.Helper()
	s.kmsKey = s.kms.CreateKey()
	public, _ := s.kms.PublicKey(s.kmsKey)
	pem, err := signedcookie.MarshalPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	fingerprint, err := signedcookie.Fingerprint(public)
	if err != nil {
		t.Fatal(err)
	}
	s.public["KKMS"] = string(pem)
	s.configure(t, func(d *signersettings.Document) { d.SigningKeys = nil })
	s.put(t, "signer", fmt.Sprintf(`{"host":%q,"keys":[{"name":"kms","custody":"kms","type":"RSA_2048","hash":"SHA256","id":"KKMS","kmsKey":%q,"fingerprint":%q,"trustedSince":"2026-01-01T00:00:00Z"}]}`,
		host, s.kmsKey, fingerprint))
}

func (s *site) distribution(t testing.TB) cloudfront.Distribution {
	t.Helper()
	keys := make(map[string]cloudfront.PublicKey)
	for id, pem := range s.public {
		key, err := cloudfront.ParsePublicKey(id, []byte(pem))
		if err != nil {
			t.Fatal(err)
		}
		keys[id] = key
	}
	premium := cloudfront.Behavior{
		PathPattern: "/premium/*", AllowedMethods: []string{"GET", "HEAD"}, ViewerProtocolPolicy: "https-only",
		Origin: cloudfront.Origin{ID: "videos", DomainName: "videos.example"}, Signed: true, PublicKeys: keys,
	}
	others := premium
	others.PathPattern, others.Signed, others.PublicKeys = "*", false, nil
	return cloudfront.Distribution{Domain: host, Enabled: true, Behaviors: []cloudfront.Behavior{premium, others}}
}

// A container is one execution environment of the signer.
type container struct {
	*site
	signer *lambda.Runner
	log    *log
	called chan struct{} // closed when it has called a service
	failed bool          // to answer as it must
}

// start returns a container that starts with its first request, and is frozen
// between two.
func (s *site) start(t testing.TB) *container { return s.startAs(t, "container") }

// startAs gives the container a name, by which services know it.
func (s *site) startAs(t testing.TB, name string) *container {
	t.Helper()
	f, err := deployed()
	if err != nil {
		t.Fatal(err)
	}
	c := &container{site: s, log: new(log), called: make(chan struct{})}
	s.mu.Lock()
	s.silent[name] = c.called
	s.mu.Unlock()
	f.Binary, f.Env, f.Concurrency, f.Freeze, f.Log = binary, maps.Clone(s.environment), 1, true, c.log
	f.Env["AWS_SESSION_TOKEN"] = name
	c.signer = lambda.Start(f)
	t.Cleanup(func() {
		c.signer.Close()
		if t.Failed() && (c.failed || name == "container") && s.shown.Add(1) <= 3 { // of a thousand
			t.Logf("the log of %s:\n%s", name, c.log)
		}
	})
	return c
}

// A log is what a container wrote.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
