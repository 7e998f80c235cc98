// Package player signs in to a Premium HLS site on this machine and plays a
// premium video, as the page does, without a browser.
package player

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// A Site is where a viewer signs in and plays.
type Site struct {
	Origin string // http://localhost:8080
	Client *http.Client
	signIn struct {
		ClientID              string
		Scope                 string
		AuthorizationEndpoint string
		TokenEndpoint         string
	}
}

// WaitAndPlay waits until the site is up, signs a viewer in and plays the first
// segment of a video.
func WaitAndPlay(ctx context.Context, origin, viewer, video string) error {
	client := &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       30 * time.Second,
	}
	defer client.CloseIdleConnections()
	for {
		site, err := Open(ctx, client, origin)
		if err == nil {
			var token string
			if token, err = site.SignIn(ctx, viewer); err == nil {
				return site.Play(ctx, token, video)
			}
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w", origin, errors.Join(ctx.Err(), err))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Open reads the page's configuration.
func Open(ctx context.Context, client *http.Client, origin string) (*Site, error) {
	s := &Site{Origin: origin, Client: client}
	_, body, err := s.send(ctx, "GET", origin+"/config.json", nil, nil, http.StatusOK)
	if err != nil {
		return nil, err
	}
	var config struct{ SignIn any }
	config.SignIn = &s.signIn
	if err := json.Unmarshal(body, &config); err != nil {
		return nil, fmt.Errorf("reading %s/config.json: %w", origin, err)
	}
	if s.signIn.TokenEndpoint == "" {
		return nil, fmt.Errorf("%s/config.json names no token endpoint", origin)
	}
	return s, nil
}

// SignIn signs a viewer of the local issuer in, with the code flow and PKCE, and
// returns the ID token.
func (s *Site) SignIn(ctx context.Context, viewer string) (string, error) {
	verifier := rand.Text() + rand.Text()
	digest := sha256.Sum256([]byte(verifier))
	back := s.Origin + "/"
	header, _, err := s.send(ctx, "POST", s.signIn.AuthorizationEndpoint, form, url.Values{
		"response_type": {"code"}, "client_id": {s.signIn.ClientID}, "redirect_uri": {back}, "scope": {s.signIn.Scope},
		"state": {rand.Text()}, "nonce": {rand.Text()}, "viewer": {viewer},
		"code_challenge_method": {"S256"}, "code_challenge": {base64.RawURLEncoding.EncodeToString(digest[:])},
	}, http.StatusSeeOther)
	if err != nil {
		return "", err
	}
	location, err := url.Parse(header.Get("Location"))
	if err != nil {
		return "", fmt.Errorf("signing in: %w", err)
	}
	_, body, err := s.send(ctx, "POST", s.signIn.TokenEndpoint, form, url.Values{
		"grant_type": {"authorization_code"}, "code": {location.Query().Get("code")}, "client_id": {s.signIn.ClientID},
		"redirect_uri": {back}, "code_verifier": {verifier},
	}, http.StatusOK)
	if err != nil {
		return "", err
	}
	var tokens struct {
		IDToken string `json:"id_token"`
	}
	if err := json.Unmarshal(body, &tokens); err != nil || tokens.IDToken == "" {
		return "", fmt.Errorf("signing in: the token endpoint returned no ID token: %s", body)
	}
	return tokens.IDToken, nil
}

// Play requests the cookies of a video and fetches its playlists and its first
// segment with them.
func (s *Site) Play(ctx context.Context, token, video string) error {
	cookies, err := s.Cookies(ctx, token, video)
	if err != nil {
		return err
	}
	address := s.Origin + "/premium/" + video + "/sample/master.m3u8" // the sample's
	for {
		body, err := s.Get(ctx, address, cookies)
		if err != nil {
			return err
		}
		next := firstURI(body)
		if next == "" { // a segment
			return nil
		}
		base, err := url.Parse(address)
		if err != nil {
			return err
		}
		reference, err := base.Parse(next)
		if err != nil {
			return fmt.Errorf("playlist %s: %w", address, err)
		}
		address = reference.String()
	}
}

// Cookies requests the cookies of a path and returns them as a Cookie header.
func (s *Site) Cookies(ctx context.Context, token, path string) (string, error) {
	header, _, err := s.send(ctx, "POST", s.Origin+"/api/cookies", http.Header{
		"Authorization": {"Bearer " + token}, "Content-Type": {"application/json"},
	}, map[string]string{"path": path}, http.StatusOK)
	if err != nil {
		return "", err
	}
	var pairs []string
	for _, cookie := range (&http.Response{Header: header}).Cookies() {
		if cookie.MaxAge >= 0 {
			pairs = append(pairs, cookie.Name+"="+cookie.Value)
		}
	}
	return strings.Join(pairs, "; "), nil
}

// Get fetches a file with cookies.
func (s *Site) Get(ctx context.Context, address, cookies string) ([]byte, error) {
	header := http.Header{}
	if cookies != "" {
		header.Set("Cookie", cookies)
	}
	_, body, err := s.send(ctx, "GET", address, header, nil, http.StatusOK)
	return body, err
}

// firstURI returns the first URI of a playlist; empty if it is none.
func firstURI(content []byte) string {
	if !bytes.HasPrefix(content, []byte("#EXTM3U")) {
		return ""
	}
	for lines := bufio.NewScanner(bytes.NewReader(content)); lines.Scan(); {
		if line := strings.TrimSpace(lines.Text()); line != "" && line[0] != '#' {
			return line
		}
	}
	return ""
}

var form = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}

// send sends a request, with a body of url.Values as a form and any other as
// JSON, and returns an error unless the response has the wanted status.
func (s *Site) send(ctx context.Context, method, address string, header http.Header, body any, status int) (http.Header, []byte, error) {
	var reader io.Reader
	switch b := body.(type) {
	case nil:
	case url.Values:
		reader = strings.NewReader(b.Encode())
	default:
		text, err := json.Marshal(b)
		if err != nil {
			return nil, nil, err
		}
		reader = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, address, reader)
	if err != nil {
		return nil, nil, err
	}
	for name, values := range header {
		request.Header[name] = values
	}
	response, err := s.Client.Do(request)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, nil, fmt.Errorf("%s %s: %w", method, address, err)
	}
	if response.StatusCode != status {
		return nil, nil, fmt.Errorf("%s %s: status %d, want %d: %.200s", method, address, response.StatusCode, status, content)
	}
	return response.Header, content, nil
}
