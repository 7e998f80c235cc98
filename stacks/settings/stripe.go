package settings

import (
	"bytes"
	"encoding/json"
	"slices"

	"premiumhls/internal/strictjson"
	"premiumhls/internal/stripesettings"
)

// Stripe is the setting stripe. The zero value turns Stripe off.
type Stripe stripesettings.Choices

// Choices returns the setting as the function reads it.
func (s Stripe) Choices() stripesettings.Choices { return stripesettings.Choices(s) }

// On reports whether the setting turns Stripe on.
func (s Stripe) On() bool { return s.Choices().On() }

// UnmarshalJSON reads an object without unknown members. On the command line it
// is a string.
func (s *Stripe) UnmarshalJSON(raw []byte) error {
	if bytes.HasPrefix(raw, []byte(`"`)) {
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			return err
		}
		raw = []byte(text)
	}
	var c stripesettings.Choices
	err := strictjson.Decode(raw, &c)
	*s = Stripe(c)
	return err
}

// stripeCountries are where the addresses are from which Stripe sends events
// (Stripe docs, "Domains and IP addresses").
var stripeCountries = []string{"IN", "US"}

func (s *Settings) validateStripe(check func(name string, ok bool, reason ...string)) {
	check("salesTable", s.SalesTable == "" || tableName.MatchString(s.SalesTable))
	if !s.Stripe.On() {
		return
	}
	if err := s.Stripe.Choices().Check(); err != nil {
		check("stripe", false, err.Error())
		return
	}
	// emailGrants has rules of its own: a table, and that buyers can make accounts.
	check("stripe", s.EmailGrants, "needs emailGrants: a purchase without a viewer's reference is a grant to an address")
	for _, country := range stripeCountries {
		blocked := slices.Contains(s.BlockCountries, country) || len(s.AllowCountries) > 0 && !slices.Contains(s.AllowCountries, country)
		check("stripe", !blocked, "Stripe sends events from the United States and India: allowCountries and blockCountries must let US and IN in")
	}
}
