package main

import (
	"fmt"
	"math"
	"time"
)

// A Target is a figure that is aimed at, and whether it is met.
type Target struct {
	What string
	Want string
	Got  string
	Met  bool
	// Missing says that it was not measured: it is neither met nor missed.
	Missing bool   `json:",omitempty"`
	Rest    string `json:",omitempty"` // where it is missed, what the rest is made of
}

func (t Target) verdict() string {
	switch {
	case t.Missing:
		return notMeasured
	case t.Met:
		return "met"
	}
	return "**missed**"
}

// atLeast is a target of so many times as fast.
func atLeast(what string, times, got float64, rest string) Target {
	t := Target{What: what, Want: "at least " + number(times) + " times as fast", Got: number(got) + " times"}
	return t.judge(got, got >= times, rest)
}

// below is a target in nanoseconds or bytes, or as a share of something.
func below(what string, limit, got float64, write func(float64) string, rest string) Target {
	t := Target{What: what, Want: "less than " + write(limit), Got: write(got)}
	return t.judge(got, got < limit, rest)
}

func (t Target) judge(got float64, met bool, rest string) Target {
	t.Missing = math.IsNaN(got) || math.IsInf(got, 0)
	t.Met = met && !t.Missing
	if t.Missing {
		t.Got = ""
	} else if !t.Met {
		t.Rest = rest
	}
	return t
}

// noise is how much two medians of the same thing may differ.
const noise = 0.05

// targets judges what was measured. Those of others' speed are ratios in this
// run.
func (b *bench) targets() []Target {
	const kept = "signature/Cookies/RSA-SHA256/cached"
	inTurns := func(kind string) float64 {
		name := "signature/CookiesInTurns/" + kind
		return b.ratio(name+" SDK-ns", name+" signer-ns")
	}
	coldRSA := "cold/" + oursRSA
	rsa := Target{What: "a new RSA signature, against the SDK for Go", Want: "no slower, but for noise of 5 %", Got: number(inTurns("RSA-SHA1")) + " times as fast"}
	rsa = rsa.judge(inTurns("RSA-SHA1"), inTurns("RSA-SHA1") >= 1-noise,
		"Both sign with crypto/rsa, which takes "+duration(b.median("signature/Bare/sign/RSA_2048"))+" alone.")
	warm := func(runtime, theirs string) Target {
		loop, theirLoop := b.median("request/"+emptyGo), b.median("loop/"+theirs)
		return atLeast("a warm request, against the function in "+runtime, 50, b.ratio("request/"+theirs, "request/kept"),
			fmt.Sprintf("Of a warm request's %s the loop of the Runtime API and a line in the log take %s, and the loop in "+runtime+" %s, which no handler can save. Without the loops it is %s against %s: %s times as fast. Without a pause between requests, in a benchmark, the signer takes %s from the event's bytes to the answer's; the rest comes of a longer answer, and of processors that rest between requests.",
				duration(b.median("request/kept")), duration(loop), duration(theirLoop),
				duration(b.median("request/kept")-loop), duration(b.median("request/"+theirs)-theirLoop),
				number((b.median("request/"+theirs)-theirLoop)/(b.median("request/kept")-loop)),
				duration(b.median("request/Invocation"))))
	}
	return []Target{
		atLeast("a new ECDSA signature, against the SDK for Go", 10, inTurns("ECDSA-SHA1"), ""),
		atLeast("a kept signature, against the SDK for Go", 500, b.ratio(sdkSignature, kept), ""),
		rsa,
		warm("Node", nodeBlog),
		warm("Python", pythonBlog),
		below("a cold start, as a share of that in Python", 1./5, b.ratio(coldRSA, "cold/"+pythonBlog), percent, ""),
		below("a cold start, as a share of that in Node", 1./2, b.ratio(coldRSA, "cold/"+nodeBlog), percent, ""),
		below("the signer's binary", 10e6, b.median("size/binary"), size, ""),
		below("the signer's peak memory", 40e6, b.median("peak/"+oursRSA), size, ""),
		below("the edge's check, remembered", 5e3, b.most(edgeNames("remembered")...), duration, ""),
		below("the edge's check, new ECDSA signature", 60e3, b.most(edgeNames("ECDSA")...), duration, b.verification()),
		below("`cdk synth` again", float64(4*time.Second), b.median("synthesis/warm"), duration,
			fmt.Sprintf("Of `cdk synth`, npx and the CDK's command line take %s without the app, and an app without a stack %s: loading the CDK's code.",
				duration(b.median("synthesis/cli")), duration(b.median("synthesis/empty")))),
	}
}

// verification says what verifying with ECDSA takes whoever does it.
func (b *bench) verification() string {
	text := "Of the edge's check of a new ECDSA signature the standard library's verification alone takes " + duration(b.median("edge/Bare/verify/ECDSA_P256"))
	if openssl := "signature/openssl/verify/ECDSA_P256"; len(b.samples[openssl]) > 0 {
		text += ", and OpenSSL's " + duration(b.median(openssl))
	}
	return text + " on this machine."
}
