package main

import (
	"context"
	"fmt"
)

var behaviors = []int{1, 10, 75}

// measureEdge measures the check of one request by the local edge.
func (b *bench) measureEdge(ctx context.Context) error {
	for range b.rounds {
		if err := b.goBenchmarks(ctx, "edge", "local/cloudfront", "Decide"); err != nil {
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
		Title:   "One request at the edge: choosing the behavior and checking the cookies",
		Columns: []string{"", "1 behavior", "10", "75"},
	}
	for _, kind := range []struct{ name, key string }{
		{"signature verified before, and remembered", "remembered"}, {"new signature, RSA", "RSA"}, {"new signature, ECDSA", "ECDSA"},
	} {
		row := []string{kind.name}
		for _, name := range edgeNames(kind.key) {
			row = append(row, duration(b.median(name)))
		}
		t.Rows = append(t.Rows, row)
	}
	keys := func(kind string) string {
		text := ""
		for _, c := range []struct{ name, key string }{{"with one", "groups=1/keys=1"}, {"with five", "groups=1/keys=5"}, {"with four groups of five", "groups=4/keys=5"}} {
			text += ", " + c.name + " " + duration(b.median("edge/DecideKeys/"+c.key+"/"+kind))
		}
		return text[2:]
	}
	t.Notes = []string{
		"The matching behavior comes last. Keys do not count, they are found by their ids: remembered, " + keys("remembered") + "; ECDSA, " + keys("new") + ".",
		"Of a new signature the standard library's verification alone takes " + duration(b.median("edge/Bare/verify/RSA_2048")) + " with RSA and " + duration(b.median("edge/Bare/verify/ECDSA_P256")) + " with ECDSA.",
	}
	return t
}
