package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"premiumhls/lambda/internal/keyring"
	"premiumhls/lambda/premiumpath"
)

// environment is the function's settings, as its environment variables have
// them.
type environment struct {
	parameterPrefix string           // PARAMETER_PREFIX: the parameters' common beginning, /PremiumHls
	signingKeys     []string         // SIGNING_KEYS: the keys' names, oldest first, parted by commas
	premium         premiumpath.Path // PREMIUM_PATH: where the premium behavior begins
	lifetime        time.Duration    // COOKIE_MINUTES: how long cookies last at least
	step            time.Duration    // COOKIE_STEP_MINUTES: what their end is rounded up to
	sameSite        string           // COOKIE_SAME_SITE: Lax, Strict or None
	cookieDomain    string           // COOKIE_DOMAIN: the cookies' Domain; empty: the host's own
	valuesInBody    bool             // COOKIE_VALUES_IN_BODY: whether the answer's body has the cookies too
	bindAddress     bool             // BIND_VIEWER_ADDRESS: whether cookies work from the viewer's address only
	keyWait         time.Duration    // KEY_WAIT_MINUTES: how long a new key is trusted before it signs
}

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
		signingKeys:     strings.Split(r.text("SIGNING_KEYS", ""), ","),
		lifetime:        r.minutes("COOKIE_MINUTES", 60, 1, 7*24*60),
		step:            r.minutes("COOKIE_STEP_MINUTES", 5, 1, 24*60),
		sameSite:        r.text("COOKIE_SAME_SITE", "Lax"),
		cookieDomain:    r.text("COOKIE_DOMAIN", ""),
		valuesInBody:    r.boolean("COOKIE_VALUES_IN_BODY", true),
		bindAddress:     r.boolean("BIND_VIEWER_ADDRESS", false),
		keyWait:         r.minutes("KEY_WAIT_MINUTES", 10, 0, 24*60),
	}
	r.check(prefixForm.MatchString(e.parameterPrefix),
		"PARAMETER_PREFIX is %q: it must begin with a slash and not end in one, such as /PremiumHls", e.parameterPrefix)
	r.check(len(e.signingKeys) <= keyring.MaxKeys,
		"SIGNING_KEYS has %d names: a key group holds at most %d", len(e.signingKeys), keyring.MaxKeys)
	r.check(getenv("SIGNING_KEYS") != "", "SIGNING_KEYS is not set: it must name a key at least")
	for i, name := range e.signingKeys {
		if name == "" && len(e.signingKeys) == 1 {
			break
		}
		r.check(nameForm.MatchString(name), "SIGNING_KEYS has the name %q: a name is letters, digits, - . and _", name)
		r.check(!slices.Contains(e.signingKeys[:i], name), "SIGNING_KEYS has the name %q twice", name)
	}
	var err error
	text := r.text("PREMIUM_PATH", "premium")
	e.premium, err = premiumpath.Parse(text)
	r.check(err == nil, "PREMIUM_PATH is %q: it must be segments of A-Z a-z 0-9 - . _ ~, such as premium", text)
	r.check(e.step <= e.lifetime || e.lifetime == 0, "COOKIE_STEP_MINUTES is more than COOKIE_MINUTES")
	r.check(slices.Contains([]string{"Lax", "Strict", "None"}, e.sameSite),
		"COOKIE_SAME_SITE is %q: it must be Lax, Strict or None", e.sameSite)
	r.check(e.cookieDomain == "" || domainForm.MatchString(e.cookieDomain),
		"COOKIE_DOMAIN is %q: it must be a domain name in lower case, such as example.com", e.cookieDomain)
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

func (r *reader) minutes(name string, otherwise, least, most int) time.Duration {
	text := r.text(name, strconv.Itoa(otherwise))
	n, err := strconv.Atoi(text)
	r.check(err == nil && n >= least && n <= most, "%s is %q: it must be a whole number from %d to %d", name, text, least, most)
	return time.Duration(n) * time.Minute
}

func (r *reader) boolean(name string, otherwise bool) bool {
	text := r.text(name, strconv.FormatBool(otherwise))
	r.check(text == "true" || text == "false", "%s is %q: it must be true or false", name, text)
	return text == "true"
}
