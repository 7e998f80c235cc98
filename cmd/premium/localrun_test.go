package main

import (
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"premiumhls/internal/cfn"
	"premiumhls/internal/explain/doctor"
	"premiumhls/internal/localrun"
	"premiumhls/signedcookie"
)

// startRun writes the file of a local run with one signed behavior, and returns
// its site.
func startRun(t *testing.T, change func(*localrun.Run)) string {
	t.Helper()
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	private, err := signedcookie.GenerateKey(signedcookie.ECDSAP256)
	if err != nil {
		t.Fatal(err)
	}
	pem, err := signedcookie.MarshalPublicKey(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	behavior := func(more map[string]any) map[string]any {
		b := map[string]any{"TargetOriginId": "bucket", "ViewerProtocolPolicy": "redirect-to-https", "CachePolicyId": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"}
		for name, value := range more {
			b[name] = value
		}
		return b
	}
	r := localrun.Run{
		PID: os.Getpid(), Started: time.Now(), Site: "http://localhost:8080/", Stack: "PremiumHls", Region: "us-east-1",
		AccessKeyID: "local", SecretAccessKey: "local", Viewers: map[string]string{"ben": "b-1"},
		Resources: []cfn.Resolved{
			{LogicalID: "Key", PhysicalID: "K1", Type: "AWS::CloudFront::PublicKey", Properties: map[string]any{"PublicKeyConfig": map[string]any{"EncodedKey": string(pem)}}},
			{LogicalID: "Group", PhysicalID: "G1", Type: "AWS::CloudFront::KeyGroup", Properties: map[string]any{"KeyGroupConfig": map[string]any{"Items": []any{"K1"}}}},
			{LogicalID: "Distribution", PhysicalID: "E1", Type: "AWS::CloudFront::Distribution", Attributes: map[string]any{"DomainName": "localhost:8080"},
				Properties: map[string]any{"DistributionConfig": map[string]any{
					"Enabled": true, "Origins": []any{map[string]any{"Id": "bucket", "DomainName": "bucket.example"}},
					"DefaultCacheBehavior": behavior(nil),
					"CacheBehaviors":       []any{behavior(map[string]any{"PathPattern": "/premium/*", "TrustedKeyGroups": []any{"G1"}})},
				}}},
		},
	}
	if change != nil {
		change(&r)
	}
	remove, err := localrun.Write(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { remove() })
	return r.Site
}

// serveRefusal serves one refusal as the local run does.
func serveRefusal(t *testing.T, refusal localrun.Refusal) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("url") != refusal.URL {
			http.NotFound(w, r)
			return
		}
		json.NewEncoder(w).Encode(refusal)
	}))
	t.Cleanup(server.Close)
	return server.URL + "/"
}

func runLocal(t *testing.T, args ...string) (code int, output string) {
	t.Helper()
	var out strings.Builder
	code = run(t.Context(), args, system{in: strings.NewReader(""), out: &out, err: &out, now: time.Now, getenv: func(string) string { return "" }})
	return code, out.String()
}

func TestExplainLocalRun(t *testing.T) {
	const address = "http://localhost:8080/premium/course-1/a.ts"
	at := time.Date(2026, 11, 26, 2, 0, 0, 0, time.UTC)
	startRun(t, func(r *localrun.Run) {
		r.Refusals = serveRefusal(t, localrun.Refusal{
			Time: at, Method: "GET", URL: address, Viewer: "127.0.0.1", Status: 403,
			Header: http.Header{"Cookie": {"CloudFront-Key-Pair-Id=K9; CloudFront-Policy=x; CloudFront-Signature=y"}},
		})
	})
	// The URL alone means the request that was refused, with its cookies.
	if code, out := runLocal(t, "explain", address); code != 1 || !strings.Contains(out, "K9") || !strings.Contains(out, "at 2026-11-26T02:00:00Z") {
		t.Errorf("exit %d: %s", code, out)
	}
	// A request that is given otherwise is explained as it is.
	if code, out := runLocal(t, "explain", "-curl", "curl -b CloudFront-Key-Pair-Id=K8 "+address, "-json"); code != 1 || !strings.Contains(out, `"code": "InvalidKey"`) || !strings.Contains(out, "K8") {
		t.Errorf("exit %d: %s", code, out)
	}
	// One that was not refused.
	if code, out := runLocal(t, "explain", "http://localhost:8080/index.html"); code != 0 {
		t.Errorf("exit %d: %s", code, out)
	}
	if code, out := runLocal(t, "explain", "https://video.example.com/premium/a.ts"); code != 2 || !strings.Contains(out, "no distribution for video.example.com") {
		t.Errorf("exit %d: %s", code, out)
	}
}

