package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"premiumhls/internal/deploycheck"
	"premiumhls/internal/premiumpath"
	"premiumhls/lambda/internal/awsjson"
	"premiumhls/signedcookie"
)

// An invoker calls Lambda functions, as an [awsjson.Client] does.
type invoker interface {
	Invoke(ctx context.Context, function string, payload []byte) ([]byte, error)
}

// sign requests cookies from the signer, made with a key, and checks that they
// are as deployed: the signer or its parameter may still be the former one.
func (v *visit) sign(ctx context.Context, k key) (cookies, *failure) {
	set, err := v.askSigner(ctx, k.name)
	if err != nil {
		return nil, &failure{check: checkSign, found: err.Error(),
			advice: "Check that the signer may read its parameters and use the key, and that the key exists and is enabled; the signer's log has more."}
	}
	c, err := browse(v.probe, set)
	if err != nil {
		return nil, &failure{check: checkSign, found: "unreadable cookies: " + err.Error(), advice: howToReport}
	}
	if err := v.inspect(c, k); err != nil {
		return nil, &failure{check: checkSign, found: err.Error(),
			advice: "The signer does not sign as deployed: check that nothing else writes its parameter, and deploy again."}
	}
	return c, nil
}

func (v *visit) askSigner(ctx context.Context, name string) ([]string, error) {
	question, err := json.Marshal(deploycheck.Request{DeployCheck: deploycheck.Parameters{Key: name}})
	if err != nil {
		return nil, err
	}
	raw, err := v.invoker.Invoke(ctx, v.signer, question)
	if failed, ok := errors.AsType[*awsjson.FunctionError](err); ok {
		return nil, fmt.Errorf("the signer failed: %s: %s", failed.Type, failed.Message)
	} else if err != nil {
		return nil, fmt.Errorf("calling the signer: %w", err)
	}
	var got deploycheck.Response
	if err := json.Unmarshal(raw, &got); err != nil || got.Refusal == "" && len(got.Cookies) == 0 {
		return nil, errors.New("the signer returned an invalid response: neither cookies nor a reason")
	}
	if got.Refusal != "" {
		return nil, errors.New(got.Refusal)
	}
	return got.Cookies, nil
}

// inspect compares the cookies that a browser would send with the deployed key
// and host.
func (v *visit) inspect(c cookies, k key) error {
	if id := c.value(signedcookie.KeyPairIDCookie); id != k.id {
		return fmt.Errorf("cookies have key pair id %q: must be %s", id, k.id)
	}
	if hash := cmp.Or(c.value(signedcookie.HashAlgorithmCookie), string(signedcookie.SHA1)); hash != string(k.hash) {
		return fmt.Errorf("cookies have a signature with %s: must be %s", hash, k.hash)
	}
	raw, err := signedcookie.Decode(c.value(signedcookie.PolicyCookie))
	if err != nil {
		return fmt.Errorf("decoding the policy: %w", err)
	}
	policy, err := signedcookie.ParsePolicy(raw)
	if err != nil {
		return fmt.Errorf("parsing the policy: %w", err)
	}
	premium, err := premiumpath.Parse(v.premium)
	if err != nil {
		return fmt.Errorf("the premium path %q: %w", v.premium, err)
	}
	folder, err := premiumpath.Parse(deploycheck.Folder)
	if err != nil {
		return err
	}
	if want := folder.Resource(v.host, premium); policy.Resource != want {
		return fmt.Errorf("policy for %s: must be for %s", policy.Resource, want)
	}
	return nil
}
