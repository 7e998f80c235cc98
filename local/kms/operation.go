package kms

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
)

// algorithms are the supported signing algorithms by key spec: those of KMS with
// SHA-256 and without parameters.
var algorithms = map[string]string{
	RSA2048: "RSASSA_PKCS1_V1_5_SHA_256",
	RSA3072: "RSASSA_PKCS1_V1_5_SHA_256",
	P256:    "ECDSA_SHA_256",
}

const maxMessage = 4096 // bytes, of Sign

type getPublicKeyInput struct{ KeyId string }

func (s *Service) getPublicKey(in getPublicKeyInput) (any, error) {
	k, err := s.usable(in.KeyId)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKIXPublicKey(k.private.Public())
	if err != nil {
		return nil, fmt.Errorf("writing the public key: %w", err)
	}
	out := map[string]any{
		"KeyId":                 k.arn,
		"KeySpec":               k.spec,
		"CustomerMasterKeySpec": k.spec,
		"KeyUsage":              k.usage,
		"PublicKey":             der,
	}
	if k.usage == SignVerify {
		out["SigningAlgorithms"] = []string{algorithms[k.spec]}
	} else {
		out["EncryptionAlgorithms"] = []string{"RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"}
	}
	return out, nil
}

type signInput struct {
	KeyId, MessageType, SigningAlgorithm string
	Message                              []byte
}

func (s *Service) sign(in signInput) (any, error) {
	if n := len(in.Message); n == 0 || n > maxMessage {
		return nil, &Error{Code: "ValidationException", Message: fmt.Sprintf("1 validation error detected: Value at 'message' failed to satisfy constraint: Member must have length between 1 and %d", maxMessage)}
	}
	digest := in.Message
	switch in.MessageType {
	case "DIGEST":
		if len(digest) != sha256.Size {
			return nil, &Error{Code: "ValidationException", Message: "Digest is invalid length for algorithm " + in.SigningAlgorithm + "."}
		}
	case "RAW", "":
		sum := sha256.Sum256(in.Message)
		digest = sum[:]
	default:
		return nil, &Error{Code: "ValidationException", Message: fmt.Sprintf("1 validation error detected: Value '%s' at 'messageType' failed to satisfy constraint: Member must satisfy enum value set: [RAW, DIGEST]", in.MessageType)}
	}

	k, err := s.usable(in.KeyId)
	if err != nil {
		return nil, err
	}
	if k.usage != SignVerify {
		return nil, &Error{Code: "InvalidKeyUsageException", Message: fmt.Sprintf("%s key usage is %s which is not valid for Sign.", k.arn, k.usage)}
	}
	if in.SigningAlgorithm != algorithms[k.spec] {
		return nil, &Error{Code: "InvalidKeyUsageException", Message: fmt.Sprintf("Algorithm %s is incompatible with key spec %s.", in.SigningAlgorithm, k.spec)}
	}
	signature, err := k.private.Sign(rand.Reader, digest, crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	return map[string]any{"KeyId": k.arn, "Signature": signature, "SigningAlgorithm": in.SigningAlgorithm}, nil
}
