package main

import (
	"cmp"
	"context"
	"crypto/rsa"
	"crypto/sha256"
	"testing"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"premiumhls/local/kms"
	"premiumhls/signedcookie"
)

const kmsType = "Custom::KMSPublicKey"

func kmsKeyOf(arn string) map[string]any {
	return map[string]any{"ServiceToken": "arn", "KeyId": arn}
}

// signWith signs as the signer does, with a key that only KMS has.
func (d *deployment) signWith(ctx context.Context, arn string, message []byte) []byte {
	d.t.Helper()
	client := awskms.New(awskms.Options{Region: "us-east-1", BaseEndpoint: &d.keysURL, Credentials: credentials.NewStaticCredentialsProvider("local", "local", "")})
	digest := sha256.Sum256(message)
	out, err := client.Sign(ctx, &awskms.SignInput{
		KeyId: aws.String(arn), Message: digest[:], MessageType: types.MessageTypeDigest,
		SigningAlgorithm: types.SigningAlgorithmSpecRsassaPkcs1V15Sha256,
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return out.Signature
}

func TestKMSPublicKeyLifecycle(t *testing.T) {
	d := deploy(t)
	arn := d.keys.CreateKey()
	properties := kmsKeyOf(arn)
	policy := []byte(`{"Statement":[]}`)
	signature := d.signWith(t.Context(), arn, policy)

	for _, e := range []cfn.Event{
		event(cfn.RequestCreate, kmsType, properties),
		event(cfn.RequestCreate, kmsType, properties),
		update(arn, kmsType, properties, properties),
	} {
		answer := d.succeed(e)
		text, _ := answer.Data["PublicKey"].(string)
		public, err := signedcookie.ParsePublicKey([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := signedcookie.Verify(public, signedcookie.SHA256, policy, signature); err != nil {
			t.Errorf("%s: the public key is not that of the key in KMS: %v", e.RequestType, err)
		}
		if canonical, _ := signedcookie.MarshalPublicKey(public.(*rsa.PublicKey)); string(canonical) != text {
			t.Errorf("%s: public key %q is not in the form that CloudFormation sees no change in", e.RequestType, text)
		}
		if answer.PhysicalResourceID != arn || len(answer.Data) != 3 || answer.NoEcho {
			t.Errorf("%s: id %q, data %v, NoEcho %t", e.RequestType, answer.PhysicalResourceID, answer.Data, answer.NoEcho)
		}
	}

	calls := d.keys.Calls("GetPublicKey")
	for range 2 {
		d.succeed(deletion(arn, kmsType, properties))
	}
	if d.keys.Calls("GetPublicKey") != calls {
		t.Error("a deletion asks KMS")
	}
	d.signWith(t.Context(), arn, policy) // is there still
	d.wantNames()
}

func TestKMSPublicKeyOfOtherKeys(t *testing.T) {
	for _, c := range []struct{ title, spec, usage string }{
		{"a longer key", kms.RSA3072, kms.SignVerify},
		{"a key that encrypts", kms.RSA2048, kms.EncryptDecrypt},
	} {
		t.Run(c.title, func(t *testing.T) {
			d := deploy(t)
			arn, err := d.keys.CreateKeyOf(c.spec, c.usage)
			if err != nil {
				t.Fatal(err)
			}
			failed := d.fail(event(cfn.RequestCreate, kmsType, kmsKeyOf(arn)), codeKMSKeySpec, arn, c.spec, c.usage)
			d.succeed(deletion(failed.PhysicalResourceID, kmsType, kmsKeyOf(arn)))
		})
	}
}

func TestKMSPublicKeyServiceErrors(t *testing.T) {
	const gone = "arn:aws:kms:us-east-1:111122223333:key/11111111-2222-4333-8444-555555555555"
	for _, c := range []struct {
		title  string
		key    string // empty: one that is there
		state  kms.State
		fault  kms.Fault
		reason string
	}{
		{title: "gone", key: gone, reason: "does not exist"},
		{title: "disabled", state: kms.Disabled, reason: "is disabled"},
		{title: "pending deletion", state: kms.PendingDeletion, reason: "is pending deletion"},
		{title: "denied", fault: kms.Fault{Code: "AccessDeniedException", Message: "not authorized to perform: kms:GetPublicKey"}, reason: "not authorized to perform: kms:GetPublicKey"},
		{title: "throttled", fault: kms.Fault{Code: "ThrottlingException", Message: "Rate exceeded"}, reason: "Rate exceeded"},
		{title: "cut", fault: kms.Fault{Cut: true}, reason: "reading the public half of KMS key"},
		{title: "truncated", fault: kms.Fault{Truncate: true}, reason: "reading the public half of KMS key"},
	} {
		t.Run(c.title, func(t *testing.T) {
			d := deploy(t)
			arn := c.key
			if arn == "" {
				arn = d.keys.CreateKey()
				d.keys.SetState(arn, cmp.Or(c.state, kms.Enabled))
			}
			d.keys.SetFault(func(string) kms.Fault { return c.fault })
			failed := d.fail(event(cfn.RequestCreate, kmsType, kmsKeyOf(arn)), arn, c.reason)
			d.succeed(deletion(failed.PhysicalResourceID, kmsType, kmsKeyOf(arn)))
		})
	}
}

// The other kind of key that CloudFront accepts.
func TestKMSPublicKeyOnACurve(t *testing.T) {
	d := deploy(t)
	arn, err := d.keys.CreateKeyOf(kms.P256, kms.SignVerify)
	if err != nil {
		t.Fatal(err)
	}
	answer := d.succeed(event(cfn.RequestCreate, kmsType, kmsKeyOf(arn)))
	text, _ := answer.Data["PublicKey"].(string)
	public, err := signedcookie.ParsePublicKey([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if typ, err := signedcookie.TypeOf(public); err != nil || typ != signedcookie.ECDSAP256 || answer.Data["KeyType"] != "ECDSA_P256" {
		t.Errorf("a %s (%v), KeyType %v", typ, err, answer.Data["KeyType"])
	}
}
