package keyring

import (
	"crypto/hmac"
	"crypto/sha256"
)

// DigestKey returns the secret key of the digests that stand for viewers and
// addresses in the log: that of the parameter for it, or one derived from the
// origin secret until a deploy has made that parameter. It is empty if s is
// nil.
func (s *Snapshot) DigestKey() []byte {
	if s == nil {
		return nil
	}
	if s.parameters.ViewerHashKey != "" {
		return []byte(s.parameters.ViewerHashKey)
	}
	mac := hmac.New(sha256.New, []byte(s.parameters.OriginSecret))
	mac.Write([]byte("viewers in the log"))
	return mac.Sum(nil)
}
