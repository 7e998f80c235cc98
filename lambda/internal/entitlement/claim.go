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

// Claim lets a claim of the token decide: it has a certain value, and then the
// viewer may watch everything, or it lists the paths that they may watch.
//
// API Gateway passes claims on as text, and some issuers write lists as text
// themselves, so a claim is read in each of these forms:
//
//	course-1              one member
//	course-1,course-2     members parted by commas or spaces
//	["course-1","b"]      a list as JSON
//	[course-1 b]          a list as API Gateway writes it
//
// A list and a text that looks like one are the same by then: the text
// "[premium]" and the list with the one member "premium" cannot be told apart,
// nor can the text "not premium" and two members. So the claim must be one
// that only the issuer writes. A claim that viewers can write themselves, such
// as a name or an attribute that their client may change, entitles nobody
// safely.
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

// Decide returns a grant without an end: the claim holds while the token does,
// and after that no new cookies are given.
func (c Claim) Decide(ctx context.Context, viewer Viewer, path string) (Grant, error) {
	grants, err := c.List(ctx, viewer)
	if err != nil {
		return Grant{}, err
	}
	return longest(grants, path, time.Time{}) // none of them has an end
}

// List returns what the claim grants. Members that are no paths grant nothing.
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
		// What they are is the issuer's business, and may be a viewer's.
		c.logger.WarnContext(ctx, "members of a claim are not paths and grant nothing", "claim", c.name, "ignored", ignored)
	}
	return grants, nil
}

// claimMembers returns the members of a claim. A claim that is none of the
// forms, such as an object or a list in a list, has none: cut at its spaces,
// it would have members that nobody meant.
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
		// Not at commas: a group's name may have one, but no space.
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
