// Package stripesettings defines the settings of the stripe function, for the
// stack that writes them and the function that reads them.
package stripesettings

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"premiumhls/internal/premiumpath"
	"premiumhls/internal/signingkey"
	"premiumhls/internal/strictjson"
	"premiumhls/internal/stripe"
)

// Variable is the environment variable that holds the document.
const Variable = "SETTINGS"

// The modes of a Stripe account. Events of one never count in the other.
const (
	Live = "live"
	Test = "test"
)

// Choices are the setting stripe of cdk.json. The zero value turns Stripe off.
type Choices struct {
	// SecretParameter is the name of a SecureString with the endpoint's signing
	// secrets, one a line or separated by commas.
	SecretParameter string `json:"secretParameter,omitempty"`
	Mode            string `json:"mode,omitempty"` // live or test
	// Products maps payment links to paths, for links without the metadata path:
	// several are separated by spaces, and - stands for none.
	Products map[string]string `json:"products,omitempty"`
	// GraceDays is how long a subscription stays open after a paid period. Nil:
	// [DefaultGraceDays].
	GraceDays *int `json:"graceDays,omitempty"`
}

// DefaultGraceDays is how many days a subscription stays open after its paid
// period: Stripe retries a failed payment for days.
const DefaultGraceDays = 3

// MaxGraceDays is the longest grace period.
const MaxGraceDays = 60

// On reports whether the setting turns Stripe on.
func (c Choices) On() bool {
	return c.SecretParameter != "" || c.Mode != "" || c.Products != nil || c.GraceDays != nil
}

// Grace is the grace period in days.
func (c Choices) Grace() int {
	if c.GraceDays == nil {
		return DefaultGraceDays
	}
	return *c.GraceDays
}

// Check returns an error for the first invalid member.
func (c Choices) Check() error {
	switch {
	case c.SecretParameter == "":
		return errors.New("secretParameter: must not be empty: it names the SecureString with the endpoint's signing secret")
	case !signingkey.IsParameter(c.SecretParameter):
		return fmt.Errorf("secretParameter: invalid value %q: must be the full name of a parameter such as /shop/stripe", c.SecretParameter)
	case c.Mode != Live && c.Mode != Test:
		return fmt.Errorf("mode: invalid value %q: must be live or test", c.Mode)
	case c.Grace() < 0 || c.Grace() > MaxGraceDays:
		return fmt.Errorf("graceDays: invalid value %d: must be between 0 and %d", c.Grace(), MaxGraceDays)
	}
	for _, link := range slices.Sorted(maps.Keys(c.Products)) {
		if !strings.HasPrefix(link, "plink_") || !stripe.IsID(link) {
			return fmt.Errorf("products: invalid key %q: must be the id of a payment link, which begins with plink_", link)
		}
		if _, err := ParsePaths(c.Products[link]); err != nil {
			return fmt.Errorf("products: %s: %w", link, err)
		}
	}
	return nil
}

// What a product can name besides paths.
const (
	everything = "*"
	nothing    = "-"
)

// ParsePaths reads the paths of a product: one or more, separated by spaces,
// commas or line breaks. A hyphen alone stands for a product that opens
// nothing, for which there are none.
func ParsePaths(text string) ([]string, error) {
	paths := strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' || r == '\n' || r == '\r' || r == '\t' })
	if len(paths) == 1 && paths[0] == nothing {
		return nil, nil
	}
	if len(paths) == 0 {
		return nil, errors.New("path: must not be empty: for a product that opens nothing use -")
	}
	for _, path := range paths {
		if _, err := premiumpath.Parse(path); err != nil && path != everything {
			return nil, fmt.Errorf("path: invalid value %q: must be segments of A-Z a-z 0-9 - . _ ~ separated by single slashes, or * for all premium content", path)
		}
	}
	return paths, nil
}

// A Document is the settings of the function.
type Document struct {
	Choices
	ParameterPrefix string `json:"parameterPrefix"`
	GrantsTable     string `json:"grantsTable"`
	SalesTable      string `json:"salesTable"`
	HashViewers     bool   `json:"hashViewers,omitempty"` // in the log
	MetricsStack    string `json:"metricsStack,omitempty"`
}

// Parse reads and checks a document.
func Parse(text string) (Document, error) {
	var d Document
	if err := strictjson.Decode([]byte(text), &d); err != nil {
		return Document{}, err
	}
	for name, value := range map[string]string{"parameterPrefix": d.ParameterPrefix, "grantsTable": d.GrantsTable, "salesTable": d.SalesTable} {
		if value == "" {
			return Document{}, fmt.Errorf("%s: must not be empty", name)
		}
	}
	return d, d.Choices.Check()
}
