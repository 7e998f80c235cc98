package main

import (
	"context"
	"fmt"
)

// edgePackage decides about requests as CloudFront does.
const edgePackage = "internal/cloudfront"

var behaviors = []int{1, 10, 75}

// measureEdge measures how long a decision about one request takes.
func (b *bench) measureEdge(ctx context.Context) error {
	for range b.rounds {
		if err := b.goBenchmarks(ctx, "edge", edgePackage, "Decide"); err != nil {
			return err
		}
		if err := b.goBenchmarks(ctx, "edge", "signedcookie", "Bare"); err != nil {
			return err
		}
		b.progress("edge")
	}
	return nil
}

// edgeNames are the samples of a kind of check, by the number of behaviors.
func edgeNames(kind string) []string {
	var names []string
	for _, n := range behaviors {
		names = append(names, fmt.Sprintf("edge/Decide/%s/behaviors=%d", kind, n))
	}
	return names
}

func (b *bench) edgeTable() Table {
	t := Table{
		Title:   "One request at the local edge: choosing the behavior and checking the cookies",
		Columns: []string{"", "1 behavior", "10", "75"},
	}
	for _, kind := range []struct{ name, key string }{
		{"signature verified before (cached)", "cached"}, {"new signature, RSA", "RSA"}, {"new signature, ECDSA", "ECDSA"},
	} {
		row := []string{kind.name}
		for _, name := range edgeNames(kind.key) {
			row = append(row, b.time(name))
		}
		t.Rows = append(t.Rows, row)
	}
	keys := func(kind string) string {
		text := ""
		for _, c := range []struct{ name, key string }{{"one key", "groups=1/keys=1"}, {"five keys", "groups=1/keys=5"}, {"four groups of five keys", "groups=4/keys=5"}} {
			text += ", " + c.name + " " + duration(b.median("edge/DecideKeys/"+c.key+"/"+kind))
		}
		return text[2:]
	}
	t.Notes = []string{
		"The matching behavior is the last one. The number of keys has no effect, because keys are found by id: cached, " + keys("cached") + "; new ECDSA signature, " + keys("new") + ".",
		"The standard library alone verifies an RSA signature in " + duration(b.median("edge/Bare/verify/RSA_2048")) + " and an ECDSA signature in " + duration(b.median("edge/Bare/verify/ECDSA_P256")) + ".",
	}
	return t
}
