package main

import (
	"archive/zip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"

	"premiumhls/stacks/assets"
)

// measureColdStarts measures the time from the start of a process to its first
// response, including the read of the keys.
func (b *bench) measureColdStarts(ctx context.Context) error {
	for round := range b.rounds*b.starts + 1 {
		for _, s := range b.subjects {
			if err := b.coldStart(ctx, s, round > 0); err != nil { // the first one reads from the disk
				return err
			}
		}
		if round > 0 {
			if err := b.startupParts(ctx, b.subjects[0]); err != nil {
				return err
			}
		}
		if round%b.starts == 0 && round > 0 {
			b.progress("cold start")
		}
	}
	return b.sizes(ctx)
}

func (b *bench) coldStart(ctx context.Context, s *subject, counts bool) error {
	s.start()
	_, err := s.request(ctx, "course-1")
	s.stop() // waits for the end of the log
	if err != nil || !counts {
		return err
	}
	r := s.report
	b.add("cold/"+s.name+"/init", float64(r.Init))
	b.add("cold/"+s.name+"/response", float64(r.Duration))
	b.add("cold/"+s.name, float64(r.Init+r.Duration))
	b.add("cold/"+s.name+"/memory", float64(r.MaxMemory))
	if s.name != oursECDSA {
		return nil
	}
	read, err := logTime(s.log.String(), "keys") // the line that says which keys were read
	if err != nil {
		return err
	}
	requested := b.store.requested()
	b.add("parts/requested", float64(requested.Sub(r.Started)))
	b.add("parts/read", float64(read.Sub(requested)))
	return nil
}

// startupParts measures what cannot be seen from outside: a process without
// settings logs an error as the first thing in main, and the Go runtime reports
// how long the initialization of packages took.
func (b *bench) startupParts(ctx context.Context, s *subject) error {
	command := exec.CommandContext(ctx, s.binary)
	command.Env = []string{}
	began := time.Now()
	output, _ := command.CombinedOutput() // it exits with an error
	inMain, err := logTime(string(output), "cause")
	if err != nil {
		return err
	}
	b.add("parts/main", float64(inMain.Sub(began)))
	traced := exec.CommandContext(ctx, s.binary)
	traced.Env = []string{"GODEBUG=inittrace=1"}
	output, _ = traced.CombinedOutput()
	initialized := parseInitTrace(string(output))
	if initialized == 0 {
		return fmt.Errorf("GODEBUG=inittrace=1 printed no initialization:\n%s", output)
	}
	b.add("parts/init", float64(initialized))
	return nil
}

// logTime returns the time of the first line in a function's log that has a
// field.
func logTime(log, field string) (time.Time, error) {
	for line := range strings.Lines(log) {
		var entry struct{ Time time.Time }
		var fields map[string]json.RawMessage
		if json.Unmarshal([]byte(line), &fields) != nil || json.Unmarshal([]byte(line), &entry) != nil {
			continue
		}
		if _, ok := fields[field]; ok {
			return entry.Time, nil
		}
	}
	return time.Time{}, fmt.Errorf("no log line has the field %q:\n%s", field, log)
}

var initLine = regexp.MustCompile(`(?m)^init \S+ @\S+ ms, (\S+) ms clock,`)

// parseInitTrace adds up the initialization times of the packages.
func parseInitTrace(trace string) time.Duration {
	var sum float64
	for _, line := range initLine.FindAllStringSubmatch(trace, -1) {
		ms, err := strconv.ParseFloat(line[1], 64)
		if err == nil {
			sum += ms
		}
	}
	return time.Duration(sum * float64(time.Millisecond))
}

// sizes measures what is uploaded: the binary for Lambda's processor.
func (b *bench) sizes(ctx context.Context) error {
	binary := filepath.Join(b.dir, "lambda", "bootstrap")
	if b.hurry {
		binary = b.subjects[0].binary // built already
	} else if err := assets.BuildFunction(ctx, b.root, "./lambda/signer", binary, "linux", "arm64"); err != nil {
		return err
	}
	text, err := os.ReadFile(binary)
	if err != nil {
		return err
	}
	var zipped count
	archive := zip.NewWriter(&zipped)
	entry, err := archive.Create("bootstrap")
	if err == nil {
		_, err = entry.Write(text)
	}
	if err := errors.Join(err, archive.Close()); err != nil {
		return fmt.Errorf("zipping the binary: %w", err)
	}
	b.add("size/binary", float64(len(text)))
	b.add("size/zip", float64(zipped))
	if b.node != nil {
		packages, err := folderSize(filepath.Join(b.node.scripts, "node_modules"))
		if err != nil {
			return err
		}
		b.add("size/node", packages)
	}
	return nil
}

// count counts the bytes that are written to it.
type count int

var _ io.Writer = (*count)(nil)

func (c *count) Write(p []byte) (int, error) {
	*c += count(len(p))
	return len(p), nil
}

func folderSize(dir string) (total float64, err error) {
	err = filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			total += float64(info.Size())
		}
		return err
	})
	return total, err
}

// startParts says what the signer's start consists of.
func (b *bench) startParts() string {
	rest := func(ns float64) string { return duration(math.Max(ns, 0)) }
	return fmt.Sprintf("The signer's start: %s until main begins, of which %s initialize packages; %s until the request to Parameter Store; %s for its response and the keys in it; %s for the signature and the response.",
		duration(b.median("parts/main")), duration(b.median("parts/init")),
		rest(b.median("parts/requested")-b.median("parts/main")), duration(b.median("parts/read")),
		rest(b.median("cold/"+oursECDSA)-b.median("parts/requested")-b.median("parts/read")))
}

func (b *bench) coldStartTable() Table {
	t := Table{
		Title:   "Cold start: from the start of the process to its first response",
		Columns: []string{"", "until it requests the event", "first response", "total", "memory then", "peak memory", "size"},
		Notes: []string{
			b.startParts(),
			"Peak memory is after the warm requests above; the signer's is with a full cache of signatures.",
			"Lambda adds the start of the microVM, the download, and TLS to Parameter Store for all. The packages of the function in Node are not bundled, as in the posts; a bundle starts faster. Lambda's Python runtime includes boto3 but not cryptography.",
		},
	}
	for _, s := range b.subjects {
		bytes := ""
		switch s.name {
		case oursECDSA:
			bytes = size(b.median("size/binary")) + ", zipped " + size(b.median("size/zip"))
		case nodeBlog:
			bytes = "packages " + size(b.median("size/node"))
		}
		what := map[string]string{oursRSA: "signer, RSA", oursECDSA: "signer, ECDSA (default)", nodeBlog: "function in Node", pythonBlog: "function in Python", emptyGo: "Go function that only logs"}[s.name]
		cold := "cold/" + s.name
		t.Rows = append(t.Rows, []string{
			what, b.time(cold + "/init"), b.time(cold + "/response"), b.time(cold),
			memory(b.median(cold + "/memory")), memory(b.median("peak/" + s.name)), bytes,
		})
	}
	return t
}

// memory is empty if the system does not report it.
func memory(bytes float64) string {
	if bytes == 0 && runtime.GOOS != "linux" {
		return ""
	}
	return size(bytes)
}
