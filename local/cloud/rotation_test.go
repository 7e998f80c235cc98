package cloud

import (
	"encoding/json"
	"maps"
	"testing"
	"time"

	"premiumhls/internal/cfn"
)

func TestRotation(t *testing.T) {
	client := func(id string, rotation any) cfn.Resolved {
		return cfn.Resolved{PhysicalID: id, Type: "AWS::Cognito::UserPoolClient", Properties: map[string]any{"RefreshTokenRotation": rotation}}
	}
	got := rotation([]cfn.Resolved{
		client("minute", map[string]any{"Feature": "ENABLED", "RetryGracePeriodSeconds": json.Number("60")}),
		client("none", map[string]any{"Feature": "ENABLED"}),
		client("disabled", map[string]any{"Feature": "DISABLED", "RetryGracePeriodSeconds": json.Number("60")}),
		client("absent", nil),
		{PhysicalID: "pool", Type: "AWS::Cognito::UserPool", Properties: map[string]any{"RefreshTokenRotation": map[string]any{"Feature": "ENABLED"}}},
	})
	if want := map[string]time.Duration{"minute": time.Minute, "none": 0}; !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
