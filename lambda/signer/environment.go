package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"premiumhls/internal/metric"
	"premiumhls/internal/premiumpath"
	"premiumhls/lambda/internal/keyring"
)

// environment is the function's settings, as its environment variables have
// them.
type environment struct {
	parameterPrefix string           // PARAMETER_PREFIX: the parameters' common beginning, /PremiumHls
	signingKeys     []signingKey     // SIGNING_KEYS: the keys that are not in KMS, parted by commas: 2026-11, or 2026-12=/my/parameter
	premium         premiumpath.Path // PREMIUM_PATH: where the premium behavior begins
	lifetime        time.Duration    // COOKIE_LIFE: how long cookies last at least, in whole seconds
	step            time.Duration    // COOKIE_STEP: what their end is rounded up to, in whole seconds
	sameSite        string           // COOKIE_SAME_SITE: Lax, Strict or None
	cookieDomain    string           // COOKIE_DOMAIN: the cookies' Domain; empty: the host's own
	valuesInBody    bool             // COOKIE_VALUES_IN_BODY: whether the answer's body has the cookies too
	bindAddress     bool             // BIND_VIEWER_ADDRESS: whether cookies work from the viewer's address only
	keyWait         time.Duration    // KEY_WAIT: how long a new key is trusted before it signs
	keyRefresh      time.Duration    // KEY_REFRESH: how often the parameters are read anew
	plainViewers    bool             // LOG_VIEWERS: plain or hashed, how the log names a viewer
	metrics         metric.Recorder  // METRICS_STACK: the stack that metrics are told of; empty: none are
}

// signingKey is a key by its name, and the parameter that holds it where that
// is not the stack's own for the name.
type signingKey = keyring.KeyParameter

var (
	prefixForm = regexp.MustCompile(`^(/[A-Za-z0-9_.-]+)+$`)
	nameForm   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]*$`)
	domainForm = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]([a-z0-9-]*[a-z0-9])?$`)
)

// parseEnvironment reads the settings and reports every one that is wrong.
func parseEnvironment(getenv func(string) string) (environment, error) {
	r := reader{getenv: getenv}
	e := environment{
		parameterPrefix: r.text("PARAMETER_PREFIX", ""),
		signingKeys:     r.signingKeys("SIGNING_KEYS"),
		lifetime:        r.seconds("COOKIE_LIFE", time.Hour, time.Second, 7*24*time.Hour),
		step:            r.seconds("COOKIE_STEP", 5*time.Minute, time.Second, 24*time.Hour),
		sameSite:        r.text("COOKIE_SAME_SITE", "Lax"),
		cookieDomain:    r.text("COOKIE_DOMAIN", ""),
		valuesInBody:    r.boolean("COOKIE_VALUES_IN_BODY", true),
		bindAddress:     r.boolean("BIND_VIEWER_ADDRESS", false),
		keyWait:         r.duration("KEY_WAIT", 10*time.Minute, 0, 24*time.Hour),
		keyRefresh:      r.duration("KEY_REFRESH", 5*time.Minute, 100*time.Millisecond, time.Hour),
		metrics:         metric.New(r.text("METRICS_STACK", "")),
	}
	r.check(prefixForm.MatchString(e.parameterPrefix),
		"PARAMETER_PREFIX is %q: it must begin with a slash and not end in one, such as /PremiumHls", e.parameterPrefix)
	for _, key := range e.signingKeys {
		r.check(!strings.HasPrefix(key.Parameter, e.parameterPrefix+"/"),
			"SIGNING_KEYS has the parameter %q, which is one of the stack's own", key.Parameter)
	}
	var err error
	text := r.text("PREMIUM_PATH", "premium")
	e.premium, err = premiumpath.Parse(text)
	r.check(err == nil, "PREMIUM_PATH is %q: it must be segments of A-Z a-z 0-9 - . _ ~, such as premium", text)
	r.check(e.step <= e.lifetime || e.lifetime == 0, "COOKIE_STEP is more than COOKIE_LIFE")
	r.check(slices.Contains([]string{"Lax", "Strict", "None"}, e.sameSite),
		"COOKIE_SAME_SITE is %q: it must be Lax, Strict or None", e.sameSite)
	r.check(e.cookieDomain == "" || domainForm.MatchString(e.cookieDomain),
		"COOKIE_DOMAIN is %q: it must be a domain name in lower case, such as example.com", e.cookieDomain)
	viewers := r.text("LOG_VIEWERS", "hashed")
	e.plainViewers = viewers == "plain"
	r.check(e.plainViewers || viewers == "hashed", "LOG_VIEWERS is %q: it must be plain or hashed", viewers)
	if err := errors.Join(r.wrong...); err != nil {
		return environment{}, err
	}
	return e, nil
}

// reader reads variables and collects what is wrong with them.
type reader struct {
	getenv func(string) string
	wrong  []error
}

func (r *reader) check(ok bool, format string, args ...any) {
	if !ok {
		r.wrong = append(r.wrong, fmt.Errorf(format, args...))
	}
}

func (r *reader) text(name, otherwise string) string {
	if value := r.getenv(name); value != "" {
		return value
	}
	return otherwise
}

// signingKeys reads a list of keys, which is empty where all are in KMS.
func (r *reader) signingKeys(variable string) []signingKey {
	text := r.getenv(variable)
	if text == "" {
		return nil
	}
	var keys []signingKey
	for item := range strings.SplitSeq(text, ",") {
		name, parameter, external := strings.Cut(item, "=")
		r.check(nameForm.MatchString(name), "%s has the name %q: a name is letters, digits, - . and _", variable, name)
		r.check(!external || prefixForm.MatchString(parameter),
			"%s has the parameter %q: it must begin with a slash and not end in one, such as /my/key", variable, parameter)
		for _, key := range keys {
			r.check(key.Key != name, "%s has the name %q twice", variable, name)
			r.check(!external || key.Parameter != parameter, "%s has the parameter %q twice", variable, parameter)
		}
		keys = append(keys, signingKey{Key: name, Parameter: parameter})
	}
	r.check(len(keys) <= keyring.MaxKeys, "%s has %d names: a key group holds at most %d", variable, len(keys), keyring.MaxKeys)
	return keys
}

// duration reads a time as Go writes it, 1h30m or 500ms.
func (r *reader) duration(name string, otherwise, least, most time.Duration) time.Duration {
	text := r.text(name, otherwise.String())
	d, err := time.ParseDuration(text)
	r.check(err == nil && d >= least && d <= most, "%s is %q: it must be a time from %v to %v, such as %v", name, text, least, most, otherwise)
	return d
}

// seconds is duration for what the policy has in whole seconds.
func (r *reader) seconds(name string, otherwise, least, most time.Duration) time.Duration {
	d := r.duration(name, otherwise, least, most)
	r.check(d%time.Second == 0, "%s is %v: it must be whole seconds", name, d)
	return d
}

func (r *reader) boolean(name string, otherwise bool) bool {
	text := r.text(name, strconv.FormatBool(otherwise))
	r.check(text == "true" || text == "false", "%s is %q: it must be true or false", name, text)
	return text == "true"
}
