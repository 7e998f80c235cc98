package keyring

import (
	"context"
	"maps"
)

// A Source reads the parameters for a [Ring]. It does not retry; the Ring does.
type Source interface {
	Fetch(ctx context.Context) (Parameters, error)
}

// Parameters is what a Source has read, not yet checked. It contains secrets and
// must not be logged.
type Parameters struct {
	// Settings is the JSON document that names the host and the keys.
	Settings string
	// State is the JSON document that records which keys are active; empty
	// until the first deploy has recorded it.
	State string
	// OriginSecret is what the distribution adds to each request, as
	// [signingkey.OriginSecrets] or one value.
	OriginSecret string
	// ViewerHashKey is the secret key of the digests of viewers in the log.
	ViewerHashKey string
	// PrivateKeys are the private keys that are not in KMS, in PEM, by the key's
	// name. A key that does not exist is missing.
	PrivateKeys map[string]string
}

func (p Parameters) equal(q Parameters) bool {
	return p.Settings == q.Settings && p.State == q.State && p.OriginSecret == q.OriginSecret && p.ViewerHashKey == q.ViewerHashKey && maps.Equal(p.PrivateKeys, q.PrivateKeys)
}
