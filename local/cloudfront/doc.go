// Package cloudfront serves a distribution on this machine as a CloudFront edge
// location does: an [http.Handler] that selects the behavior, checks signed
// cookies and signed URLs, runs CloudFront Functions, and forwards to origins.
// What is allowed is decided by package internal/cloudfront.
//
// With [Options.Cache] it caches and compresses responses as the behaviors'
// cache policies say. Signatures are checked on every request, cached or not.
package cloudfront
