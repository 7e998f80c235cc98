package cloud

import (
	"encoding/json"
	"time"

	"premiumhls/internal/cfn"
)

// rotation returns the grace periods of the user pool's clients with refresh
// token rotation, by client id (CloudFormation template reference,
// "AWS::Cognito::UserPoolClient RefreshTokenRotation").
func rotation(resources []cfn.Resolved) map[string]time.Duration {
	periods := map[string]time.Duration{}
	for _, r := range resources {
		if r.Type != "AWS::Cognito::UserPoolClient" {
			continue
		}
		property, _ := r.Properties["RefreshTokenRotation"].(map[string]any)
		if property["Feature"] != "ENABLED" {
			continue
		}
		seconds, _ := property["RetryGracePeriodSeconds"].(json.Number)
		n, _ := seconds.Int64() // absent: no grace period
		periods[r.PhysicalID] = time.Duration(n) * time.Second
	}
	return periods
}
