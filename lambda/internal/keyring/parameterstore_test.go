package keyring

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"premiumhls/internal/signersettings"
	"premiumhls/lambda/internal/awsjson"
	"premiumhls/local/ssm"
)

// serve returns a store, the signer's client of it and the number of its
// calls.
func serve(t *testing.T) (*ssm.Store, *awsjson.Client, *atomic.Int64) {
	t.Helper()
	store := ssm.New()
	var calls atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		if target := r.Header.Get("X-Amz-Target"); target != "AmazonSSM.GetParameters" {
			t.Errorf("called %s", target)
		}
		store.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	variables := map[string]string{"AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_ENDPOINT_URL_SSM": server.URL}
	client, err := awsjson.New(awsjson.SSM, "", func(name string) string { return variables[name] })
	if err != nil {
		t.Fatal(err)
	}
	return store, client, &calls
}

func put(t *testing.T, store *ssm.Store, name, kind, value string) {
	t.Helper()
	if err := store.Put(name, kind, value); err != nil {
		t.Fatal(err)
	}
}

func fill(t *testing.T, store *ssm.Store) {
	t.Helper()
	put(t, store, "/PremiumHls/signer", "String", document)
	put(t, store, "/PremiumHls/origin-secret", "SecureString", "secret")
	put(t, store, "/PremiumHls/signing-keys/a", "SecureString", pems()["a"])
	put(t, store, "/PremiumHls/signing-keys/other", "SecureString", pems()["b"])
	put(t, store, "/my/key", "SecureString", pems()["b"])
	put(t, store, "/Another/signer", "String", "{}")
}

func keyParameters(list string) []signersettings.SigningKey {
	var keys []signersettings.SigningKey
	for item := range strings.FieldsSeq(list) {
		name, parameter, _ := strings.Cut(item, "=")
		keys = append(keys, signersettings.SigningKey{Name: name, Parameter: parameter})
	}
	return keys
}

func withPrivate(keys map[string]string) Parameters {
	p := good()
	p.PrivateKeys = keys
	return p
}

func TestParameterStore(t *testing.T) {
	for _, tt := range []struct {
		name    string
		keys    string // as NAME or NAME=PARAMETER
		without string
		fault   ssm.Fault
		want    Parameters
		err     string
	}{
		{name: "one key", keys: "a", want: good()},
		{name: "a key that is not there", keys: "a b", want: good()},
		{name: "no key is there", keys: "a", without: "/PremiumHls/signing-keys/a", want: withPrivate(nil)},
		{name: "no key is asked for", keys: "", want: withPrivate(nil)},
		{name: "five keys", keys: "v w x y a", want: good()},
		{name: "an external key", keys: "mine=/my/key", want: withPrivate(map[string]string{"mine": pems()["b"]})},
		{name: "an external key beside one of the stack's", keys: "a mine=/my/key",
			want: withPrivate(map[string]string{"a": pems()["a"], "mine": pems()["b"]})},
		{name: "an external key that is not there", keys: "a mine=/my/other", want: good()},
		{name: "an external key with a name of the stack's", keys: "a=/my/key", want: withPrivate(map[string]string{"a": pems()["b"]})},
		{name: "no settings", keys: "a", without: "/PremiumHls/signer", err: "parameter /PremiumHls/signer does not exist"},
		{name: "no secret", keys: "a", without: "/PremiumHls/origin-secret", err: "parameter /PremiumHls/origin-secret does not exist"},
		{name: "throttled", keys: "a", fault: ssm.Fault{Code: "ThrottlingException"}, err: "ThrottlingException"},
		{name: "denied", keys: "a", fault: ssm.Fault{Code: "AccessDeniedException"}, err: "AccessDeniedException"},
		{name: "broken", keys: "a", fault: ssm.Fault{Code: "InternalServerError", Status: 500}, err: "InternalServerError"},
		{name: "cut", keys: "a", fault: ssm.Fault{Cut: true}, err: "reading parameters"},
		{name: "truncated", keys: "a", fault: ssm.Fault{Truncate: true}, err: "reading parameters"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			store, client, calls := serve(t)
			fill(t, store)
			if tt.without != "" {
				store.Delete(tt.without)
			}
			store.SetFault(func(string) ssm.Fault { return tt.fault })
			got, err := NewParameterStore(client, "/PremiumHls", keyParameters(tt.keys)).Fetch(context.Background())
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("error %v, want one with %q", err, tt.err)
				}
				if strings.Contains(err.Error(), "PRIVATE") || strings.Contains(err.Error(), `"secret"`) {
					t.Errorf("error holds a secret: %v", err)
				}
			} else if err != nil {
				t.Fatal(err)
			} else if !got.equal(tt.want) {
				t.Errorf("read %+v, want %+v", got, tt.want)
			}
			if n := calls.Load(); n != 1 {
				t.Errorf("%d calls, want exactly 1", n)
			}
		})
	}
}

// The whole way: real client, real protocol, a store that refuses at first.
func TestRingOverParameterStore(t *testing.T) {
	store, client, calls := serve(t)
	fill(t, store)
	faults := []ssm.Fault{{Code: "ThrottlingException"}, {Cut: true}, {Truncate: true}}
	var next atomic.Int64
	store.SetFault(func(string) ssm.Fault {
		if i := int(next.Add(1)) - 1; i < len(faults) {
			return faults[i]
		}
		return ssm.Fault{}
	})
	logger, _ := logged()
	r := New(NewParameterStore(client, "/PremiumHls", keyParameters("a")), Config{Logger: logger, FetchTimeout: time.Minute})
	s, err := r.Snapshot(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if s.Host != "d111.cloudfront.net" || len(s.Keys) != 1 || s.Keys[0].ID != "KA" || !s.OriginSecretIs("secret") {
		t.Errorf("snapshot %+v", s)
	}
	if n := calls.Load(); n != int64(len(faults))+1 {
		t.Errorf("%d calls, want %d", n, len(faults)+1)
	}
}

// What only some stacks have is read where it is asked for, and may be missing.
func TestParameterStoreReadsStateAndHashKey(t *testing.T) {
	store, client, calls := serve(t)
	fill(t, store)
	read := func(s *ParameterStore) Parameters {
		t.Helper()
		p, err := s.Fetch(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	five := keyParameters("a b c d e")
	if p := read(NewParameterStore(client, "/PremiumHls", five).WithViewerHashKey("/PremiumHls")); p.State != "" || p.ViewerHashKey != "" {
		t.Errorf("read %q and %q", p.State, p.ViewerHashKey)
	}
	put(t, store, "/PremiumHls/signing-key-state", "String", `{"stack":"s"}`)
	put(t, store, "/PremiumHls/viewer-hash-key", "SecureString", "hash key")
	if p := read(NewParameterStore(client, "/PremiumHls", five).WithViewerHashKey("/PremiumHls")); p.State != `{"stack":"s"}` || p.ViewerHashKey != "hash key" {
		t.Errorf("read %q and %q", p.State, p.ViewerHashKey)
	}
	if p := read(NewParameterStore(client, "/PremiumHls", five)); p.ViewerHashKey != "" {
		t.Error("the hash key is read without being asked for")
	}
	if n := calls.Load(); n != 3 {
		t.Errorf("%d calls, want one each", n)
	}
}
