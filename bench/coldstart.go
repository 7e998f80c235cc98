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
// answer, reading the keys included.
func (b *bench) measureColdStarts(ctx context.Context) error {
	for round := range b.rounds*b.starts + 1 {
		for _, s := range b.subjects {
			if err := b.coldStart(ctx, s, round > 0); err != nil { // the first reads from the disk
				return err
			}
		}
		if round > 0 {
			if err := b.coldParts(ctx, b.subjects[0]); err != nil {
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
	s.stop() // which waits for the end of the log
	if err != nil || !counts {
		return err
	}
	r := s.report
	b.add("cold/"+s.name+"/init", float64(r.Init))
	b.add("cold/"+s.name+"/answer", float64(r.Duration))
	b.add("cold/"+s.name, float64(r.Init+r.Duration))
	b.add("cold/"+s.name+"/memory", float64(r.MaxMemory))
	if s.name != oursRSA {
		return nil
	}
	read, err := logged(s.log.String(), "signing keys read")
	if err != nil {
		return err
	}
	asked := b.store.lastAsked()
	b.add("parts/asked", float64(asked.Sub(r.Started)))
	b.add("parts/read", float64(read.Sub(asked)))
	return nil
}

// coldParts measures what is not seen from outside: a process without its
// settings says so as the first thing that main does, and the Go runtime tells
// what the initialization of packages took.
func (b *bench) coldParts(ctx context.Context, s *subject) error {
	command := exec.CommandContext(ctx, s.binary)
	command.Env = []string{}
	began := time.Now()
	said, _ := command.CombinedOutput() // it ends with an error
	inMain, err := logged(string(said), "the signer does not start")
	if err != nil {
		return err
	}
	b.add("parts/main", float64(inMain.Sub(began)))
	traced := exec.CommandContext(ctx, s.binary)
	traced.Env = []string{"GODEBUG=inittrace=1"}
	said, _ = traced.CombinedOutput()
	initialized := parseInitTrace(string(said))
	if initialized == 0 {
		return fmt.Errorf("the Go runtime tells nothing of initialization:\n%s", said)
	}
	b.add("parts/init", float64(initialized))
	return nil
}

// logged returns the time of a line in a function's log.
func logged(log, message string) (time.Time, error) {
	for line := range strings.Lines(log) {
		var entry struct {
			Time time.Time
			Msg  string
		}
		if json.Unmarshal([]byte(line), &entry) == nil && entry.Msg == message {
			return entry.Time, nil
		}
	}
	return time.Time{}, fmt.Errorf("the log does not say %q:\n%s", message, log)
}

var initLine = regexp.MustCompile(`(?m)^init \S+ @\S+ ms, (\S+) ms clock,`)

// parseInitTrace adds up what the packages took to initialize.
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

// sizes measures what is uploaded: the binary for Lambda's own processor.
func (b *bench) sizes(ctx context.Context) error {
	binary := filepath.Join(b.dir, "lambda", "bootstrap")
	if b.hurry {
		binary = b.subjects[0].binary // which is built already
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

// count counts what is written.
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

func (b *bench) coldStartTable() Table {
	t := Table{
		Title:   "Cold start: from the start of the process to its first answer",
		Columns: []string{"", "until it asks for the event", "the first answer", "together", "memory then", "peak memory", "size"},
		Notes: []string{
			fmt.Sprintf("The signer in parts (RSA): %s until main begins, %s of it for the initialization of packages; %s more until the parameter store is asked; %s for the answer and the keys in it; the rest, %s, for the signature and the answer.",
				duration(b.median("parts/main")), duration(b.median("parts/init")),
				duration(math.Max(b.median("parts/asked")-b.median("parts/main"), 0)), duration(b.median("parts/read")),
				duration(math.Max(b.median("cold/"+oursRSA)-b.median("parts/asked")-b.median("parts/read"), 0))),
			"Peak memory is that after the warm requests above, the signer's with as many signatures as it keeps.",
			"Lambda's own part (the microVM, the download, TLS to Parameter Store) comes on top for all. The packages of the function in Node are not bundled, as in the posts; bundled they start faster. Lambda's runtime for Python brings boto3 along, not cryptography.",
		},
	}
	for _, s := range b.subjects {
		bytes := ""
		switch s.name {
		case oursRSA:
			bytes = size(b.median("size/binary")) + ", zipped " + size(b.median("size/zip"))
		case nodeBlog:
			bytes = size(b.median("size/node")) + " of packages"
		}
		what := map[string]string{oursRSA: "the signer, RSA", oursECDSA: "the signer, ECDSA", nodeBlog: "function in Node", pythonBlog: "function in Python", emptyGo: "a Go function that does nothing but log"}[s.name]
		cold := "cold/" + s.name
		t.Rows = append(t.Rows, []string{
			what, duration(b.median(cold + "/init")), duration(b.median(cold + "/answer")), duration(b.median(cold)),
			memory(b.median(cold + "/memory")), memory(b.median("peak/" + s.name)), bytes,
		})
	}
	return t
}

// memory is empty where the system does not tell.
func memory(bytes float64) string {
	if bytes == 0 && runtime.GOOS != "linux" {
		return ""
	}
	return size(bytes)
}
