package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"premiumhls/internal/deploycheck"
	"premiumhls/internal/errorsource"
)

// maxBody is how much of a response is read, in bytes: more than the probe and
// any error have.
const maxBody = 16 << 10

// A response is a response of the distribution.
type response struct {
	status int
	body   string
	errorsource.Error
}

func readResponse(r *http.Response) (*response, error) {
	defer r.Body.Close()
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return nil, fmt.Errorf("reading the response: %w", err)
	}
	return &response{r.StatusCode, string(body), errorsource.Of(r.Header.Get("Server"), string(body))}, nil
}

// isProbe reports whether the probe was served.
func (r *response) isProbe() bool { return r.status == http.StatusOK && r.body == deploycheck.Content }

// byBucket reports whether the response is S3's, so that CloudFront let the
// request through.
func (r *response) byBucket() bool { return r.Source == errorsource.S3 }

// bySignatureCheck reports whether CloudFront refused the request because of its
// cookies.
func (r *response) bySignatureCheck() bool {
	return r.status == http.StatusForbidden && r.Code != "" && r.Source == errorsource.CloudFront
}

// isPage reports whether the response is a page of CloudFront's own, which does
// not depend on cookies.
func (r *response) isPage() bool {
	return r.status >= 400 && r.Code == "" && r.Source == errorsource.CloudFront
}

// refusal is the code of an error of a function behind the API; empty if it is
// none.
func (r *response) refusal() string {
	var refused struct{ Code string }
	if err := json.Unmarshal([]byte(r.body), &refused); err != nil {
		return ""
	}
	return refused.Code
}

func (r *response) String() string {
	text := fmt.Sprint(r.status)
	if r.Code != "" {
		text += fmt.Sprintf(" %s (%s)", r.Code, r.Message)
	}
	switch {
	case r.isProbe():
		return text + " and the probe"
	case r.status == http.StatusOK:
		return text + " and something other than the probe"
	case r.Source != errorsource.Unknown:
		return text + " by " + string(r.Source)
	}
	return text
}
