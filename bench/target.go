package main

import (
	"fmt"
	"math"
	"time"

	"golang.org/x/perf/benchmath"
)

// A Target is a figure to reach, and whether it was reached.
type Target struct {
	What string
	Want string
	Got  string
	Met  bool
	// NotMeasured is true if there is no figure: it is neither met nor missed.
	NotMeasured bool `json:",omitempty"`
	// Uncertain is true if the limit is within the confidence interval.
	Uncertain bool   `json:",omitempty"`
	Why       string `json:",omitempty"` // if missed: what the time is spent on
}

func (t Target) verdict() string {
	verdict := "**missed**"
	switch {
	case t.NotMeasured:
		return notMeasured
	case t.Met:
		verdict = "met"
	}
	if t.Uncertain {
		verdict += ", within the noise"
	}
	return verdict
}

// atLeast is a target of so many times as fast.
func atLeast(what string, times float64, got benchmath.Summary, why string) Target {
	t := Target{What: what, Want: "at least " + number(times) + " times as fast", Got: withInterval(number(got.Center)+" times", got)}
	return t.judge(got, times, got.Center >= times, why)
}

// atMost is a target of at most so many times as long.
func atMost(what string, times float64, got benchmath.Summary, why string) Target {
	t := Target{What: what, Want: "at most " + number(times) + " times as long", Got: withInterval(number(got.Center)+" times", got)}
	return t.judge(got, times, got.Center <= times, why)
}

// below is a target in nanoseconds or bytes, or as a share.
func below(what string, limit float64, got benchmath.Summary, write func(float64) string, why string) Target {
	t := Target{What: what, Want: "less than " + write(limit), Got: withInterval(write(got.Center), got)}
	return t.judge(got, limit, got.Center < limit, why)
}

// value is a figure without an interval.
func value(v float64) benchmath.Summary {
	return benchmath.Summary{Center: v, Lo: math.Inf(-1), Hi: math.Inf(1)}
}

func (t Target) judge(got benchmath.Summary, limit float64, met bool, why string) Target {
	t.NotMeasured = math.IsNaN(got.Center) || math.IsInf(got.Center, 0)
	if t.NotMeasured {
		t.Got = ""
		return t
	}
	t.Met = met
	t.Uncertain = hasInterval(got) && got.Lo < limit && limit < got.Hi
	if !t.Met {
		t.Why = why
	}
	return t
}

// tolerance is the difference from the SDK for Go, with the same algorithm,
// that does not count even if it is significant.
const tolerance = 0.05

// rsaTarget is missed if the signer is slower than the SDK significantly and by
// more than the tolerance: both spend their time in crypto/rsa.
func (b *bench) rsaTarget() Target {
	ours, sdk := alternating("RSA-SHA1", "signer"), alternating("RSA-SHA1", "SDK")
	got := b.ratio(sdk, ours)
	t := Target{
		What: "a new RSA signature, against the SDK for Go", Want: "not slower, significantly and by more than " + percent(tolerance),
		Got: withInterval(number(got.Center)+" times as fast", got),
	}
	if math.IsNaN(got.Center) {
		return t.judge(got, 1, false, "")
	}
	difference := b.compare(ours, sdk)
	t.Got += " (" + difference.String() + ")"
	met := got.Center >= 1-tolerance || difference.P >= difference.Alpha && len(b.samples[ours]) > 3
	return t.judge(value(got.Center), 1, met, "Both sign with crypto/rsa, which takes "+duration(b.median("signature/Bare/sign/RSA_2048"))+" alone.")
}

// targets judges what was measured. Ratios to others are of this run.
func (b *bench) targets() []Target {
	ratio := b.ratio
	cold := "cold/" + oursECDSA
	warm := func(runtime, theirs string) Target {
		loop, theirLoop := b.median("request/"+emptyGo), b.median("loop/"+theirs)
		ours, their := b.median("request/cached"), b.median("request/"+theirs)
		return atLeast("a warm request, against the function in "+runtime, 50, ratio("request/"+theirs, "request/cached"),
			fmt.Sprintf("A warm request takes %s, of which the Runtime API's loop and one log line take %s; in %s the loop takes %s. No handler can save these. Without them it is %s against %s: %s times as fast. In a benchmark without pauses the signer takes %s from the event's bytes to the response's.",
				duration(ours), duration(loop), runtime, duration(theirLoop),
				duration(ours-loop), duration(their-theirLoop), number((their-theirLoop)/(ours-loop)),
				duration(b.median("request/Invocation"))))
	}
	targets := []Target{
		atMost("a new signature with default settings (ECDSA P-256, SHA-256), against the bare signature of crypto/ecdsa", 1.2,
			ratio(alternating("ECDSA-SHA256", "signer"), alternating("ECDSA-SHA256", "bare")), ""),
		atLeast("the same, against the SDK for Go", 9, ratio(alternating("ECDSA-SHA256", "SDK"), alternating("ECDSA-SHA256", "signer")), ""),
		atLeast("the same, against the SDK for JavaScript", 9, ratio(nodeSignature, newSignature), ""),
		atLeast("the same, against botocore", 9, ratio(pySignature, newSignature),
			fmt.Sprintf("crypto/ecdsa alone takes %s: %s times as fast as botocore.", duration(b.median("signature/Bare/sign/ECDSA_P256")), number(ratio(pySignature, "signature/Bare/sign/ECDSA_P256").Center))),
		atLeast("a cached signature, against the SDK for Go", 500, ratio(sdkSignature, cachedSignature), ""),
		b.rsaTarget(),
		warm("Node", nodeBlog),
		warm("Python", pythonBlog),
		below("a cold start, as a share of that in Python", 1./5, ratio(cold, "cold/"+pythonBlog), percent, ""),
		below("a cold start, as a share of that in Node", 1./2, ratio(cold, "cold/"+nodeBlog), percent, ""),
		atMost("a cold start, against a Go function that only logs", 1.6, ratio(cold, "cold/"+emptyGo), b.startParts()),
		below("the signer's binary", 10e6, value(b.median("size/binary")), size, ""),
		below("the signer's peak memory", 40e6, value(b.median("peak/"+oursECDSA)), size, ""),
		below("the edge's check, cached", 5e3, value(b.largest(edgeNames("cached")...)), duration, ""),
		below("the edge's check, new ECDSA signature", 60e3, value(b.largest(edgeNames("ECDSA")...)), duration, b.verification()),
		below("`cdk synth` again", float64(3*time.Second), summarize(b.samples["synthesis/warm"]), duration,
			fmt.Sprintf("npx and the CDK's command line take %s without the app; an app without a stack takes %s, to load the CDK's code.",
				duration(b.median("synthesis/cli")), duration(b.median("synthesis/empty")))),
	}
	if b.clone {
		targets = append(targets, below("a fresh clone to a playing video, all caches empty", float64(time.Minute), summarize(b.samples["clone/empty"]), duration,
			"With the Go modules already downloaded it takes "+duration(b.median("clone/modules"))+"."))
	}
	return targets
}

// verification says how long the verification of an ECDSA signature takes
// elsewhere.
func (b *bench) verification() string {
	text := "The standard library alone verifies an ECDSA signature in " + duration(b.median("edge/Bare/verify/ECDSA_P256"))
	if openssl := "signature/openssl/verify/ECDSA_P256"; len(b.samples[openssl]) > 0 {
		text += ", OpenSSL in " + duration(b.median(openssl))
	}
	return text + " on this machine."
}
