package entitlement

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"
)

// Claim decides by a claim of the token: if it has a certain value, the viewer
// can watch everything; or it lists the paths that the viewer can watch.
//
// API Gateway passes claims as strings, and some issuers write lists as strings,
// so a claim is read in each of these forms:
//
//	course-1              one member
//	course-1,course-2     members separated by commas or spaces
//	["course-1","b"]      a list as JSON
//	[course-1 b]          a list as API Gateway writes it
//
// A list and a string that looks like one are the same here: the string
// "[premium]" and a list with the member "premium", or the string "not premium"
// and two members. So the claim must be one that only the issuer writes. A claim
// that viewers can write themselves, such as a name or an attribute that their
// client can change, is not safe.
type Claim struct {
	name   string
	value  string // empty: the claim lists paths
	logger *slog.Logger
}

// newClaim makes a Claim from {"claim":NAME,"value":TEXT} or
// {"claim":NAME,"paths":true}.
func newClaim(rule map[string]json.RawMessage, config Config) (Decider, error) {
	name, err := text(rule, "claim")
	if err != nil {
		return nil, err
	}
	c := Claim{name: name, logger: config.Logger}
	switch {
	case rule["value"] != nil && rule["paths"] != nil:
		return nil, errors.New("rule has both value and paths: must have one")
	case rule["value"] != nil:
		if c.value, err = text(rule, "value"); err != nil {
			return nil, err
		}
	case string(rule["paths"]) != "true":
		return nil, fmt.Errorf(`claim %s: must have "value" or "paths": true`, name)
	}
	return c, nil
}

// Decide returns a grant that does not expire: the claim is valid as long as the
// token, and after that the viewer gets no new cookies.
func (c Claim) Decide(ctx context.Context, viewer Viewer, path string) (Grant, error) {
	grants, err := c.List(ctx, viewer)
	if err != nil {
		return Grant{}, err
	}
	return longest(grants, path, time.Time{}) // none of them expires
}

// List returns the grants of the claim. It ignores members that are not paths.
func (c Claim) List(ctx context.Context, viewer Viewer) ([]Grant, error) {
	claim, present := viewer.Claims[c.name]
	if !present {
		return nil, nil
	}
	members, err := claimMembers(claim)
	if c.value != "" {
		if claim == c.value || slices.Contains(members, c.value) {
			return []Grant{{}}, nil
		}
	}
	if err != nil {
		c.logger.WarnContext(ctx, "claim grants nothing", "claim", c.name, "cause", err.Error())
		return nil, nil
	}
	if c.value != "" {
		return nil, nil
	}
	var grants []Grant
	ignored := 0
	seen := make(map[string]bool, len(members))
	for _, member := range members {
		path, err := grantedPath(member)
		if err != nil {
			ignored++
			continue
		}
		if !seen[path] {
			seen[path] = true
			grants = append(grants, Grant{Path: path})
		}
	}
	if ignored > 0 {
		// Not the members themselves: they can be private.
		c.logger.WarnContext(ctx, "members of a claim are not paths and grant nothing", "claim", c.name, "ignored", ignored)
	}
	return grants, nil
}

// claimMembers returns the members of a claim. A claim in another form, such as
// an object or a nested list, is an error: splitting it at spaces would make
// members that nobody meant.
func claimMembers(claim string) ([]string, error) {
	claim = strings.Trim(claim, " \t\r\n")
	inner, opens := strings.CutPrefix(claim, "[")
	inner, closes := strings.CutSuffix(inner, "]")
	var members []string
	switch {
	case opens && closes && strings.Contains(inner, `"`):
		var texts []*string
		if err := json.Unmarshal([]byte(claim), &texts); err != nil {
			return nil, errors.New("invalid list: must be JSON strings, or a list as API Gateway writes it")
		}
		for _, text := range texts {
			if text == nil {
				return nil, errors.New("invalid list: it has a null")
			}
			members = append(members, *text)
		}
		return members, nil
	case opens && closes:
		// Not at commas: the name of a group can have a comma, but no space.
		members = strings.Split(inner, " ")
	default:
		inner = claim
		members = strings.FieldsFunc(claim, func(r rune) bool { return r == ' ' || r == ',' })
	}
	if strings.ContainsFunc(inner, func(r rune) bool { return r < ' ' || r == 0x7f || strings.ContainsRune(`[]{}"`, r) }) {
		return nil, errors.New("invalid list: it has brackets, quotes or control characters")
	}
	return slices.DeleteFunc(members, func(member string) bool { return member == "" }), nil
}
