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
	sdkSignature  = "signature/SDKCookies"
	nodeSignature = "signature/node"
	pySignature   = "signature/python"
)

// measureSignatures measures one set of cookies, in turns with what others
// sign and with the bare signature.
func (b *bench) measureSignatures(ctx context.Context) error {
	key := b.store.privateKey(signedcookie.RSA2048)
	for range b.rounds {
		if err := b.goBenchmarks(ctx, "signature", "lambda/signer", "Cookies"); err != nil {
			return err
		}
		if err := b.goBenchmarks(ctx, "signature", "signedcookie", "Bare"); err != nil {
			return err
		}
		for name, i := range map[string]*interpreter{nodeSignature: b.node, pySignature: b.python} {
			if i == nil {
				continue
			}
			script := "signature.mjs"
			if i == b.python {
				script = "signature.py"
			}
			ns, err := i.signature(ctx, script, key, max(b.time.Milliseconds(), 1))
			if err != nil {
				return err
			}
			b.add(name, ns)
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
	var complaints strings.Builder
	cmd.Stderr = &complaints
	output, err := cmd.Output()
	if err != nil {
		return 0, fmt.Errorf("signing with %s: %w\n%s", i.version, err, complaints.String())
	}
	return strconv.ParseFloat(strings.TrimSpace(string(output)), 64)
}

// opensslSpeed measures bare signatures with assembly made for each processor.
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

// parseSpeed reads operations a second from what openssl speed prints for
// machines.
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
			"New: policy, signature, encoding and the response's texts. Kept: what viewers of the same path in the same five minutes share.",
			"The SDK for Go signs with RSA and SHA-1 only, and with the same key here. The targets' ratios to it are from signatures made in turns. OpenSSL counts the processor's time, which is the same where nothing else runs.",
		},
	}
	row := func(what, name string) {
		cells := []string{what, duration(b.median(name)), "", ""}
		if _, ok := b.samples[name+" B/op"]; ok {
			cells[2], cells[3] = size(b.median(name+" B/op")), number(b.median(name+" allocs/op"))
		}
		t.Rows = append(t.Rows, cells)
	}
	for _, kind := range []struct{ name, key string }{{"RSA, SHA-256", "RSA-SHA256"}, {"RSA, SHA-1", "RSA-SHA1"}, {"ECDSA, SHA-1", "ECDSA-SHA1"}} {
		row("the signer, "+kind.name+", new", "signature/Cookies/"+kind.key+"/signed")
	}
	row("the signer, kept", "signature/Cookies/RSA-SHA256/cached")
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
