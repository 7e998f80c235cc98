// Package keyring holds the keys and settings that the signer signs with.
//
// A [Source] reads them as text. A [Ring] checks and parses the text, caches the
// result in a [Snapshot] for as long as the container lives, and reads again in
// the background. Requests use the cached snapshot.
//
// # When a read fails
//
// A read retries for up to [Config.FetchTimeout]. The time limit of an attempt
// and the bound of the random pause after it double ("full jitter"). That suits
// the worst case, a thousand containers that start at once against a parameter
// store that takes 40 calls a second for the whole account: nearly all of the
// first attempts are throttled, and the next ones must be spread out and few
// enough that they do not starve each other. The client below does not retry:
// two nested retry loops would multiply.
//
// If a read fails with all its attempts, a later request starts another, after a
// pause that grows and has jitter as well, so that neither an outage nor a flood
// of requests becomes a flood of reads. Until then requests use the cached
// snapshot, however old. If there is no snapshot they get [ErrNoKeys] and the
// time after which to retry.
//
// # Keys in KMS
//
// A private key is in a parameter or in KMS. KMS does not reveal it: each
// signature is a call, which is retried like a read, within three seconds and
// the time that the request has left. After a failure the signer backs off from
// KMS for a pause that grows, and signing with that key returns an
// [UnavailableError] at once: the quota of Sign with RSA keys is shared by the
// whole account in a region. Therefore signatures are cached, and policies
// expire at few different times. Each signature is verified with the public key,
// which is read once and must be the one in the settings: CloudFront has that
// one.
package keyring
