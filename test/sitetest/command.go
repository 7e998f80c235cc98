package sitetest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"premiumhls/internal/localrun"
	"premiumhls/internal/signingkey"
	"premiumhls/local/iam"
	"premiumhls/stacks/stacktest"
)

// StripeSecret signs the events of a shop.
const StripeSecret = "whsec_0123456789abcdef"

// folder holds what is built once for all tests of a package.
var folder = sync.OnceValues(func() (string, error) { return os.MkdirTemp("", "premiumhls-test-") })

// Main runs the tests of a package with sites, and removes what they left behind.
// A TestMain calls it.
func Main(m *testing.M) {
	stacktest.Main(m, func() {
		if dir, err := folder(); err == nil {
			os.RemoveAll(dir)
		}
	})
}

var premium = sync.OnceValues(func() (string, error) {
	dir, err := folder()
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, "premium")
	if output, err := exec.Command("go", "build", "-ldflags", "-s -w", "-o", file, "premiumhls/cmd/premium").CombinedOutput(); err != nil {
		return "", fmt.Errorf("building cmd/premium: %w\n%s", err, output)
	}
	return file, nil
})

// Premium returns the file of the premium command.
func Premium(t testing.TB) string {
	t.Helper()
	file, err := premium()
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// Command returns a function that runs the premium command against a site, as
// one that premium local runs.
func (s *Site) Command() func(args ...string) {
	s.T.Helper()
	t := s.T.(*testing.T)
	premium := Premium(t)
	outputs, err := s.Outputs()
	if err != nil {
		t.Fatal(err)
	}
	run := localrun.Run{
		PID: os.Getpid(), Started: time.Now(), Site: s.Origin + "/", Stack: "PremiumHls", Region: "us-east-1",
		AccessKeyID: iam.Owner.AccessKeyID, SecretAccessKey: iam.Owner.SecretAccessKey,
		Endpoints: s.Endpoints(), Outputs: outputs, Resources: s.CloudFront(), Viewers: map[string]string{},
	}
	for _, v := range Viewers {
		run.Viewers[v.Username] = v.Subject
	}
	if endpoint, table := s.Table(); table != "" {
		run.Endpoints["DYNAMODB"] = endpoint
	}
	if key, ok := s.Parameters.Get(signingkey.Of("PremiumHls").PurchaseKey()); ok {
		run.Stripe = &localrun.Stripe{Secret: StripeSecret, PurchaseKey: key.Value}
	}
	cache := t.TempDir()
	before, set := os.LookupEnv("XDG_CACHE_HOME")
	os.Setenv("XDG_CACHE_HOME", cache) // only for a moment: Go's own cache is there, too
	remove, err := localrun.Write(run)
	if os.Unsetenv("XDG_CACHE_HOME"); set {
		os.Setenv("XDG_CACHE_HOME", before)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { remove() })
	return func(args ...string) {
		t.Helper()
		c := exec.CommandContext(t.Context(), premium, args...)
		c.Env = append(os.Environ(), "XDG_CACHE_HOME="+cache)
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("premium %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}
