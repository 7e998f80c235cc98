package stacks

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"premiumhls/internal/rotation"
	"premiumhls/internal/signingkey"
	"premiumhls/stacks/settings"
)

// rotationTimes are the durations that a change of signing keys depends on.
func rotationTimes(s settings.Settings) rotation.Times {
	document := s.SignerDocument()
	return rotation.Times{
		Wait:     document.KeyWait(),
		Lifetime: document.LongestLifetime() + rotation.RefreshTime,
	}
}

// checkRotation returns a [*rotation.Refusal] if the signing keys would refuse
// viewers of the deployed stack. It looks only if the CDK's command line has
// credentials; otherwise the deploy itself refuses the keys.
func checkRotation(ctx context.Context, s settings.Settings) error {
	region := os.Getenv("CDK_DEFAULT_REGION")
	if os.Getenv("CDK_DEFAULT_ACCOUNT") == "" || region == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(region), config.WithRetryMaxAttempts(2))
	if err != nil {
		return nil
	}
	client := ssm.NewFromConfig(cfg)
	names := signingkey.Of(s.StackName)
	// read returns nothing for a parameter that does not exist, and an error
	// for one that cannot be read from here.
	read := func(name string) (string, error) {
		out, err := client.GetParameter(ctx, &ssm.GetParameterInput{Name: &name})
		if _, ok := errors.AsType[*types.ParameterNotFound](err); ok {
			return "", nil
		}
		if err != nil {
			return "", err
		}
		return aws.ToString(out.Parameter.Value), nil
	}
	signer, err := read(names.Signer())
	if err != nil || signer == "" {
		return nil
	}
	state, err := read(names.State())
	if err != nil {
		return nil
	}
	var wanted []rotation.Key
	for _, key := range stackKeys(s) {
		wanted = append(wanted, key.rotationKey())
	}
	deployed, err := rotation.Parse(signer, state, wanted)
	if err != nil {
		return nil
	}
	if err := rotation.CheckRevoked(deployed, wanted); err != nil || s.EndAllCookies {
		return err
	}
	return rotation.Check(deployed, wanted, time.Now(), rotationTimes(s))
}
