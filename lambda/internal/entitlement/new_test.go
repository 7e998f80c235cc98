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

		{"table", "", "must be authenticated or a JSON object"},
		{"Authenticated", "", "must be authenticated or"},
		{"null", "", "must be authenticated or"},
		{"[]", "", "must be authenticated or"},
		{`{"table":"Grants"}}`, "", "must be authenticated or"},
		{"{}", "", "must have one of"},
		{`{"authenticated":true}`, "", "must have one of"},
		{`{"Table":"Grants"}`, "", "must have one of"},
		{`{"table":"Grants","claim":"x","value":"y"}`, "", "rule has both"},
		{`{"table":"Grants","function":"arn:aws:lambda:eu-west-1:111122223333:function:shop"}`, "", "rule has both"},
		{`{"table":"Grants","table":"Others"}`, "", "duplicate field"},
		{`{"table":"Grants","value":"y"}`, "", `unknown field "value"`},
		{`{"table":""}`, "", "table: invalid value"},
		{`{"table":null}`, "", "table: invalid value"},
		{`{"table":["Grants"]}`, "", "table: invalid value"},
		{`{"claim":"x"}`, "", `must have "value" or "paths"`},
		{`{"claim":"x","paths":false}`, "", `must have "value" or "paths"`},
		{`{"claim":"x","paths":"true"}`, "", `must have "value" or "paths"`},
		{`{"claim":"x","value":"y","paths":true}`, "", "both value and paths"},
		{`{"claim":"x","value":"y","paths":false}`, "", "both value and paths"},
		{`{"claim":"x","value":""}`, "", "value: invalid value"},
		{`{"claim":"x","value":true}`, "", "value: invalid value"},
		{`{"claim":"x","VALUE":"y"}`, "", `unknown field "VALUE"`},
		{`{"claim":"","value":"y"}`, "", "claim: invalid value"},
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
