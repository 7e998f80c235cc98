package kms

import (
	"encoding/json"
	"strings"

	"premiumhls/local/jsonservice"
)

// resources returns the ARN of the key that a request names by ARN or id.
func resources(_ string, body []byte) []string {
	var in struct{ KeyId string }
	if json.Unmarshal(body, &in) != nil || in.KeyId == "" {
		return nil
	}
	return []string{arnPrefix + strings.TrimPrefix(in.KeyId, arnPrefix)}
}

func (s *Service) call(operation string, body []byte, _ Fault) (any, error) {
	switch operation {
	case "GetPublicKey":
		return jsonservice.Decoded(body, s.getPublicKey)
	case "Sign":
		return jsonservice.Decoded(body, s.sign)
	}
	return nil, jsonservice.Unknown(operation)
}
