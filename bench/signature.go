package main

import (
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"strings"

	"premiumhls/signedcookie"
)

// Names of samples, in nanoseconds.
const (
	newSignature    = "signature/Cookies/ECDSA-SHA256/signed" // the default of a new key
	cachedSignature = "signature/Cookies/ECDSA-SHA256/cached"
	sdkSignature    = "signature/SDKCookies"
	nodeSignature   = "signature/node"
	pySignature     = "signature/python"
)

// alternating is the benchmark in which the signer, the SDK for Go and the bare
// signature take turns, for a kind of key.
func alternating(kind, who string) string {
	return "signature/CookiesAlternating/" + kind + " " + who + "-ns"
}

// measureSignatures measures one set of cookies, alternating with the other
// signers and with the bare signature.
func (b *bench) measureSignatures(ctx context.Context) error {
	key := b.store.privateKey(signedcookie.RSA2048)
	for range b.rounds {
		if err := b.goBenchmarks(ctx, "signature", "lambda/signer", "Cookies"); err != nil {
			return err
		}
		if err := b.goBenchmarks(ctx, "signature", "signedcookie", "Bare"); err != nil {
			return err
		}
		for _, peer := range []struct {
			name, script string
			by           *interpreter
		}{{nodeSignature, "signature.mjs", b.node}, {pySignature, "signature.py", b.python}} {
			if peer.by == nil {
				continue
			}
			ns, err := peer.by.signature(ctx, peer.script, key, max(b.benchTime.Milliseconds(), 1))
			if err != nil {
				return err
			}
			b.add(peer.name, ns)
		}
		if b.openssl != "" && !b.hurry {
			if err := b.opensslSpeed(ctx); err != nil {
				return err
			}
		}
		b.progress("signature")
	}
	return nil
}

// signature runs a script that signs with an RSA key and prints how many
// nanoseconds one set of cookies took.
func (i interpreter) signature(ctx context.Context, script, key string, milliseconds int64) (float64, error) {
	cmd := exec.CommandContext(ctx, i.path, script, strconv.FormatInt(milliseconds, 10))
	cmd.Dir = i.scripts
	cmd.Stdin = strings.NewReader(key)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	output, err := cmd.Output()
	if err != nil {
		return 0, fmt.Errorf("signing with %s: %w\n%s", i.version, err, stderr.String())
	}
	return strconv.ParseFloat(strings.TrimSpace(string(output)), 64)
}

// opensslSpeed measures bare signatures in optimized assembly.
func (b *bench) opensslSpeed(ctx context.Context) error {
	output, err := exec.CommandContext(ctx, "openssl", "speed", "-mr", "-seconds", "1", "rsa2048", "ecdsap256").Output()
	if err != nil {
		return fmt.Errorf("running openssl speed: %w", err)
	}
	for name, perSecond := range parseSpeed(string(output)) {
		b.add("signature/openssl/"+name, 1e9/perSecond)
	}
	return nil
}

// parseSpeed reads operations a second from the output of openssl speed -mr.
func parseSpeed(output string) map[string]float64 {
	found := map[string]float64{}
	for line := range strings.Lines(output) {
		fields := strings.Split(strings.TrimSpace(line), ":")
		kind, ok := map[string]signedcookie.KeyType{"+F2": signedcookie.RSA2048, "+F4": signedcookie.ECDSAP256}[fields[0]]
		if !ok || len(fields) != 5 {
			continue
		}
		for i, operation := range []string{"sign", "verify"} {
			if perSecond, err := strconv.ParseFloat(fields[3+i], 64); err == nil && perSecond > 0 {
				found[operation+"/"+string(kind)] = perSecond
			}
		}
	}
	return found
}

func (b *bench) signatureTable() Table {
	t := Table{
		Title:   "One set of cookies",
		Columns: []string{"", "time", "memory", "allocations"},
		Notes: []string{
			"New: policy, signature, encoding, and the text of the response. Cached: viewers of the same path within one step of the expiry share a signature.",
			"The SDK for Go signs with RSA and SHA-1 only; here it uses the signer's RSA key. The targets' ratios to it and to the bare signature come from signatures made alternately. OpenSSL counts processor time.",
		},
	}
	row := func(what, name string) {
		cells := []string{what, b.time(name), "", ""}
		if _, ok := b.samples[name+" B/op"]; ok {
			cells[2], cells[3] = size(b.median(name+" B/op")), number(b.median(name+" allocs/op"))
		}
		t.Rows = append(t.Rows, cells)
	}
	row("signer, ECDSA, SHA-256 (default), new", newSignature)
	row("signer, RSA, SHA-256, new", "signature/Cookies/RSA-SHA256/signed")
	row("signer, RSA, SHA-1, new", "signature/Cookies/RSA-SHA1/signed")
	row("signer, cached", cachedSignature)
	row("AWS SDK for Go, `CookieSigner`", sdkSignature)
	if b.node != nil {
		row("`@aws-sdk/cloudfront-signer`, RSA, SHA-1", nodeSignature)
	}
	if b.python != nil {
		row("botocore's `CloudFrontSigner`, RSA, SHA-1", pySignature)
	}
	for _, operation := range []string{"sign", "verify"} {
		for _, kind := range []struct{ name, key string }{{"RSA", "RSA_2048"}, {"ECDSA", "ECDSA_P256"}} {
			row("bare: Go, "+operation+", "+kind.name, "signature/Bare/"+operation+"/"+kind.key)
			if name := "signature/openssl/" + operation + "/" + kind.key; len(b.samples[name]) > 0 {
				row("bare: OpenSSL, "+operation+", "+kind.name, name)
			}
		}
	}
	return t
}
