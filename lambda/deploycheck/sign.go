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

// sign has the signer make cookies with a key, and sees that they are what was
// deployed: a signer or a parameter may still be those from before.
func (v *visit) sign(ctx context.Context, k key) (cookies, *failure) {
	set, err := v.askSigner(ctx, k.name)
	if err != nil {
		return nil, &failure{check: checkSign, found: err.Error(),
			advice: "See that the signer may read its parameters and use the key, and that the key is there and enabled; its log has more."}
	}
	c, err := browse(v.probe, set)
	if err != nil {
		return nil, &failure{check: checkSign, found: "cookies that cannot be read: " + err.Error(), advice: howToReport}
	}
	if err := v.inspect(c, k); err != nil {
		return nil, &failure{check: checkSign, found: err.Error(),
			advice: "The signer does not sign what this deploy says: see that nothing else writes its parameter, and deploy again."}
	}
	return c, nil
}

func (v *visit) askSigner(ctx context.Context, name string) ([]string, error) {
	question, err := json.Marshal(deploycheck.Request{Proof: deploycheck.Question{Key: name}})
	if err != nil {
		return nil, err
	}
	raw, err := v.invoker.Invoke(ctx, v.signer, question)
	if failed, ok := errors.AsType[*awsjson.FunctionError](err); ok {
		return nil, fmt.Errorf("the signer failed: %s: %s", failed.Type, failed.Message)
	} else if err != nil {
		return nil, fmt.Errorf("the signer cannot be called: %w", err)
	}
	var got deploycheck.Answer
	if err := json.Unmarshal(raw, &got); err != nil || got.Refusal == "" && len(got.Cookies) == 0 {
		return nil, errors.New("the signer's answer has neither cookies nor a reason")
	}
	if got.Refusal != "" {
		return nil, errors.New(got.Refusal)
	}
	return got.Cookies, nil
}

// inspect holds the cookies that a browser would send against the key and the
// host that were deployed.
func (v *visit) inspect(c cookies, k key) error {
	if id := c.value(signedcookie.KeyPairIDCookie); id != k.id {
		return fmt.Errorf("cookies with the key pair id %q, and the key's is %s", id, k.id)
	}
	if hash := cmp.Or(c.value(signedcookie.HashAlgorithmCookie), string(signedcookie.SHA1)); hash != string(k.hash) {
		return fmt.Errorf("a signature with %s, and the key's hash is %s", hash, k.hash)
	}
	raw, err := signedcookie.Decode(c.value(signedcookie.PolicyCookie))
	if err != nil {
		return fmt.Errorf("a policy that does not decode: %w", err)
	}
	policy, err := signedcookie.ParsePolicy(raw)
	if err != nil {
		return fmt.Errorf("a policy that cannot be read: %w", err)
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
		return fmt.Errorf("a policy for %s, and viewers need one for %s", policy.Resource, want)
	}
	return nil
}
