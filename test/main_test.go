// Package test holds the tests that need more than one part of the project.
package test

import (
	"testing"

	"premiumhls/local/cloud"
	"premiumhls/stacks/stacktest"
	"premiumhls/test/sitetest"
)

func TestMain(m *testing.M) { sitetest.Main(m) }

type assembly = stacktest.Assembly

var (
	synthesize  = stacktest.Synthesize
	eachVariant = stacktest.EachVariant
	variants    = stacktest.Variants
	get         = stacktest.Get
	text        = stacktest.JSON
)

// A site is one of sitetest, with what these tests ask of it besides.
type site struct{ *sitetest.Site }

func newSite(t testing.TB, changes map[string]any, options ...func(*cloud.Options)) *site {
	t.Helper()
	return &site{sitetest.New(t, changes, options...)}
}

func prepareSite(t testing.TB, changes map[string]any, options ...func(*cloud.Options)) *site {
	t.Helper()
	return &site{sitetest.Prepare(t, changes, options...)}
}
