package assembly_test

import (
	"os/exec"
	"strings"
	"testing"
)

// The command must start in seconds in a fresh clone, and the CDK takes a
// minute to compile: only the app of its own links it.
func TestCommandDoesNotLinkTheCDK(t *testing.T) {
	for pkg, want := range map[string]bool{"premiumhls/cmd/premium": false, "premiumhls": true} {
		output, err := exec.Command("go", "list", "-deps", pkg).Output()
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(string(output), "github.com/aws/aws-cdk-go/"); got != want {
			t.Errorf("%s links the CDK: %t, want %t", pkg, got, want)
		}
	}
}
