package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"premiumhls/internal/issuance"
	"premiumhls/internal/link"
	"premiumhls/internal/premiumpath"
	"premiumhls/signedcookie"
)

// link serves POST /api/links. A link has the policy and signature that cookies
// of its path and end have.
func (h *handler) link(ctx context.Context, r *request) (response events.APIGatewayV2HTTPResponse, err error) {
	path, playlist, err := r.readBody("path", "playlist")
	if err != nil {
		return response, err
	}
	// A link is for a course or a part of it: one for everything premium would
	// be worth more than any that leaks should be.
	if path == "" {
		return response, invalidPath.because(errors.New("a link needs a path"))
	}
	if r.path, err = parsePath(path); err != nil {
		return response, err
	}
	name, err := linkName(r.path, playlist)
	if err != nil {
		return response, err
	}
	set, err := h.open(ctx, r, h.settings.links)
	if err != nil {
		return response, err
	}
	left := set.end - h.time().Unix()
	body, err := set.link.body(name, issuedLink{
		Expires: set.end, ExpiresIn: left, RenewAfter: issuance.RenewAfter(left, h.random()),
	})
	if err != nil {
		return response, fmt.Errorf("encoding the response: %w", err)
	}
	return events.APIGatewayV2HTTPResponse{
		StatusCode: http.StatusOK,
		Headers:    map[string]string{"content-type": "application/json", "cache-control": "no-store"},
		Body:       body,
	}, nil
}

// linkName returns the name, below path, of the playlist in a link: a/b.link.m3u8
// for a/b.m3u8. Without a playlist it is that of the lesson.
func linkName(path premiumpath.Path, playlist string) (string, error) {
	if playlist == "" {
		return link.LessonName + link.Suffix, nil
	}
	_, err := premiumpath.Parse(path.String() + "/" + playlist)
	name, ok := strings.CutSuffix(playlist, link.PlaylistSuffix)
	if err != nil || !ok || name == "" || strings.HasSuffix(name, "/") || strings.HasSuffix(playlist, link.Suffix) {
		return "", &invalidPlaylistPath
	}
	return name + link.Suffix, nil
}

// A linkBase is what the links of one signature have in common.
type linkBase struct {
	resource, path, folder, query string
}

func newLinkBase(resource, path string, values cookieValues, hash signedcookie.Hash) linkBase {
	_, query := link.Query(values.Policy, values.Signature, values.KeyPairID, hash)
	return linkBase{resource: resource, path: path, folder: strings.TrimSuffix(resource, "*"), query: query}
}

// issuedLink is the body of a 200 to POST /api/links.
type issuedLink struct {
	URL        string `json:"url"`
	Resource   string `json:"resource"` // what the policy covers
	Path       string `json:"path"`     // of the resource
	Expires    int64  `json:"expires"`  // in seconds since 1970
	ExpiresIn  int64  `json:"expiresIn"`
	RenewAfter int64  `json:"renewAfter"`
}

// body returns the JSON of the link to a playlist. In it the ampersands of the
// URL are as they are, so that a person can copy it.
func (b linkBase) body(name string, issued issuedLink) (string, error) {
	issued.URL, issued.Resource, issued.Path = b.folder+name+"?"+b.query, b.resource, b.path
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(issued)
	return strings.TrimSuffix(text.String(), "\n"), err
}
