package cognito

import (
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// codeTime is how long a verification code is valid (Amazon Cognito developer
// guide, "Signing up and confirming user accounts": 24 hours).
const codeTime = 24 * time.Hour

// maxTries is how often a code can be entered wrong.
const maxTries = 5

// maxPending is the number of accounts that wait for their code.
const maxPending = 1000

// pending is an account that is not confirmed: nobody can sign in to it.
type pending struct {
	address string
	code    string
	ends    time.Time
	tries   int
}

var addressForm = regexp.MustCompile(`^[^\s@]{1,64}@[^\s@]{1,190}$`)

// askAddress shows the form for a new account. It takes the parameters of the
// authorization endpoint.
func (p *Provider) askAddress(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	a, problem, code := p.readAuthorization(q)
	switch {
	case problem != "":
		p.page(w, http.StatusBadRequest, page{Title: "Sign-up failed", Problem: problem})
	case code != "":
		a.redirect(w, r, url.Values{"error": {code}})
	default:
		p.page(w, http.StatusOK, page{Title: "Create an account", SignUp: true, Fields: fieldsOf(q)})
	}
}

// signUp makes an unconfirmed account and sends its code.
func (p *Provider) signUp(w http.ResponseWriter, r *http.Request) {
	if _, ok := p.readForm(w, r); !ok {
		return
	}
	address := strings.TrimSpace(r.PostForm.Get("email"))
	if !addressForm.MatchString(address) {
		p.page(w, http.StatusBadRequest, page{Title: "Create an account", SignUp: true, Fields: fieldsOf(r.PostForm), Problem: "Enter an email address such as ada@example.com."})
		return
	}
	code, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		http.Error(w, "Failed to make a code.", http.StatusInternalServerError)
		return
	}
	now := p.options.Now()
	account := &pending{address: address, code: fmt.Sprintf("%06d", code), ends: now.Add(codeTime)}
	p.mu.Lock()
	taken := p.hasAddress(address)
	if !taken {
		if len(p.pending) >= maxPending {
			clear(p.pending)
		}
		p.pending[strings.ToLower(address)] = account
	}
	p.mu.Unlock()
	if taken {
		p.page(w, http.StatusBadRequest, page{Title: "Create an account", SignUp: true, Fields: fieldsOf(r.PostForm), Problem: "There is an account with this address already."})
		return
	}
	p.options.SendCode(address, account.code)
	p.page(w, http.StatusOK, page{Title: "Confirm your address", Confirm: address, Fields: fieldsOf(r.PostForm)})
}

// confirm verifies the code of an account, and signs the viewer in.
func (p *Provider) confirm(w http.ResponseWriter, r *http.Request) {
	a, ok := p.readForm(w, r)
	if !ok {
		return
	}
	address := strings.TrimSpace(r.PostForm.Get("email"))
	v, ok := p.confirmed(address, strings.TrimSpace(r.PostForm.Get("code")))
	if !ok {
		p.page(w, http.StatusBadRequest, page{Title: "Confirm your address", Confirm: address, Fields: fieldsOf(r.PostForm), Problem: "The code is wrong or has expired."})
		return
	}
	value := p.newCode(session{viewer: v, clientID: a.clientID, scope: a.scope, nonce: a.nonce, at: p.options.Now()}, a.redirectURI, a.challenge)
	a.redirect(w, r, url.Values{"code": {value}})
}

// confirmed makes a viewer of an account whose code is right.
func (p *Provider) confirmed(address, code string) (Viewer, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	account, ok := p.pending[strings.ToLower(address)]
	if !ok || account.tries >= maxTries || !p.options.Now().Before(account.ends) {
		return Viewer{}, false
	}
	if subtle.ConstantTimeCompare([]byte(account.code), []byte(code)) != 1 {
		account.tries++
		return Viewer{}, false
	}
	delete(p.pending, strings.ToLower(address))
	if p.hasAddress(account.address) {
		return Viewer{}, false
	}
	id := make([]byte, 16)
	rand.Read(id)
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80 // version 4 (RFC 9562)
	subject := fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
	// In a pool whose users sign in with an address, the user's name is the sub.
	v := Viewer{Username: subject, Subject: subject, Email: account.address, Description: "signed up on this machine"}
	p.options.Viewers = append(p.options.Viewers, v)
	return v, true
}

// hasAddress reports whether a viewer has an address. The caller holds the lock.
func (p *Provider) hasAddress(address string) bool {
	for _, v := range p.options.Viewers {
		if strings.EqualFold(v.Email, address) {
			return true
		}
	}
	return false
}

// readForm reads a form of this host with the parameters of an authorization. If
// it is none, it responds and returns false.
func (p *Provider) readForm(w http.ResponseWriter, r *http.Request) (a authorization, ok bool) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	if err := r.ParseForm(); err != nil {
		p.page(w, http.StatusBadRequest, page{Title: "Sign-in failed", Problem: "The form is invalid or larger than 64 KB."})
		return a, false
	}
	a, problem, code := p.readAuthorization(r.PostForm)
	switch {
	case problem != "":
		p.page(w, http.StatusBadRequest, page{Title: "Sign-in failed", Problem: problem})
	case p.ownForms.Check(r) != nil:
		// Another site must not be able to sign the viewer in.
		p.page(w, http.StatusForbidden, page{Title: "Sign-in failed", Problem: "The form was sent by a page of another site. Open the player and sign in there."})
	case code != "":
		a.redirect(w, r, url.Values{"error": {code}})
	default:
		return a, true
	}
	return a, false
}

// fieldsOf returns the parameters of an authorization, for a form.
func fieldsOf(q url.Values) (fields []field) {
	for _, name := range []string{"response_type", "client_id", "redirect_uri", "scope", "state", "nonce", "code_challenge", "code_challenge_method"} {
		if q.Has(name) {
			fields = append(fields, field{name, q.Get(name)})
		}
	}
	return fields
}

// Viewers returns the viewers who can sign in.
func (p *Provider) Viewers() []Viewer {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]Viewer(nil), p.options.Viewers...)
}

// Remove removes a viewer by the sub: the viewer can no longer sign in, and the
// tokens that were issued stay valid until they expire. It reports whether there
// was one.
func (p *Provider) Remove(subject string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, v := range p.options.Viewers {
		if v.Subject == subject {
			p.options.Viewers = append(p.options.Viewers[:i:i], p.options.Viewers[i+1:]...)
			for value, r := range p.refreshes {
				if r.viewer.Subject == subject {
					delete(p.refreshes, value)
				}
			}
			return true
		}
	}
	return false
}
