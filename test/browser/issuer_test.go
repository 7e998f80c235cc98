package browser_test

import (
	"bufio"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"premiumhls/local/cloud"
	"premiumhls/stacks/assets/npm"
	"premiumhls/test/browser"
	"premiumhls/test/sitetest"
)

// A viewer signs in at an OpenID provider that shares no code with this
// project, which the settings name, watches, and signs out there.
func TestForeignIssuerInBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: skipped in short mode")
	}
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("to run this test, install Node (https://nodejs.org)")
	}
	if err := npm.Install(t.Context(), ".."); err != nil {
		t.Fatal(err)
	}
	ca := sitetest.NewAuthority(t)
	// Browsers resolve names below localhost to this machine.
	issuer := "https://issuer.localhost:" + sitetest.FreePort(t)
	s := sitetest.New(t, map[string]any{"jwtIssuer": issuer, "jwtAudience": []any{"page"}}, ca.Serve,
		func(o *cloud.Options) { o.KeepIssuer = true })
	startIssuer(t, node, ca, issuer, s.Origin+"/")

	b := browser.Open(t, browser.Chromium)
	b.Go(s.Origin + "/")
	b.Click("#sign-in")
	b.Until(`document.querySelector('input[name="login"]')`)
	b.Number(`(document.querySelector('input[name="login"]').value = 'ada', document.querySelector('input[name="password"]').value = 'x', 0)`)
	b.Click(`button[type="submit"]`)
	b.Until(`/consent/i.test(document.querySelector('form')?.innerHTML)`)
	b.Click(`button[type="submit"]`)
	b.Until(`document.querySelector('#sign-out') && document.querySelector('` + course("course-1") + `')`)
	if name := b.Text(`document.querySelector('.viewer').innerText`); !strings.Contains(name, "Ada Lovelace") {
		t.Errorf("signed in as %q", name)
	}
	b.Click(course("course-1"))
	b.Until(playing)

	// The refresh token is rotated on use.
	const tokens = `JSON.parse(sessionStorage.getItem('premium-hls.tokens'))`
	first := b.Text(tokens + `.refreshToken`)
	b.Number(`(() => {
		document.querySelector('premium-video').currentTime = 0;
		const now = Date.now;
		Date.now = () => now() + 7_200_000;
		dispatchEvent(new Event('focus'));
		return 0;
	})()`)
	b.Until(tokens + `.refreshToken !== '` + first + `'`)
	b.Until(playing)
	last := b.Text(tokens + `.refreshToken`)

	b.Click("#sign-out")
	b.Click(`button[name="logout"]`)
	b.Until(`document.querySelector('#sign-in') && document.querySelector('` + course("course-1") + `')`)
	if status := b.Number(`fetch('/premium/course-1/sample/master.m3u8').then((r) => r.status)`); status != 403 {
		t.Errorf("after sign-out the playlist returns %v, want 403", status)
	}
	response, err := (&http.Client{Transport: ca.Transport()}).PostForm(issuer+"/token", url.Values{
		"grant_type": {"refresh_token"}, "refresh_token": {last}, "client_id": {"page"},
	})
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusBadRequest {
		t.Errorf("after sign-out the refresh token returns %d, want 400", response.StatusCode)
	}
}

// startIssuer runs the provider of issuer.mjs until the test ends.
func startIssuer(t *testing.T, node string, ca sitetest.Authority, issuer, page string) {
	t.Helper()
	u, err := url.Parse(issuer)
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(node, "issuer.mjs", issuer, u.Port(), ca.CertFile, ca.KeyFile, "page", page)
	command.Stderr = t.Output()
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		command.Process.Signal(os.Interrupt)
		command.Wait()
	})
	listening := make(chan bool, 1)
	go func() { listening <- bufio.NewScanner(stdout).Scan() }()
	select {
	case ok := <-listening:
		if !ok {
			t.Fatal("issuer.mjs failed to start")
		}
	case <-time.After(time.Minute):
		t.Fatal("issuer.mjs timed out")
	}
}
