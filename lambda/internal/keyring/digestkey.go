package keyring

// DigestKey returns the secret key of the digests that stand for viewers and
// addresses in the log. It is empty if s is nil and if the parameter does not
// exist; the log then names no viewer.
func (s *Snapshot) DigestKey() []byte {
	if s == nil {
		return nil
	}
	return []byte(s.parameters.ViewerHashKey)
}
