package local

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"premiumhls/local/cloud"
	"premiumhls/local/cognito"
)

// A viewer can sign in, and has bought something. Whatever rule the settings
// have, it says the same of them.
type viewer struct {
	cognito.Viewer
	courses []string // * is everything
}

var viewers = []viewer{
	{cognito.Viewer{
		Username:    "ada",
		Subject:     "a0000000-0000-4000-8000-000000000001",
		Email:       "ada@example.com",
		Description: "has bought everything",
		Claims:      map[string]any{"cognito:groups": []string{"premium"}, "custom:courses": "*"},
	}, []string{"*"}},
	{cognito.Viewer{
		Username:    "ben",
		Subject:     "b0000000-0000-4000-8000-000000000002",
		Email:       "ben@example.com",
		Description: "has bought course-1",
		Claims:      map[string]any{"custom:courses": "course-1"},
	}, []string{"course-1"}},
}

func issuerViewers() (list []cognito.Viewer) {
	for _, v := range viewers {
		list = append(list, v.Viewer)
	}
	return list
}

// grantPurchases fills the stack's table, where it has one.
func grantPurchases(ctx context.Context, c *cloud.Cloud) error {
	if _, table := c.Table(); table == "" {
		return nil
	}
	for _, v := range viewers {
		for _, course := range v.courses {
			if err := c.Grant(ctx, v.Subject, course); err != nil {
				return err
			}
		}
	}
	return nil
}

// shop stands in for the seller's own function, where the settings name one.
func shop(_ context.Context, _ string, payload []byte) ([]byte, error) {
	var question struct{ Viewer string }
	if err := json.Unmarshal(payload, &question); err != nil {
		return nil, fmt.Errorf("reading the question: %w", err)
	}
	paths := []map[string]string{}
	if i := slices.IndexFunc(viewers, func(v viewer) bool { return v.Subject == question.Viewer }); i >= 0 {
		for _, course := range viewers[i].courses {
			paths = append(paths, map[string]string{"path": course})
		}
	}
	return json.Marshal(map[string]any{"paths": paths})
}

// howToGrant tells how to change the table, where there is one.
func howToGrant(c *cloud.Cloud) string {
	endpoint, table := c.Table()
	if table == "" {
		return ""
	}
	var b strings.Builder
	fmt.Fprintln(&b, "\nEntitlements are in a table. To let ben watch course-2:")
	fmt.Fprintf(&b, "  AWS_ENDPOINT_URL_DYNAMODB=%s AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=x AWS_SECRET_ACCESS_KEY=x \\\n", endpoint)
	fmt.Fprintf(&b, "  go run ./cmd/premium grant --table %s %s course-2\n", table, viewers[1].Subject)
	return b.String()
}
