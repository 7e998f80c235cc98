// Package quiet keeps the CDK from printing a screenful about the age of Node,
// of which version 20 is enough. The CDK's runtime reads its environment while
// packages are initialized, so this must be too: it imports nothing but os, and
// is therefore ready before.
package quiet

import "os"

func init() {
	os.Setenv("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20,21,22,23")
}
