package cognito_test

import (
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"premiumhls/local/cognito"
)

// codes are the codes that were sent, by address.
type codes map[string]string

func (c codes) option(o *cognito.Options) {
	o.SendCode = func(address, code string) { c[address] = code }
}

// form is the parameters of a request for a code.
func form(more ...string) url.Values {
	q := url.Values{"response_type": {"code"}, "client_id": {client}, "redirect_uri": {callback}, "scope": {"openid email"},
		"state": {"s&1"}, "code_challenge": {strings.Repeat("a", 43)}, "code_challenge_method": {"S256"}}
	for i := 0; i < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	return q
}

func (w *world) post(path string, q url.Values, header ...string) (status int, body, location string) {
	w.Helper()
	request, err := http.NewRequest("POST", w.url+path, strings.NewReader(q.Encode()))
	if err != nil {
		w.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := w.http.Do(request)
	if err != nil {
		w.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		w.Fatal(err)
	}
	return response.StatusCode, string(text), response.Header.Get("Location")
}

func TestSignUp(t *testing.T) {
	sent := codes{}
	w := newWorld(t, sent.option)

	// The sign-in page leads to the form with everything that the client sent.
	response, err := w.http.Get(w.url + "/oauth2/authorize?" + form().Encode())
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(response.Body)
	response.Body.Close()
	link := regexp.MustCompile(`href="(/signup\?[^"]*)"`).FindStringSubmatch(string(text))
	if link == nil {
		t.Fatalf("no link in %s", text)
	}
	if response, err = w.http.Get(w.url + html.UnescapeString(link[1])); err != nil {
		t.Fatal(err)
	}
	text, _ = io.ReadAll(response.Body)
	response.Body.Close()
	if response.StatusCode != 200 || !strings.Contains(string(text), `name="state" value="s&amp;1"`) {
		t.Fatalf("the form: %d %s", response.StatusCode, text)
	}

	if status, body, _ := w.post("/signup", form("email", "Cy@Example.com")); status != 200 || !strings.Contains(body, "Enter the code for Cy@Example.com") {
		t.Fatalf("sign-up: %d %s", status, body)
	}
	code := sent["Cy@Example.com"]
	if len(code) != 6 || len(w.provider.Viewers()) != 2 {
		t.Fatalf("code %q, %d viewers before it is confirmed", code, len(w.provider.Viewers()))
	}
	if status, _, _ := w.post("/confirmUser", form("email", "cy@example.com", "code", "x"+code)); status != 400 {
		t.Errorf("a wrong code: %d", status)
	}
	status, _, location := w.post("/confirmUser", form("email", "cy@example.com", "code", code))
	if u, err := url.Parse(location); status != 303 || err != nil || u.Query().Get("code") == "" || u.Query().Get("state") != "s&1" {
		t.Fatalf("the right code: %d %s", status, location)
	}
	if status, _, _ := w.post("/confirmUser", form("email", "cy@example.com", "code", code)); status != 400 {
		t.Errorf("the code again: %d", status)
	}
	viewers := w.provider.Viewers()
	cy := viewers[len(viewers)-1]
	if cy.Email != "Cy@Example.com" || !regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`).MatchString(cy.Subject) {
		t.Errorf("the viewer is %+v", cy)
	}
	// An address is one viewer's.
	if status, body, _ := w.post("/signup", form("email", "cy@example.com")); status != 400 || !strings.Contains(body, "already") {
		t.Errorf("the address again: %d %s", status, body)
	}
	if !w.provider.Remove(cy.Subject) || w.provider.Remove(cy.Subject) || len(w.provider.Viewers()) != 2 {
		t.Error("the viewer is not removed once")
	}
}

func TestSignUpRefuses(t *testing.T) {
	sent := codes{}
	w := newWorld(t, sent.option)
	for _, tt := range []struct {
		name, path string
		form       url.Values
		header     []string
		status     int
	}{
		{"no address", "/signup", form(), nil, 400},
		{"no domain", "/signup", form("email", "cy"), nil, 400},
		{"two addresses", "/signup", form("email", "a@example.com b@example.com"), nil, 400},
		{"an address that is taken", "/signup", form("email", "ADA@example.com"), nil, 400},
		{"another client", "/signup", form("email", "cy@example.com", "client_id", "x"), nil, 400},
		{"another site", "/signup", form("email", "cy@example.com"), []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"a code without an account", "/confirmUser", form("email", "cy@example.com", "code", ""), nil, 400},
		{"another redirect", "/confirmUser", form("email", "cy@example.com", "redirect_uri", "https://evil.example"), nil, 400},
	} {
		if status, body, _ := w.post(tt.path, tt.form, tt.header...); status != tt.status || len(sent) > 0 {
			t.Errorf("%s: %d %s; sent %v", tt.name, status, body, sent)
		}
	}

	w.post("/signup", form("email", "cy@example.com"))
	w.now = w.now.Add(24 * time.Hour)
	if status, _, _ := w.post("/confirmUser", form("email", "cy@example.com", "code", sent["cy@example.com"])); status != 400 {
		t.Errorf("an expired code: %d", status)
	}
	w.post("/signup", form("email", "cy@example.com"))
	for range 5 {
		w.post("/confirmUser", form("email", "cy@example.com", "code", "guess"))
	}
	if status, _, _ := w.post("/confirmUser", form("email", "cy@example.com", "code", sent["cy@example.com"])); status != 400 {
		t.Errorf("after five wrong codes: %d", status)
	}
}

// Where only the owner creates accounts there is no form.
func TestNoSignUp(t *testing.T) {
	w := newWorld(t)
	if status, _, _ := w.post("/signup", form("email", "cy@example.com")); status != 404 {
		t.Errorf("%d", status)
	}
}
