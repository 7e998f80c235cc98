package entitlement

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"premiumhls/internal/strictjson"
)

// Config is what a Decider needs besides its rule.
type Config struct {
	// Getenv reads the environment of the Lambda function, for Deciders that
	// call a service.
	Getenv func(string) string
	Logger *slog.Logger
	Now    func() time.Time
}

// A kind is a kind of rule: a rule with the member name. It can have the other
// members too.
type kind struct {
	name   string
	others []string
	make   func(rule map[string]json.RawMessage, config Config) (Decider, error)
}

var kinds = []kind{
	{"claim", []string{"value", "paths"}, newClaim},
	{"table", []string{"emails"}, newTable},
	{"function", nil, newFunction},
}

// New returns the Decider for a rule:
//
//	(nothing), authenticated                    [Authenticated]
//	{"claim":"cognito:groups","value":"premium"} [Claim]
//	{"claim":"custom:courses","paths":true}      [Claim]
//	{"table":"NAME"}                             [Table]
//	{"table":"NAME","emails":true}               [Table], with grants to addresses
//	{"function":"ARN"}                           [Function]
//
// An unknown or ambiguous rule is an error: the signer must not guess.
func New(rule string, config Config) (Decider, error) {
	switch rule {
	case "", "authenticated", `"authenticated"`:
		return Authenticated{}, nil
	}
	members, err := strictjson.Object([]byte(rule))
	if err != nil {
		return nil, fmt.Errorf("invalid rule %q: must be authenticated or a JSON object: %w", rule, err)
	}
	var chosen *kind
	for i := range kinds {
		if members[kinds[i].name] == nil {
			continue
		}
		if chosen != nil {
			return nil, fmt.Errorf("rule has both %s and %s: must have one", chosen.name, kinds[i].name)
		}
		chosen = &kinds[i]
	}
	if chosen == nil {
		names := make([]string, len(kinds))
		for i := range kinds {
			names[i] = kinds[i].name
		}
		return nil, fmt.Errorf("invalid rule %q: must have one of %s", rule, strings.Join(names, ", "))
	}
	if err := strictjson.Only(members, append([]string{chosen.name}, chosen.others...)...); err != nil {
		return nil, err
	}
	return chosen.make(members, config)
}

// text reads a member that must be a string that is not empty.
func text(members map[string]json.RawMessage, name string) (string, error) {
	var value *string
	if err := json.Unmarshal(members[name], &value); err != nil || value == nil || *value == "" {
		return "", fmt.Errorf("%s: invalid value %s: must be a string that is not empty", name, members[name])
	}
	return *value, nil
}
