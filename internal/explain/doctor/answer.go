package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"premiumhls/internal/errorsource"
)

// mostRead bounds what is read of an answer, in bytes. A segment may be
// longer; its beginning is enough.
const mostRead = 4 << 20

// An answer is what a viewer got.
type answer struct {
	status int
	header http.Header
	body   []byte
	url    *url.URL
}

func (v *visit) get(ctx context.Context, path string, header http.Header) (*answer, error) {
	address, err := v.site.Parse(path)
	if err != nil {
		return nil, err
	}
	return v.do(ctx, http.MethodGet, address.String(), header, "")
}

func (v *visit) do(ctx context.Context, method, address string, header http.Header, body string) (*answer, error) {
	request, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	if body == "" {
		request.Body = http.NoBody
	}
	for name, values := range header {
		request.Header[name] = values
	}
	response, err := v.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, mostRead))
	if err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	return &answer{response.StatusCode, response.Header, text, request.URL}, nil
}

// source is who wrote an error, CloudFront or S3.
func (a *answer) source() errorsource.Error {
	return errorsource.Of(a.header.Get("Server"), string(a.body))
}

// code is the stable code in a refusal, by CloudFront, S3 or the API.
func (a *answer) code() string {
	if code := a.source().Code; code != "" {
		return code
	}
	var refusal struct{ Code string }
	json.Unmarshal(a.body, &refusal) // no code where it is no JSON
	return refusal.Code
}

// byBucket reports whether a refusal is S3's and not CloudFront's.
func (a *answer) byBucket() bool { return a.source().Source == errorsource.S3 }

func (a *answer) String() string {
	if code := a.code(); code != "" {
		return fmt.Sprintf("%d %s", a.status, code)
	}
	return fmt.Sprint(a.status)
}
