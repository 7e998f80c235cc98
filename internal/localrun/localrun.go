// Package localrun lets the other commands find a site that `premium local` runs
// on this machine. The local run writes a file into the user's cache folder and
// removes it when it ends; the commands read it.
package localrun

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"premiumhls/internal/cfn"
)

// A Run is a site that runs on this machine.
type Run struct {
	PID     int       `json:"pid"`
	Started time.Time `json:"started"`
	// Site is the address of the page, such as http://localhost:8080/.
	Site  string `json:"site"`
	Stack string `json:"stack"`
	// Region, AccessKeyID and SecretAccessKey are what the stand-ins accept. They
	// open nothing else.
	Region          string `json:"region"`
	AccessKeyID     string `json:"accessKeyId"`
	SecretAccessKey string `json:"secretAccessKey"`
	// Endpoints are the addresses of the stand-ins, by the name that the SDKs
	// use in AWS_ENDPOINT_URL_<NAME>.
	Endpoints map[string]string `json:"endpoints"`
	// Outputs are the stack's outputs.
	Outputs map[string]string `json:"outputs"`
	// Resources are the stack's resources of CloudFront, with physical ids.
	Resources []cfn.Resolved `json:"resources"`
	// Viewers are the sub claims of the viewers who can sign in, by name.
	Viewers map[string]string `json:"viewers"`
	// Stripe is what simulated events need; nil without the setting stripe.
	Stripe *Stripe `json:"stripe,omitempty"`
	// Refusals is the address at which a [Refusal] can be read; see
	// [Run.Refusal].
	Refusals string `json:"refusals"`
	// Authority is the file with the certificate, in PEM, of the authority that
	// signed the site's; empty for a site without TLS.
	Authority string `json:"authority,omitempty"`
}

// A Stripe is what stands for Stripe's account on this machine.
type Stripe struct {
	Secret      string `json:"secret"`      // signs events
	PurchaseKey string `json:"purchaseKey"` // signs references, in base64url
	Live        bool   `json:"live"`        // the mode of the setting
}

// A Refusal is a request to which the local run returned an error.
type Refusal struct {
	Time     time.Time   `json:"time"`
	Method   string      `json:"method"`
	URL      string      `json:"url"`
	Header   http.Header `json:"header"`
	Viewer   string      `json:"viewer"` // the address
	Status   int         `json:"status"`
	Response http.Header `json:"response"`
	Body     string      `json:"body"` // of the response; the first kilobytes
}

func folder() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("local run: %w", err)
	}
	return filepath.Join(cache, "premiumhls", "local"), nil
}

// Write writes the file of a run and returns a function that removes it.
func Write(r Run) (remove func() error, err error) {
	dir, err := folder()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("local run: %w", err)
	}
	text, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("local run: %w", err)
	}
	// Write to another name first, so that no reader sees half a file.
	file := filepath.Join(dir, strconv.Itoa(r.PID)+".json")
	if err := os.WriteFile(file+".new", text, 0o600); err != nil {
		return nil, fmt.Errorf("local run: %w", err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		return nil, fmt.Errorf("local run: %w", err)
	}
	return func() error { return os.Remove(file) }, nil
}

// All returns the runs whose process exists, the newest first. It removes the
// files of runs that ended without doing so.
func All() ([]Run, error) {
	dir, err := folder()
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("local run: %w", err)
	}
	var runs []Run
	for _, entry := range entries {
		if filepath.Ext(entry.Name()) != ".json" {
			continue
		}
		file := filepath.Join(dir, entry.Name())
		text, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue // it ended meanwhile
		}
		if err != nil {
			return nil, fmt.Errorf("local run: %w", err)
		}
		var r Run
		if err := json.Unmarshal(text, &r); err != nil {
			return nil, fmt.Errorf("local run: %s: %w: remove the file", file, err)
		}
		if !alive(r.PID) {
			os.Remove(file) // nothing depends on it
			continue
		}
		runs = append(runs, r)
	}
	slices.SortFunc(runs, func(a, b Run) int { return b.Started.Compare(a.Started) })
	return runs, nil
}

