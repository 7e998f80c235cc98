// Package edge is a CloudFront edge on this machine: an [http.Handler] that
// enforces a distribution, as [Read] finds it in a template's resources, the
// way CloudFront does. It chooses behaviors, checks signed cookies and signed
// URLs, and asks origins for what it may give.
//
// Its rules are those of the CloudFront developer guide, named where they are
// applied. Where the guide says nothing it takes the stricter reading and says
// so: what the edge lets through, CloudFront lets through. The reverse does
// not hold, so a refusal here is no proof that CloudFront refuses.
//
// There is no cache, so every request reaches an origin, and no compression;
// neither changes what a viewer may get.
//
// The checks can be run without serving anything: see [Distribution.Route],
// [Distribution.Decide] and [Behavior.Decide].
package cloudfront
