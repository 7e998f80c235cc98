package stacks

import (
	"context"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"premiumhls/internal/rotation"
	"premiumhls/stacks/settings"
)

// checkRotation refuses a list of signing keys that would refuse viewers of
// the stack that is deployed, where the CDK's command line has credentials to
// look. Where it cannot look, the deploy itself refuses the list.
func checkRotation(ctx context.Context, s settings.Settings) error {
	region := os.Getenv("CDK_DEFAULT_REGION")
	if os.Getenv("CDK_DEFAULT_ACCOUNT") == "" || region == "" || s.EndAllCookies {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(region), config.WithRetryMaxAttempts(2))
	if err != nil {
		return nil
	}
	out, err := ssm.NewFromConfig(cfg).GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String(parameter(s, "signer"))})
	if err != nil {
		return nil // nothing is deployed, or it cannot be read from here
	}
	var wanted []rotation.Key
	for _, key := range s.Keys() {
		wanted = append(wanted, rotation.Key{Name: key.Name, Custody: key.Custody, Type: key.Type})
	}
	deployed, err := rotation.ParseDeployed(aws.ToString(out.Parameter.Value), wanted)
	if err != nil {
		return nil
	}
	return rotation.Check(deployed, wanted, time.Now(), rotation.Times{
		Wait: time.Duration(s.KeyWaitMinutes) * time.Minute,
		Live: time.Duration(s.CookieLiveMinutes()) * time.Minute,
	})
}
