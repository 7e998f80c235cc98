// Package browser_test watches in browsers: the page, the element, frames on other
// sites, and links in other people's players.
package browser_test

import (
	"testing"

	"premiumhls/test/sitetest"
)

func TestMain(m *testing.M) { sitetest.Main(m) }
