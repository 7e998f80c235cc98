package local

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"premiumhls/local/cloud"
	"premiumhls/local/cognito"
	"premiumhls/stacks/settings"
)

// A viewer can sign in, and may watch paths.
type viewer struct {
	cognito.Viewer
	paths []string // * is everything
}

// newViewers returns the viewers of a local run: ada may watch everything, ben
// only a part, to show how access is denied. The entitlement rule in the settings
// decides how.
func newViewers(rule settings.Entitlements, videos []video) []viewer {
	ben := []string{"course-1"} // of the sample
	if len(videos) > 0 {
		ben = nil
		if len(videos) > 1 {
			ben = []string{videos[0].Path}
		}
	}
	viewers := []viewer{
		{cognito.Viewer{
			Username: "ada",
			Subject:  "a0000000-0000-4000-8000-000000000001",
			Email:    "ada@example.com",
			Claims:   map[string]any{"cognito:groups": []string{"premium"}, "custom:courses": "*"},
		}, []string{"*"}},
		{cognito.Viewer{
			Username: "ben",
			Subject:  "b0000000-0000-4000-8000-000000000002",
			Email:    "ben@example.com",
			Claims:   map[string]any{"custom:courses": strings.Join(ben, " ")},
		}, ben},
	}
	for i := range viewers {
		v := &viewers[i]
		switch {
		case rule == (settings.Entitlements{}):
			v.paths = []string{"*"} // everyone who signs in
		case rule.Claim != "" && rule.Value != "":
			v.paths = nil
			if hasValue(v.Claims[rule.Claim], rule.Value) {
				v.paths = []string{"*"}
			}
		case rule.Claim != "" && rule.Claim != "custom:courses":
			v.paths = nil // the viewers have no such claim
		}
		v.Description = "may watch " + describe(v.paths)
	}
	return viewers
}

func hasValue(claim any, value string) bool {
	switch claim := claim.(type) {
	case string:
		return claim == value
	case []string:
		return slices.Contains(claim, value)
	}
	return false
}

func describe(paths []string) string {
	switch {
	case len(paths) == 0:
		return "no premium content"
	case slices.Contains(paths, "*"):
		return "all premium content"
	}
	return strings.Join(paths, ", ") + " only"
}

func issuerViewers(viewers []viewer) (list []cognito.Viewer) {
	for _, v := range viewers {
		list = append(list, v.Viewer)
	}
	return list
}

// grantPaths writes the viewers' grants, if the stack has a table.
func grantPaths(ctx context.Context, c *cloud.Cloud, viewers []viewer) error {
	if _, table := c.Table(); table == "" {
		return nil
	}
	for _, v := range viewers {
		for _, path := range v.paths {
			if err := c.Grant(ctx, v.Subject, path); err != nil {
				return err
			}
		}
	}
	return nil
}

// shop replaces the entitlements function in the settings, if any.
func shop(viewers []viewer) cloud.Shop {
	return func(_ context.Context, _ string, payload []byte) ([]byte, error) {
		var question struct{ Viewer string }
		if err := json.Unmarshal(payload, &question); err != nil {
			return nil, fmt.Errorf("entitlements function: request: %w", err)
		}
		paths := []map[string]string{}
		for _, v := range viewers {
			if v.Subject != question.Viewer {
				continue
			}
			for _, path := range v.paths {
				paths = append(paths, map[string]string{"path": path})
			}
		}
		return json.Marshal(map[string]any{"paths": paths})
	}
}
