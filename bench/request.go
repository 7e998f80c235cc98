package main

import (
	"context"
	"fmt"
	"path/filepath"

	"premiumhls/signedcookie"
)

// The functions that are measured.
const (
	oursECDSA  = "signer, ECDSA" // the default
	oursRSA    = "signer, RSA"
	nodeBlog   = "Node"
	pythonBlog = "Python"
	emptyGo    = "empty Go function"
)

// measureRequests measures warm requests, from the event that the runtime hands
// over to the response.
func (b *bench) measureRequests(ctx context.Context) error {
	for _, s := range b.subjects {
		s.start()
		defer s.stop()
		for range b.warmUp {
			if _, err := s.request(ctx, "warm-up"); err != nil {
				return err
			}
		}
	}
	paths := 0
	measure := func(s *subject, name string, newPath bool) error {
		var took []float64
		for range b.requests {
			path := "course-1"
			if newPath {
				paths++
				path = fmt.Sprintf("course-%d", paths+1)
			}
			d, err := s.request(ctx, path)
			if err != nil {
				return err
			}
			took = append(took, float64(d))
		}
		b.add("request/"+name, summarize(took).Center)
		return nil
	}
	loop := func(s *subject) error {
		var took []float64
		for range b.requests {
			d, err := s.loop(ctx)
			if err != nil {
				return err
			}
			took = append(took, float64(d))
		}
		b.add("loop/"+s.name, summarize(took).Center)
		return nil
	}
	for range b.rounds {
		for _, s := range b.subjects {
			if err := measure(s, s.name, s.name == oursRSA || s.name == oursECDSA); err != nil {
				return err
			}
			var err error
			switch s.name {
			case oursECDSA:
				err = measure(s, "cached", false)
			case nodeBlog, pythonBlog:
				err = loop(s)
			}
			if err != nil {
				return err
			}
		}
		if err := b.goBenchmarks(ctx, "request", "lambda/signer", "^BenchmarkInvocation$"); err != nil {
			return err
		}
		b.progress("request")
	}

	// The signer's peak memory is with a full cache of signatures.
	for _, s := range b.subjects {
		if s.name == oursECDSA || s.name == oursRSA {
			for range b.fill {
				paths++
				if _, err := s.request(ctx, fmt.Sprintf("course-%d", paths+1)); err != nil {
					return err
				}
			}
		}
		b.add("peak/"+s.name, float64(s.report.MaxMemory))
	}
	return nil
}

func (b *bench) requestTable() Table {
	t := Table{
		Title:   "One request in a warm function, event in to response out",
		Columns: []string{"", "time", "of which the loop"},
		Notes: []string{
			"Over the Lambda Runtime API on loopback, with the real binary. Parameter Store is on loopback too, where a call is faster than to AWS. The loop is the time of the same runtime with a function that does nothing; in Go it writes one log line, as the signer does.",
			"The functions in Node and Python do what posts about signed cookies do: for each request they read the key from Parameter Store, parse it and sign. The Python library cryptography checks an RSA key each time it parses one.",
		},
	}
	row := func(what, name, loop string) {
		t.Rows = append(t.Rows, []string{what, b.time(name), b.time(loop)})
	}
	const goLoop = "request/" + emptyGo
	row("signer, cached signature", "request/cached", goLoop)
	row("signer, new signature, ECDSA", "request/"+oursECDSA, goLoop)
	row("signer, new signature, RSA", "request/"+oursRSA, goLoop)
	if b.node != nil {
		row("function in Node", "request/"+nodeBlog, "loop/"+nodeBlog)
	}
	if b.python != nil {
		row("function in Python", "request/"+pythonBlog, "loop/"+pythonBlog)
	}
	return t
}

// newSubjects lists the functions that can be measured on this machine.
func (b *bench) newSubjects(signer, empty string) error {
	b.subjects = []*subject{
		ours(oursECDSA, signer, b.store, signedcookie.ECDSAP256),
		ours(oursRSA, signer, b.store, signedcookie.RSA2048),
		{name: emptyGo, binary: empty},
	}
	for _, their := range []struct {
		name, script string
		by           *interpreter
	}{{nodeBlog, "function.mjs", b.node}, {pythonBlog, "function.py", b.python}} {
		if their.by == nil {
			continue
		}
		bootstrap, err := their.by.bootstrap(filepath.Join(b.dir, their.name), their.script)
		if err != nil {
			return err
		}
		b.subjects = append(b.subjects, theirs(their.name, bootstrap, b.store))
	}
	return nil
}
