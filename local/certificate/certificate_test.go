package certificate_test

import (
	"crypto/tls"
	"crypto/x509"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"premiumhls/local/certificate"
)

func TestServe(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "ca")
	a, err := certificate.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	again, err := certificate.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	config, err := a.Config("localhost", "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {}))
	server.TLS, server.EnableHTTP2 = config, true
	server.StartTLS()
	defer server.Close()
	// A client that trusts the authority also trusts it in the next run.
	client := http.Client{Transport: again.Transport()}
	for _, url := range []string{server.URL, strings.Replace(server.URL, "127.0.0.1", "localhost", 1)} {
		response, err := client.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
	}
	if _, err := http.Get(server.URL); err == nil {
		t.Error("a client that does not trust the authority connects")
	}
	info, err := os.Stat(filepath.Join(folder, "ca.key"))
	if err != nil || info.Mode().Perm() != fs.FileMode(0o600) {
		t.Errorf("the key's mode is %v, %v", info.Mode(), err)
	}
}

// A trusted authority cannot certify sites on the internet.
func TestLocalHostsOnly(t *testing.T) {
	a, err := certificate.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for host, ok := range map[string]bool{
		"localhost": true, "issuer.localhost": true, "mac.local": true, "192.168.1.20": true, "10.0.0.1": true, "::1": true, "fd00::1": true,
		"example.com": false, "local.example.com": false, "8.8.8.8": false, "": false,
	} {
		if _, err := a.Config(host); (err == nil) != ok {
			t.Errorf("%q: %v", host, err)
		}
	}
	pem, err := os.ReadFile(a.File)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	pair, err := tls.LoadX509KeyPair(a.File, filepath.Join(filepath.Dir(a.File), "ca.key"))
	if err != nil {
		t.Fatal(err)
	}
	root, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	if !root.PermittedDNSDomainsCritical || len(root.PermittedDNSDomains) == 0 || len(root.PermittedIPRanges) == 0 || !root.MaxPathLenZero {
		t.Error("the authority's certificate does not limit names")
	}
}

func TestBrokenAuthority(t *testing.T) {
	folder := t.TempDir()
	for _, name := range []string{"ca.pem", "ca.key"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := certificate.Open(folder); err == nil || !strings.Contains(err.Error(), folder) {
		t.Errorf("%v", err)
	}
}
