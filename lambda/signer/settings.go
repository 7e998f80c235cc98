package main

import (
	"fmt"
	"time"

	"premiumhls/internal/metric"
	"premiumhls/internal/premiumpath"
	"premiumhls/internal/signersettings"
)

// settings are the settings of the function as requests need them.
type settings struct {
	signersettings.Document
	premium  premiumpath.Path // where the premium behavior begins
	lifetime time.Duration    // minimum lifetime of cookies
	links    time.Duration    // minimum lifetime of links; 0: there are none
	step     time.Duration    // what expiry is rounded up to
	keyWait  time.Duration    // how long a key is trusted before it signs
	metrics  metric.Recorder
}

// parseSettings reads the settings from the environment.
func parseSettings(getenv func(string) string) (settings, error) {
	document, err := signersettings.Parse(getenv(signersettings.Variable))
	if err != nil {
		return settings{}, fmt.Errorf("environment variable %s: %w", signersettings.Variable, err)
	}
	premium, err := premiumpath.Parse(document.PremiumPath)
	if err != nil {
		return settings{}, err
	}
	return settings{
		Document: document,
		premium:  premium,
		lifetime: document.Lifetime(),
		links:    document.LinkLifetime(),
		step:     document.Step(),
		keyWait:  document.KeyWait(),
		metrics:  metric.New(document.MetricsStack),
	}, nil
}
