package stacks_test

import (
	"testing"

	"premiumhls/stacks/stacktest"
)

func TestMain(m *testing.M) { stacktest.Main(m) }

type assembly = stacktest.Assembly

var (
	synthesize        = stacktest.Synthesize
	synthesizeExactly = stacktest.SynthesizeExactly
	eachVariant       = stacktest.EachVariant
	variants          = stacktest.Variants
	get               = stacktest.Get
	text              = stacktest.JSON
	short             = stacktest.Short
	named             = stacktest.Named
)
