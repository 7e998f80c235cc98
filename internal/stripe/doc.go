// Package stripe reads Stripe's webhook events and checks and makes their
// signatures. It calls no API of Stripe's.
//
// Objects have the fields that the project uses, in the shape of API version
// [APIVersion] and, where that differs, of versions before 2025-03-31.basil.
package stripe

// APIVersion is the version whose shapes the events of this package have
// (Stripe docs, "Versioning"). Events of other versions are read too.
const APIVersion = "2026-09-30.endive"
