package test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"premiumhls/local/cloud"
	"premiumhls/local/iam"
)

// emailGrants are the settings of grants by email with the stack's own pool.
var emailGrants = map[string]any{
	"entitlements": "table", "emailGrants": true, "selfSignUp": true,
	"sesIdentityArn": "arn:aws:ses:us-east-1:111122223333:identity/example.com", "emailFrom": "no-reply@example.com",
}

// A mailbox has the codes that the pool sent, by address.
type mailbox struct {
	mu    sync.Mutex
	codes map[string]string
}

func (m *mailbox) option(o *cloud.Options) {
	m.codes = map[string]string{}
	o.SendCode = func(address, code string) {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.codes[address] = code
	}
}

func (m *mailbox) code(address string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.codes[address]
}

// signUp creates an account with a verified address, as a browser does, and
// returns its ID token.
func (m *mailbox) signUp(s *site, address string) string {
	s.T.Helper()
	return m.session(s, address).ID
}

// A session is what a viewer's browser gets when the viewer signs in.
type session struct {
	ID      string `json:"id_token"`
	Refresh string `json:"refresh_token"`
	client  string
}

// renew asks for another ID token and returns the status of the response.
func (v session) renew(s *site) int {
	s.T.Helper()
	response, err := http.PostForm(s.IssuerURL()+"/oauth2/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {v.Refresh}, "client_id": {v.client}})
	if err != nil {
		s.T.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode
}

func (m *mailbox) session(s *site, address string) session {
	s.T.Helper()
	var config struct{ SignIn struct{ ClientID string } }
	s.Get("/config.json").JSON(s.T, &config)
	const verifier = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"
	digest := sha256.Sum256([]byte(verifier))
	redirect := "http://" + s.Host + "/"
	form := url.Values{
		"response_type": {"code"}, "client_id": {config.SignIn.ClientID}, "redirect_uri": {redirect}, "scope": {"openid email profile"}, "state": {"s"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(digest[:])}, "code_challenge_method": {"S256"}, "email": {address},
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	post := func(path string, form url.Values, status int) *http.Response {
		s.T.Helper()
		response, err := client.PostForm(s.IssuerURL()+path, form)
		if err != nil {
			s.T.Fatal(err)
		}
		s.T.Cleanup(func() { response.Body.Close() })
		if response.StatusCode != status {
			text, _ := io.ReadAll(response.Body)
			s.T.Fatalf("%s: %d, want %d: %s", path, response.StatusCode, status, text)
		}
		return response
	}
	post("/signup", form, 200)
	form.Set("code", m.code(address))
	back, err := url.Parse(post("/confirmUser", form, 303).Header.Get("Location"))
	if err != nil {
		s.T.Fatal(err)
	}
	tokens := session{client: config.SignIn.ClientID}
	answer := post("/oauth2/token", url.Values{"grant_type": {"authorization_code"}, "code": {back.Query().Get("code")}, "client_id": {config.SignIn.ClientID}, "redirect_uri": {redirect}, "code_verifier": {verifier}}, 200)
	if err := json.NewDecoder(answer.Body).Decode(&tokens); err != nil {
		s.T.Fatal(err)
	}
	return tokens
}

// deleteAccount deletes the account with an address, as its owner does in the
// console, and returns how many there were.
func (s *site) deleteAccount(address string) (deleted int) {
	s.T.Helper()
	outputs, err := s.Outputs()
	if err != nil {
		s.T.Fatal(err)
	}
	pool := outputs["UserPool"]
	users := cognitoidentityprovider.New(cognitoidentityprovider.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(s.Endpoints()["COGNITO_IDENTITY_PROVIDER"]),
		Credentials: credentials.NewStaticCredentialsProvider(iam.Owner.AccessKeyID, iam.Owner.SecretAccessKey, ""),
	})
	found, err := users.ListUsers(s.T.Context(), &cognitoidentityprovider.ListUsersInput{UserPoolId: &pool, Filter: aws.String(`email = "` + address + `"`)})
	if err != nil {
		s.T.Fatal(err)
	}
	for _, user := range found.Users {
		if _, err := users.AdminDeleteUser(s.T.Context(), &cognitoidentityprovider.AdminDeleteUserInput{UserPoolId: &pool, Username: user.Username}); err != nil {
			s.T.Fatal(err)
		}
		deleted++
	}
	return deleted
}

// A course is granted to an address; its owner signs up and watches.
func TestGrantByEmail(t *testing.T) {
	var mail mailbox
	s := newSite(t, emailGrants, mail.option)
	const body = `{"path":"course-1"}`
	if said := entitle(t, s, "grant", "-email", " Cy@Example.com", "course-1"); !strings.HasPrefix(said, "Granted course-1 to cy@example.com. It becomes") {
		t.Errorf("the command said %s", said)
	}
	if list := entitle(t, s, "grants", "-email", "cy@example.com"); !strings.Contains(list, "email:cy@example.com  course-1  never") {
		t.Errorf("the list is\n%s", list)
	}

	// Not with an address that nobody verified, whoever else signs in.
	for name, claims := range map[string]map[string]any{
		"not verified":     {"email": "cy@example.com", "email_verified": false},
		"nothing said":     {"email": "cy@example.com", "email_verified": nil},
		"another address":  {"email": "cy@example.org", "email_verified": true},
		"the key as a sub": {"email": "eve@example.com", "email_verified": true, "sub": "email:cy@example.com"},
	} {
		token, err := s.Issuer().Mint("ada", func(all map[string]any) {
			for claim, value := range claims {
				if all[claim] = value; value == nil {
					delete(all, claim)
				}
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		if r := s.Call("POST", "/api/cookies", token, body); r.StatusCode != 403 || r.Code() != "not_entitled" {
			t.Errorf("%s: %d %s", name, r.StatusCode, r.Bytes)
		}
		if r := s.Call("GET", "/api/entitlements", token, ""); r.StatusCode != 200 || strings.Contains(string(r.Bytes), "course-1") {
			t.Errorf("%s: %d %s", name, r.StatusCode, r.Bytes)
		}
	}

	// The first call of the page lists the course, and then it plays.
	token := mail.signUp(s, "cy@example.com")
	if r := s.Call("GET", "/api/entitlements", token, ""); r.StatusCode != 200 || !strings.Contains(string(r.Bytes), `"path":"course-1"`) {
		t.Fatalf("the list after sign-up: %d %s", r.StatusCode, r.Bytes)
	}
	r := s.Call("POST", "/api/cookies", token, body)
	if r.StatusCode != 200 {
		t.Fatalf("cookies after sign-up: %d %s", r.StatusCode, r.Bytes)
	}
	watch(s, "/premium/course-1/sample/master.m3u8", "premium/course-1/sample", slices.DeleteFunc(r.Cookies(), func(c *http.Cookie) bool { return c.MaxAge < 0 }))

	if list := entitle(t, s, "grants"); strings.Contains(list, "email:") {
		t.Errorf("the grant is still the address's:\n%s", list)
	}

	// The owner finds the account by its address, and deletes it.
	for _, want := range []int{1, 0} {
		if got := s.deleteAccount("cy@example.com"); got != want {
			t.Errorf("%d accounts were deleted, want %d", got, want)
		}
	}
}

// Without the setting, an address opens nothing.
func TestNoGrantByEmail(t *testing.T) {
	s := newSite(t, map[string]any{"entitlements": "table"})
	entitle(t, s, "grant", "-email", "ada@example.com", "course-1") // by table: the command cannot know
	if r := s.Call("POST", "/api/cookies", s.Token("ada"), `{"path":"course-1"}`); r.Code() != "not_entitled" {
		t.Errorf("%d %s", r.StatusCode, r.Bytes)
	}
}

// An issuer of the owner's own says whether an address is verified. Only then
// does a grant become the viewer's, and stays it whatever address they have
// later.
func TestGrantByEmailOfForeignIssuer(t *testing.T) {
	s := newSite(t, map[string]any{
		"jwtIssuer": "https://issuer.example.com", "jwtAudience": []any{"page"},
		"entitlements": "table", "emailGrants": true,
	})
	table := s.grants()
	token := func(sub, address string, verified any) string {
		t.Helper()
		text, err := s.Issuer().Mint("ada", func(claims map[string]any) {
			claims["sub"], claims["email"] = sub, address
			if claims["email_verified"] = verified; verified == nil {
				delete(claims, "email_verified")
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	for name, c := range map[string]struct {
		verified any
		want     string
	}{
		"true":            {true, "issued"},
		"the word true":   {"true", "issued"}, // some issuers write it so; API Gateway makes no difference
		"false":           {false, "not_entitled"},
		"the word false":  {"false", "not_entitled"},
		"nothing":         {nil, "not_entitled"},
		"1":               {1, "not_entitled"},
		"in capitals":     {"TRUE", "not_entitled"},
		"a list":          {[]any{true}, "not_entitled"},
		"an object":       {map[string]any{"email": true}, "not_entitled"},
		"an empty string": {"", "not_entitled"},
	} {
		t.Run(name, func(t *testing.T) {
			address := strings.ReplaceAll(name, " ", "-") + "@example.com"
			if err := table.Grant(t.Context(), "email:"+address, "course-1", time.Time{}); err != nil {
				t.Fatal(err)
			}
			sub := "foreign|" + name
			if got := s.with(t).opens(token(sub, " "+strings.ToUpper(address), c.verified), "course-1"); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
			left, err := table.List(t.Context(), "email:"+address)
			if claimed := len(left) == 0; err != nil || claimed != (c.want == "issued") {
				t.Errorf("the address still has %v, %v", left, err)
			}
		})
	}

	// Later the viewer has another address, and somebody else the old one.
	for what, c := range map[string]struct{ token, want string }{
		"another address":              {token("foreign|true", "new@example.com", true), "issued"},
		"no address":                   {token("foreign|true", "", nil), "issued"},
		"whoever has the old one":      {token("foreign|eve", "true@example.com", true), "not_entitled"},
		"the key of an address as sub": {token("email:false@example.com", "false@example.com", true), "not_entitled"},
	} {
		if got := s.opens(c.token, "course-1"); got != c.want {
			t.Errorf("%s: %s, want %s", what, got, c.want)
		}
	}
}
