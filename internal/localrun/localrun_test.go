package localrun

import (
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func cache(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", dir)
	t.Setenv("HOME", dir)
	t.Setenv("LocalAppData", dir)
}

func TestFind(t *testing.T) {
	cache(t)
	if _, err := Find(""); !errors.Is(err, ErrNone) {
		t.Fatalf("without a run: %v", err)
	}
	first := Run{PID: os.Getpid(), Site: "http://localhost:8080/", Started: time.Now().Truncate(time.Second), Viewers: map[string]string{"ada": "a-1"}}
	remove, err := Write(first)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Find("")
	if err != nil || got.Site != first.Site || got.Subject("ada") != "a-1" || got.Subject("b-2") != "b-2" || got.Name("a-1") != "ada" {
		t.Errorf("%+v, %v", got, err)
	}
	second := Run{PID: os.Getppid(), Site: "http://localhost:8081/", Started: first.Started.Add(time.Second)}
	if _, err := Write(second); err != nil {
		t.Fatal(err)
	}
	if _, err := Find(""); err == nil || !strings.Contains(err.Error(), "http://localhost:8081/, http://localhost:8080/") {
		t.Errorf("with two runs: %v", err)
	}
	for port, want := range map[string]string{"8080": first.Site, "8081": second.Site, "8082": "", "80": ""} {
		if got, err := Find(port); got.Site != want || (err == nil) != (want != "") {
			t.Errorf("port %s: %q, %v", port, got.Site, err)
		}
	}
	if err := remove(); err != nil {
		t.Fatal(err)
	}
	if got, err := Find(""); err != nil || got.Site != second.Site {
		t.Errorf("after one was removed: %+v, %v", got, err)
	}
}

func TestAt(t *testing.T) {
	cache(t)
	if _, err := Write(Run{PID: os.Getpid(), Site: "http://localhost:8080/"}); err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]bool{
		"localhost:8080": true, "127.0.0.1:8080": true, "[::1]:8080": true,
		"localhost:8081": false, "localhost": false, "video.example.com": false, "video.example.com:8080": false,
	} {
		_, err := At(host)
		if got := err == nil; got != want || err != nil && !errors.Is(err, ErrNone) {
			t.Errorf("%s: %v, want %v", host, err, want)
		}
	}
}

// The file of a run that was killed is removed.
func TestEndedRun(t *testing.T) {
	cache(t)
	ended := exec.Command("go", "version")
	if err := ended.Run(); err != nil {
		t.Fatal(err)
	}
	if _, err := Write(Run{PID: ended.Process.Pid, Site: "http://localhost:8080/"}); err != nil {
		t.Fatal(err)
	}
	if _, err := Find(""); !errors.Is(err, ErrNone) {
		t.Errorf("error %v, want ErrNone", err)
	}
	dir, err := folder()
	if err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) > 0 {
		t.Errorf("files left: %q", left)
	}
}

// Others on the machine cannot read the file.
func TestFileMode(t *testing.T) {
	cache(t)
	if _, err := Write(Run{PID: os.Getpid()}); err != nil {
		t.Fatal(err)
	}
	dir, err := folder()
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%q, %v", files, err)
	}
	if info, err := os.Stat(files[0]); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestRefusal(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("url") != "http://localhost:8080/premium/a?b=c" {
			http.NotFound(w, r)
			return
		}
		w.Write([]byte(`{"method":"GET","status":403}`))
	}))
	defer server.Close()
	r := Run{Refusals: server.URL}
	if got, ok, err := r.Refusal("http://localhost:8080/premium/a?b=c"); !ok || err != nil || got.Status != 403 {
		t.Errorf("%+v, %v, %v", got, ok, err)
	}
	if _, ok, err := r.Refusal("http://localhost:8080/other"); ok || err != nil {
		t.Errorf("%v, %v", ok, err)
	}
}

func TestTransport(t *testing.T) {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	dir := t.TempDir()
	file := func(name string, text []byte) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	get := func(authority string) error {
		transport, err := Run{Authority: authority}.Transport()
		if err != nil {
			t.Fatal(err)
		}
		response, err := (&http.Client{Transport: transport}).Get(server.URL)
		if err == nil {
			response.Body.Close()
		}
		return err
	}
	if err := get(file("ca.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))); err != nil {
		t.Errorf("trusted authority: %v", err)
	}
	if err := get(""); err == nil {
		t.Error("accepted a certificate of an unknown authority")
	}
	for _, authority := range []string{filepath.Join(dir, "none.pem"), file("empty.pem", nil)} {
		if _, err := (Run{Authority: authority}).Transport(); err == nil {
			t.Errorf("%s: no error", authority)
		}
	}
}
