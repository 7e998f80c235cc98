package main

import (
	"context"
	"fmt"
	"time"

	"premiumhls/signedcookie"
)

// The functions that are measured.
const (
	oursRSA    = "signer, RSA"
	oursECDSA  = "signer, ECDSA"
	nodeBlog   = "Node"
	pythonBlog = "Python"
	emptyGo    = "empty Go function"
)

// measureRequests measures warm requests, from the event that the runtime
// hands over to its answer.
func (b *bench) measureRequests(ctx context.Context) error {
	signer, err := b.tests(ctx, "lambda/signer")
	if err != nil {
		return err
	}
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
	measure := func(s *subject, name string, fresh bool) error {
		var took []float64
		for range b.requests {
			path := "course-1"
			if fresh {
				paths++
				path = fmt.Sprintf("course-%d", paths+1)
			}
			d, err := s.request(ctx, path)
			if err != nil {
				return err
			}
			took = append(took, float64(d))
		}
		b.add("request/"+name, median(took))
		return nil
	}
	for range b.rounds {
		if err := b.goBenchmarks(ctx, "handler", signer, "Request"); err != nil {
			return err
		}
		for _, s := range b.subjects {
			if err := measure(s, s.name, s.name == oursRSA || s.name == oursECDSA); err != nil {
				return err
			}
			if s.name != oursRSA {
				continue
			}
			if err := measure(s, "kept", false); err != nil {
				return err
			}
		}
		b.progress("request")
	}

	// The most memory: with as many kept signatures as it keeps.
	for _, s := range b.subjects {
		if s.name == oursRSA {
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
		Columns: []string{"", "time"},
		Notes: []string{
			"Over the Lambda Runtime API on loopback, with the real binary; the parameter store is on loopback too, where a call takes less than to AWS's.",
			"The functions in Node and Python do what posts on signed cookies do: on every request they read the key from Parameter Store, parse it and sign.",
		},
	}
	row := func(what, name string) { t.Rows = append(t.Rows, []string{what, duration(b.median(name))}) }
	row("the signer, kept signature", "request/kept")
	row("the signer, new signature, ECDSA", "request/"+oursECDSA)
	row("the signer, new signature, RSA", "request/"+oursRSA)
	if b.node != nil {
		row("function in Node", "request/"+nodeBlog)
	}
	if b.python != nil {
		row("function in Python", "request/"+pythonBlog)
	}
	row("a Go function that does nothing: the loop alone", "request/"+emptyGo)
	row("the signer's handler without the loop, kept signature", "handler/Request/RSA-SHA256/cached")
	return t
}

// newSubjects builds what is measured, as far as it is here.
func (b *bench) newSubjects(ctx context.Context) error {
	signer, err := b.build(ctx, "./lambda/signer", "signer")
	if err != nil {
		return err
	}
	empty, err := b.build(ctx, "./bench/empty", "empty")
	if err != nil {
		return err
	}
	b.subjects = []*subject{
		ours(oursRSA, signer, b.store, signedcookie.RSA2048),
		ours(oursECDSA, signer, b.store, signedcookie.ECDSAP256),
		{name: emptyGo, binary: empty},
	}
	for _, their := range []struct {
		name, script string
		by           *interpreter
	}{{nodeBlog, "function.mjs", b.node}, {pythonBlog, "function.py", b.python}} {
		if their.by == nil {
			continue
		}
		dir, err := b.folder(their.name)
		if err != nil {
			return err
		}
		bootstrap, err := their.by.bootstrap(dir, their.script)
		if err != nil {
			return err
		}
		b.subjects = append(b.subjects, theirs(their.name, bootstrap, b.store))
	}
	return nil
}

func (b *bench) milliseconds() int { return max(int(b.time/time.Millisecond), 1) }