// ErrNone is the error of [Find] if there is no local run.
var ErrNone = errors.New("no local run: start one with premium local")

// Find returns the run at a port or, if port is empty, the only run.
func Find(port string) (Run, error) {
	runs, err := All()
	if err != nil {
		return Run{}, err
	}
	var sites []string
	for _, r := range runs {
		if site, err := url.Parse(r.Site); port != "" && err == nil && site.Port() == port {
			return r, nil
		}
		sites = append(sites, r.Site)
	}
	switch {
	case len(runs) == 0:
		return Run{}, ErrNone
	case port != "":
		return Run{}, fmt.Errorf("--run: no local run at port %s: must be the port of %s", port, strings.Join(sites, " or "))
	case len(runs) > 1:
		return Run{}, fmt.Errorf("%d local runs: %s: choose one with --run PORT", len(runs), strings.Join(sites, ", "))
	}
	return runs[0], nil
}

// Transport returns a transport that trusts the authority of the run besides
// the authorities of the system.
func (r Run) Transport() (http.RoundTripper, error) {
	if r.Authority == "" {
		return http.DefaultTransport, nil
	}
	certificate, err := os.ReadFile(r.Authority)
	if err != nil {
		return nil, fmt.Errorf("local run: certificate authority: %w", err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("local run: certificate authorities of the system: %w", err)
	}
	if !roots.AppendCertsFromPEM(certificate) {
		return nil, fmt.Errorf("local run: certificate authority: %s has no PEM certificate", r.Authority)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{RootCAs: roots}
	return transport, nil
}

// At returns the run that serves a host, such as localhost:8080. Any other name
// of this machine with the same port is accepted too.
func At(host string) (Run, error) {
	runs, err := All()
	if err != nil {
		return Run{}, err
	}
	var sites []string
	for _, r := range runs {
		site, err := url.Parse(r.Site)
		if err != nil {
			continue
		}
		if site.Host == host || loopback(host) && port(host) == site.Port() {
			return r, nil
		}
		sites = append(sites, r.Site)
	}
	if len(sites) > 0 {
		return Run{}, fmt.Errorf("the local run is at %s, not at %s: %w", strings.Join(sites, ", "), host, ErrNone)
	}
	return Run{}, ErrNone
}

func loopback(host string) bool {
	name := strings.Trim(strings.TrimSuffix(host, ":"+port(host)), "[]")
	return name == "localhost" || name == "::1" || strings.HasPrefix(name, "127.")
}

func port(host string) string { return (&url.URL{Host: host}).Port() }

// alive reports whether a process exists.
func alive(pid int) bool {
	p, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	defer p.Release()
	err = p.Signal(syscall.Signal(0))
	return !errors.Is(err, os.ErrProcessDone) && !errors.Is(err, syscall.ESRCH)
}

// Subject returns the sub claim of a viewer of the local run, or the text itself
// if no viewer has that name.
func (r Run) Subject(viewer string) string {
	if subject, ok := r.Viewers[viewer]; ok {
		return subject
	}
	return viewer
}

// Name returns the name of the viewer with a sub claim, or the claim itself.
func (r Run) Name(subject string) string {
	for name, s := range r.Viewers {
		if s == subject {
			return name
		}
	}
	return subject
}

// Refusal returns the last request with a URL, or with its form of [link.Redact], to which
// the local run returned an error; ok is false if there is none.
func (r Run) Refusal(address string) (refusal Refusal, ok bool, err error) {
	client := &http.Client{Timeout: 5 * time.Second}
	response, err := client.Get(r.Refusals + "?" + url.Values{"url": {address}}.Encode())
	if err != nil {
		return Refusal{}, false, fmt.Errorf("local run: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusNotFound {
		return Refusal{}, false, nil
	}
	if response.StatusCode != http.StatusOK {
		return Refusal{}, false, fmt.Errorf("local run: %s", response.Status)
	}
	if err := json.NewDecoder(response.Body).Decode(&refusal); err != nil {
		return Refusal{}, false, fmt.Errorf("local run: %w", err)
	}
	return refusal, true, nil
}
