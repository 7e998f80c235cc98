package settings

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"

	"premiumhls/internal/strictjson"
)

// Entitlements is the setting entitlements: who may watch what. The zero value
// is "authenticated": every viewer who signed in may watch everything.
type Entitlements struct {
	// Claim, unless empty, is the token's claim that decides: it has Value, or
	// lists paths.
	Claim string `json:"claim,omitempty"`
	Value string `json:"value,omitempty"`
	Paths bool   `json:"paths,omitempty"`
	// Table is true for a table of grants in the stack.
	Table bool `json:"-"`
	// Function, unless empty, is the ARN of a function that is asked.
	Function string `json:"function,omitempty"`
}

// UnmarshalJSON reads "authenticated", "table" or an object.
func (e *Entitlements) UnmarshalJSON(raw []byte) error {
	*e = Entitlements{}
	if bytes.HasPrefix(raw, []byte(`"`)) {
		var name string
		if err := json.Unmarshal(raw, &name); err != nil {
			return err
		}
		switch name {
		case "authenticated":
			return nil
		case "table":
			e.Table = true
			return nil
		}
		// On the command line an object is a string.
		raw = []byte(name)
	}
	type object Entitlements
	if err := strictjson.Decode(raw, (*object)(e)); err != nil {
		return err
	}
	if *e == (Entitlements{}) {
		return errors.New("must not be empty") // which would let everyone in
	}
	return nil
}

// MarshalJSON is the inverse of UnmarshalJSON.
func (e Entitlements) MarshalJSON() ([]byte, error) {
	switch {
	case e.Table:
		return []byte(`"table"`), nil
	case e == Entitlements{}:
		return []byte(`"authenticated"`), nil
	}
	type object Entitlements
	return json.Marshal(object(e))
}

var (
	claimName   = regexp.MustCompile(`^[A-Za-z0-9:_./-]{1,128}$`)
	functionArn = regexp.MustCompile(`^arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_-]{1,64}(:[A-Za-z0-9_-]{1,128})?$`)
)

func (e Entitlements) valid() bool {
	if e.Claim == "" {
		return e.Value == "" && !e.Paths && (e.Function == "" || functionArn.MatchString(e.Function))
	}
	return e.Function == "" && claimName.MatchString(e.Claim) && (e.Value != "") != e.Paths
}
