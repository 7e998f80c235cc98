// Package quiet turns off the CDK's warning of about twenty lines that Node 20 is
// at its end of life: it is the oldest version that works. The CDK's runtime
// reads its environment while packages are initialized. This package imports
// nothing but os, so it is initialized before.
package quiet

import "os"

func init() {
	os.Setenv("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20,21,22,23")
}