func TestGrantsLocalRun(t *testing.T) {
	account(t)
	endpoint := os.Getenv("AWS_ENDPOINT_URL_DYNAMODB")
	environment(t, map[string]string{"AWS_REGION": "", "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}) // none is needed
	startRun(t, func(r *localrun.Run) {
		r.Endpoints = map[string]string{"DYNAMODB": endpoint}
		r.Outputs = map[string]string{"EntitlementsTable": "Grants"}
	})
	for _, step := range []struct {
		args string
		code int
		says string
	}{
		{"grant ben course-2", 0, "Granted course-2 to ben.\n"},
		{"grants", 0, "VIEWER  PATH      EXPIRES\nben     course-2  never\n"},
		{"grants b-1", 0, "VIEWER  PATH      EXPIRES\nben     course-2  never\n"},
		{"revoke b-1 course-2", 0, "Revoked course-2 from b-1."},
		{"revoke ben course-2", 1, "premium revoke: ben has no grant of course-2"},
	} {
		if code, out := runLocal(t, strings.Fields(step.args)...); code != step.code || !strings.HasPrefix(out, step.says) {
			t.Errorf("%s: exit %d: %s", step.args, code, out)
		}
	}
}

func TestGrantsLocalRunWithoutTable(t *testing.T) {
	startRun(t, nil)
	if code, out := runLocal(t, "grants"); code != 2 || !strings.Contains(out, `"entitlements": "table"`) {
		t.Errorf("exit %d: %s", code, out)
	}
}

// The doctor trusts the certificate authority of the local run, and finds the
// run by its port if there are several.
func TestDoctorLocalRunWithTLS(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
	}))
	t.Cleanup(server.Close)
	authority := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(authority, text, 0o600); err != nil {
		t.Fatal(err)
	}
	startRun(t, func(r *localrun.Run) { r.Site, r.Authority = server.URL+"/", authority })
	other := localrun.Run{PID: os.Getppid(), Started: time.Now(), Site: "http://localhost:1/"}
	if _, err := localrun.Write(other); err != nil {
		t.Fatal(err)
	}
	address, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"doctor", "--run", address.Port(), "--json"}, {"doctor", "--site", server.URL, "--json"}} {
		code, out := runLocal(t, args...)
		var report struct{ Checks []doctor.Result }
		if err := json.Unmarshal([]byte(out), &report); err != nil || code != 1 || len(report.Checks) == 0 {
			t.Fatalf("%q: exit %d, %v: %s", args, code, err, out)
		}
		if r := report.Checks[0]; r.Name != "page" || r.Status != doctor.OK {
			t.Errorf("%q: %+v", args, r)
		}
	}
	for _, args := range [][]string{
		{"doctor"}, {"doctor", "--run", "2"}, {"doctor", "--run", address.Port(), "--site", server.URL},
		{"grants"}, {"grants", "--run", "2"}, {"grants", "--run", "1", "--table", "Grants"},
	} {
		if code, out := runLocal(t, args...); code != 2 || !strings.Contains(out, "--run") {
			t.Errorf("%q: exit %d: %s", args, code, out)
		}
	}
}
