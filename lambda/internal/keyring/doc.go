// Package keyring holds the keys and settings that the signer signs with.
//
// A [Source] reads them as text; a [Ring] keeps what was read, judged and
// parsed, in a [Snapshot] for as long as the container lives, and reads again
// in the background. Requests use the snapshot there is.
//
// # When a read fails
//
// One read is tried again and again for up to [Config.FetchTimeout], each try
// with a time limit of its own that doubles, after a pause drawn anew from
// zero to a bound that doubles too ("full jitter"). That suits the worst case,
// a thousand containers starting at once against a parameter store that
// answers 40 calls a second for the whole account: the first tries all fall
// into one instant and nearly all are throttled, and what counts from then on
// is that the next ones are spread out and not so many that they starve each
// other. The client below tries once, therefore; two loops of retries, one
// inside the other, would multiply.
//
// What a container could not get within that time it tries to get again at a
// later request, after a pause that grows and is jittered as well, so that
// neither an outage nor a flood of requests becomes a flood of reads. Until
// then requests use the snapshot there is, however old; where there is none
// they get [ErrNoKeys] with the time after which to ask again.
//
// # Keys in KMS
//
// The private half of a key is in a parameter or in KMS. In KMS it cannot be
// read, and each signature is a call that can fail as a read can, and is tried
// again in the same way, within three seconds and the time that the request
// has left. While KMS fails it is left alone for a pause that grows, and what
// would be signed with that key gets an [UnavailableError] at once: Sign with
// RSA keys is limited for all of an account's region together. Signatures are
// therefore worth keeping, and so is it that policies end on the same few
// moments. Each signature is held against the public half, which is read once
// and must be the one that the settings tell of: CloudFront has that one.
package keyring
