package kms_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"

	"premiumhls/local/kms"
)

// serve starts a service and returns it with a client that tries once.
func serve(t *testing.T) (*kms.Service, *awskms.Client) {
	t.Helper()
	service := kms.New()
	server := httptest.NewServer(service)
	t.Cleanup(server.Close)
	return service, awskms.New(awskms.Options{
		Region:           "us-east-1",
		BaseEndpoint:     aws.String(server.URL),
		Credentials:      credentials.NewStaticCredentialsProvider("local", "local", ""),
		RetryMaxAttempts: 1,
	})
}

func sign(id string, typ types.MessageType, message []byte) *awskms.SignInput {
	return &awskms.SignInput{
		KeyId:            &id,
		Message:          message,
		MessageType:      typ,
		SigningAlgorithm: types.SigningAlgorithmSpecRsassaPkcs1V15Sha256,
	}
}

func code(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return fmt.Sprint(err)
}

func publicKey(t *testing.T, client *awskms.Client, id string) (crypto.PublicKey, *awskms.GetPublicKeyOutput) {
	t.Helper()
	out, err := client.GetPublicKey(t.Context(), &awskms.GetPublicKeyInput{KeyId: &id})
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.ParsePKIXPublicKey(out.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return public, out
}

func TestSign(t *testing.T) {
	service, client := serve(t)
	arn := service.CreateKey()
	_, id, _ := strings.Cut(arn, "key/")
	message := []byte(`{"Statement":[]}`)
	digest := sha256.Sum256(message)

	public, described := publicKey(t, client, id)
	if *described.KeyId != arn || described.KeySpec != types.KeySpecRsa2048 || described.KeyUsage != types.KeyUsageTypeSignVerify {
		t.Errorf("GetPublicKey = %s, %s, %s", *described.KeyId, described.KeySpec, described.KeyUsage)
	}
	rsaKey, ok := public.(*rsa.PublicKey)
	if !ok || rsaKey.N.BitLen() != 2048 {
		t.Fatalf("public key is a %T", public)
	}

	for _, c := range []struct {
		title string
		in    *awskms.SignInput
	}{
		{"a digest", sign(arn, types.MessageTypeDigest, digest[:])},
		{"a raw message", sign(arn, types.MessageTypeRaw, message)},
		{"no message type", sign(arn, "", message)},
		{"by the key's id", sign(id, types.MessageTypeDigest, digest[:])},
	} {
		t.Run(c.title, func(t *testing.T) {
			out, err := client.Sign(t.Context(), c.in)
			if err != nil {
				t.Fatal(err)
			}
			if *out.KeyId != arn || out.SigningAlgorithm != c.in.SigningAlgorithm {
				t.Errorf("signed by %s with %s", *out.KeyId, out.SigningAlgorithm)
			}
			if err := rsa.VerifyPKCS1v15(rsaKey, crypto.SHA256, digest[:], out.Signature); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestKeysDiffer(t *testing.T) {
	service, client := serve(t)
	one, _ := publicKey(t, client, service.CreateKey())
	two, _ := publicKey(t, client, service.CreateKey())
	if one.(*rsa.PublicKey).Equal(two) {
		t.Error("two keys are the same")
	}
}

// A swapped key's signatures verify with the other key's public key only.
func TestSwap(t *testing.T) {
	service, client := serve(t)
	one, two := service.CreateKey(), service.CreateKey()
	before, ok := service.PublicKey(one)
	if !ok {
		t.Fatal("the key has no public half")
	}
	if !service.Swap(one, two) {
		t.Fatal("not swapped")
	}
	digest := sha256.Sum256([]byte("message"))
	out, err := client.Sign(t.Context(), sign(one, types.MessageTypeDigest, digest[:]))
	if err != nil {
		t.Fatal(err)
	}
	if rsa.VerifyPKCS1v15(before.(*rsa.PublicKey), crypto.SHA256, digest[:], out.Signature) == nil {
		t.Error("the key still signs as before")
	}
	after, _ := publicKey(t, client, one)
	if err := rsa.VerifyPKCS1v15(after.(*rsa.PublicKey), crypto.SHA256, digest[:], out.Signature); err != nil {
		t.Error(err)
	}
	if other, err := service.CreateKeyOf(kms.RSA3072, kms.SignVerify); err != nil || service.Swap(one, other) || service.Swap(one, "none") {
		t.Errorf("swapped with another spec or with none (%v)", err)
	}
	if _, ok := service.PublicKey("none"); ok {
		t.Error("no key has a public half")
	}
}

func TestOtherKeys(t *testing.T) {
	service, client := serve(t)
	for _, c := range []struct {
		spec, usage string
		algorithm   types.SigningAlgorithmSpec // empty: does not sign
	}{
		{kms.RSA3072, kms.SignVerify, types.SigningAlgorithmSpecRsassaPkcs1V15Sha256},
		{kms.P256, kms.SignVerify, types.SigningAlgorithmSpecEcdsaSha256},
		{kms.RSA2048, kms.EncryptDecrypt, ""},
	} {
		t.Run(c.spec+" "+c.usage, func(t *testing.T) {
			arn, err := service.CreateKeyOf(c.spec, c.usage)
			if err != nil {
				t.Fatal(err)
			}
			public, described := publicKey(t, client, arn)
			if string(described.KeySpec) != c.spec || string(described.KeyUsage) != c.usage {
				t.Errorf("GetPublicKey = %s, %s", described.KeySpec, described.KeyUsage)
			}
			if signs := len(described.SigningAlgorithms) > 0; signs != (c.algorithm != "") {
				t.Errorf("signs with %s", described.SigningAlgorithms)
			}
			message := []byte("message")
			in := sign(arn, types.MessageTypeRaw, message)
			if c.algorithm == "" {
				if _, err := client.Sign(t.Context(), in); code(err) != "InvalidKeyUsageException" {
					t.Errorf("Sign: %v, want InvalidKeyUsageException", err)
				}
				return
			}
			in.SigningAlgorithm = c.algorithm
			out, err := client.Sign(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			digest := sha256.Sum256(message)
			switch public := public.(type) {
			case *ecdsa.PublicKey:
				if !ecdsa.VerifyASN1(public, digest[:], out.Signature) {
					t.Error("signature is not valid")
				}
			case *rsa.PublicKey:
				if err := rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], out.Signature); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for _, c := range []struct{ spec, usage string }{
		{"SYMMETRIC_DEFAULT", kms.EncryptDecrypt},
		{kms.P256, kms.EncryptDecrypt},
		{kms.RSA2048, "GENERATE_VERIFY_MAC"},
	} {
		if arn, err := service.CreateKeyOf(c.spec, c.usage); err == nil {
			t.Errorf("%s %s was made: %s", c.spec, c.usage, arn)
		}
	}
}

func TestRefusals(t *testing.T) {
	service, client := serve(t)
	arn := service.CreateKey()
	const gone = "arn:aws:kms:us-east-1:111122223333:key/11111111-2222-4333-8444-555555555555"
	digest := make([]byte, sha256.Size)
	otherAlgorithm := sign(arn, types.MessageTypeDigest, digest)
	otherAlgorithm.SigningAlgorithm = types.SigningAlgorithmSpecEcdsaSha256

	for _, c := range []struct {
		title string
		in    *awskms.SignInput
		code  string
	}{
		{"no such key", sign(gone, types.MessageTypeDigest, digest), "NotFoundException"},
		{"not a key's name", sign("alias/none", types.MessageTypeDigest, digest), "NotFoundException"},
		{"an algorithm of other keys", otherAlgorithm, "InvalidKeyUsageException"},
		{"a short digest", sign(arn, types.MessageTypeDigest, digest[1:]), "ValidationException"},
		{"an unknown message type", sign(arn, "HASH", digest), "ValidationException"},
		{"an empty message", sign(arn, types.MessageTypeRaw, []byte{}), "ValidationException"},
		{"a message too long", sign(arn, types.MessageTypeRaw, make([]byte, 4097)), "ValidationException"},
	} {
		t.Run(c.title, func(t *testing.T) {
			if _, err := client.Sign(t.Context(), c.in); code(err) != c.code {
				t.Errorf("error %v, want %s", err, c.code)
			}
		})
	}
	if _, err := client.Sign(t.Context(), sign(arn, types.MessageTypeRaw, make([]byte, 4096))); err != nil {
		t.Errorf("the longest message: %v", err)
	}

	_, err := client.GetPublicKey(t.Context(), &awskms.GetPublicKeyInput{KeyId: aws.String(gone)})
	if missing, ok := errors.AsType[*types.NotFoundException](err); !ok || !strings.Contains(missing.ErrorMessage(), gone) {
		t.Errorf("GetPublicKey: %v, want a NotFoundException that names the key", err)
	}
	if _, err := client.DescribeKey(t.Context(), &awskms.DescribeKeyInput{KeyId: &arn}); code(err) != "UnknownOperationException" {
		t.Errorf("DescribeKey: %v", err)
	}
}

func TestStates(t *testing.T) {
	service, client := serve(t)
	arn := service.CreateKey()
	for _, c := range []struct {
		state kms.State
		code  string
	}{
		{kms.Disabled, "DisabledException"},
		{kms.PendingDeletion, "KMSInvalidStateException"},
		{kms.Enabled, "<nil>"},
	} {
		t.Run(string(c.state), func(t *testing.T) {
			if !service.SetState(arn, c.state) {
				t.Fatal("no such key")
			}
			if _, err := client.Sign(t.Context(), sign(arn, types.MessageTypeRaw, []byte("message"))); code(err) != c.code {
				t.Errorf("Sign: %v, want %s", err, c.code)
			}
			if _, err := client.GetPublicKey(t.Context(), &awskms.GetPublicKeyInput{KeyId: &arn}); code(err) != c.code {
				t.Errorf("GetPublicKey: %v, want %s", err, c.code)
			}
		})
	}
	if service.SetState(arn+"0", kms.Disabled) {
		t.Error("the state of no key was set")
	}
}

func TestFaults(t *testing.T) {
	service, client := serve(t)
	arn := service.CreateKey()
	call := func(ctx context.Context) error {
		_, err := client.Sign(ctx, sign(arn, types.MessageTypeRaw, []byte("message")))
		return err
	}
	for _, c := range []struct {
		title string
		fault kms.Fault
		code  string // empty: the SDK has no code for it
	}{
		{"throttled", kms.Fault{Code: "ThrottlingException", Message: "Rate exceeded"}, "ThrottlingException"},
		{"denied", kms.Fault{Code: "AccessDeniedException"}, "AccessDeniedException"},
		{"broken", kms.Fault{Code: "KMSInternalException", Status: http.StatusInternalServerError}, "KMSInternalException"},
		{"cut", kms.Fault{Cut: true}, ""},
		{"truncated", kms.Fault{Truncate: true}, ""},
	} {
		t.Run(c.title, func(t *testing.T) {
			service.SetFault(func(operation string) kms.Fault {
				if operation != "Sign" {
					return kms.Fault{}
				}
				return c.fault
			})
			defer service.SetFault(nil)
			err := call(t.Context())
			if err == nil || c.code != "" && code(err) != c.code {
				t.Errorf("error %v, want %s", err, c.code)
			}
			if c.fault.Message != "" && !strings.Contains(fmt.Sprint(err), c.fault.Message) {
				t.Errorf("error %v does not say %q", err, c.fault.Message)
			}
			publicKey(t, client, arn) // is not meant
		})
	}

	t.Run("delayed", func(t *testing.T) {
		ctx, leave := context.WithCancel(t.Context())
		service.SetFault(func(string) kms.Fault {
			leave()
			return kms.Fault{Delay: time.Hour}
		})
		if err := call(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want context.Canceled", err)
		}
	})

	service.SetFault(nil)
	if err := call(t.Context()); err != nil {
		t.Errorf("without a fault: %v", err)
	}
}

func TestCallsAreCounted(t *testing.T) {
	service, client := serve(t)
	arn := service.CreateKey()
	publicKey(t, client, arn)
	service.SetFault(func(string) kms.Fault { return kms.Fault{Code: "ThrottlingException"} })
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			_, _ = client.Sign(t.Context(), sign(arn, types.MessageTypeRaw, []byte("message")))
		})
	}
	group.Wait()
	if n := service.Calls("Sign"); n != 4 {
		t.Errorf("%d calls of Sign, want 4", n)
	}
	if n := service.Calls("GetPublicKey"); n != 1 {
		t.Errorf("%d calls of GetPublicKey, want 1", n)
	}
}

// Only calls of the SDK may reach a key, never a request from a web page.
func TestOnlyCallsOfKMS(t *testing.T) {
	service := kms.New()
	arn := service.CreateKey()
	for _, c := range []struct{ title, method, target, media, body string }{
		{"a form's media type", http.MethodPost, "TrentService.GetPublicKey", "text/plain", `{"KeyId":"` + arn + `"}`},
		{"another service", http.MethodPost, "AmazonSSM.GetParameter", "application/x-amz-json-1.1", `{}`},
		{"GET", http.MethodGet, "TrentService.GetPublicKey", "application/x-amz-json-1.1", `{"KeyId":"` + arn + `"}`},
		{"not JSON", http.MethodPost, "TrentService.GetPublicKey", "application/x-amz-json-1.1", `{`},
		{"too long", http.MethodPost, "TrentService.GetPublicKey", "application/x-amz-json-1.1", `{"KeyId":"` + arn + `"}` + strings.Repeat(" ", 64<<10)},
	} {
		t.Run(c.title, func(t *testing.T) {
			r := httptest.NewRequest(c.method, "/", strings.NewReader(c.body))
			r.Header.Set("X-Amz-Target", c.target)
			r.Header.Set("Content-Type", c.media)
			w := httptest.NewRecorder()
			service.ServeHTTP(w, r)
			if w.Code != http.StatusBadRequest {
				t.Errorf("status %d: %s", w.Code, w.Body)
			}
		})
	}
}
