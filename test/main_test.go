// Package test holds the tests that need more than one part of the project.
package test

import (
	"testing"

	"premiumhls/stacks/stacktest"
)

func TestMain(m *testing.M) { stacktest.Main(m) }

type assembly = stacktest.Assembly

var (
	synthesize  = stacktest.Synthesize
	eachVariant = stacktest.EachVariant
	variants    = stacktest.Variants
	get         = stacktest.Get
	text        = stacktest.JSON
)
