// Package cloudfront decides about requests as CloudFront does: which behavior a
// path selects, whether signed cookies or a signed URL allow it, and which
// headers, cookies and query parameters reach the origin. [Read] reads a
// distribution from the resources of a template. Nothing here serves HTTP or
// calls AWS: package local/cloudfront serves what this package decides, and
// package internal/explain explains it.
//
// The rules are those of the CloudFront developer guide, named where they are
// applied. Where the guide is silent, the stricter reading is used and a comment
// says so: what is allowed here, CloudFront allows. A request that is refused
// here may be allowed by CloudFront.
//
// See [Distribution.Route], [Distribution.Decide] and [Behavior.Decide].
package cloudfront
