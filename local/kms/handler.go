package kms

import "premiumhls/local/jsonservice"

func (s *Service) call(operation string, body []byte, _ Fault) (any, error) {
	switch operation {
	case "GetPublicKey":
		return jsonservice.Decoded(body, s.getPublicKey)
	case "Sign":
		return jsonservice.Decoded(body, s.sign)
	}
	return nil, jsonservice.Unknown(operation)
}
