package entitlement

import (
	"fmt"
	"strings"
	"testing"
)

func TestNew(t *testing.T) {
	for _, tt := range []struct {
		rule string
		want string // its type
		err  string
	}{
		{"", "entitlement.Authenticated", ""},
		{"authenticated", "entitlement.Authenticated", ""},
		{`"authenticated"`, "entitlement.Authenticated", ""},
		{`{"claim":"cognito:groups","value":"premium"}`, "entitlement.Claim", ""},
		{` {"paths": true, "claim": "custom:courses"} `, "entitlement.Claim", ""},
		{`{"table":"Grants"}`, "*entitlement.Table", ""},
		{`{"function":"arn:aws:lambda:eu-west-1:111122223333:function:shop"}`, "*entitlement.Function", ""},
		{`{"function":"arn:aws-cn:lambda:cn-north-1:111122223333:function:shop:live"}`, "*entitlement.Function", ""},

		{"table", "", "neither authenticated nor a JSON object"},
		{"Authenticated", "", "neither"},
		{"null", "", "neither"},
		{"[]", "", "neither"},
		{`{"table":"Grants"}}`, "", "neither"},
		{"{}", "", "does not say what decides"},
		{`{"authenticated":true}`, "", "does not say what decides"},
		{`{"Table":"Grants"}`, "", "does not say what decides"},
		{`{"table":"Grants","claim":"x","value":"y"}`, "", "names both"},
		{`{"table":"Grants","function":"arn:aws:lambda:eu-west-1:111122223333:function:shop"}`, "", "names both"},
		{`{"table":"Grants","table":"Others"}`, "", "twice"},
		{`{"table":"Grants","value":"y"}`, "", `"value" is not known`},
		{`{"table":""}`, "", "table is"},
		{`{"table":null}`, "", "table is"},
		{`{"table":["Grants"]}`, "", "table is"},
		{`{"claim":"x"}`, "", `needs a "value", or "paths"`},
		{`{"claim":"x","paths":false}`, "", `needs a "value", or "paths"`},
		{`{"claim":"x","paths":"true"}`, "", `needs a "value", or "paths"`},
		{`{"claim":"x","value":"y","paths":true}`, "", "both value and paths"},
		{`{"claim":"x","value":"y","paths":false}`, "", "both value and paths"},
		{`{"claim":"x","value":""}`, "", "value is"},
		{`{"claim":"x","value":true}`, "", "value is"},
		{`{"claim":"x","VALUE":"y"}`, "", `"VALUE" is not known`},
		{`{"claim":"","value":"y"}`, "", "claim is"},
		{`{"function":"shop"}`, "", "must be the ARN"},
		{`{"function":"arn:aws:lambda:eu-west-1:111122223333:function:shop\n"}`, "", "must be the ARN"},
		{`{"function":"arn:aws:lambda:eu-west-1:111122223333:function:*"}`, "", "must be the ARN"},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			c, _ := config()
			decider, err := New(tt.rule, c)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) || decider != nil {
					t.Errorf("%T, %v; want an error with %q", decider, err, tt.err)
				}
				return
			}
			if err != nil || fmt.Sprintf("%T", decider) != tt.want {
				t.Errorf("%T, %v; want %s", decider, err, tt.want)
			}
		})
	}
	t.Run("no region", func(t *testing.T) {
		c, _ := config()
		c.Getenv = func(string) string { return "" }
		if _, err := New(`{"table":"Grants"}`, c); err == nil || !strings.Contains(err.Error(), "AWS_REGION") {
			t.Errorf("%v", err)
		}
	})
}
