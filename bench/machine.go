package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// A Machine is where a measurement was made.
type Machine struct {
	CPU     string
	Cores   int
	System  string // such as linux/amd64
	Load    string `json:",omitempty"` // load average of the minute before
	Go      string
	Node    string `json:",omitempty"`
	Python  string `json:",omitempty"` // with the versions of its libraries
	OpenSSL string `json:",omitempty"`
}

func (m Machine) String() string {
	text := fmt.Sprintf("%s, %d cores, %s; Go %s", m.CPU, m.Cores, m.System, m.Go)
	for _, other := range []string{m.Node, m.Python, m.OpenSSL} {
		if other != "" {
			text += ", " + other
		}
	}
	if m.Load != "" {
		text += "; load average " + m.Load + " at the start"
	}
	return text
}

// describeMachine describes this machine as far as the system does.
func describeMachine() Machine {
	m := Machine{
		CPU: "unknown processor", Cores: runtime.NumCPU(), System: runtime.GOOS + "/" + runtime.GOARCH,
		Go: strings.TrimPrefix(runtime.Version(), "go"),
	}
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		m.Load, _, _ = strings.Cut(string(load), " ")
	}
	if file, err := os.Open("/proc/cpuinfo"); err == nil {
		defer file.Close()
		for lines := bufio.NewScanner(file); lines.Scan(); {
			if name, value, _ := strings.Cut(lines.Text(), ":"); strings.TrimSpace(name) == "model name" {
				m.CPU = strings.TrimSpace(value)
				break
			}
		}
	} else if brand, err := exec.Command("sysctl", "-n", "machdep.cpu.brand_string").Output(); err == nil {
		m.CPU = strings.TrimSpace(string(brand))
	}
	return m
}

// An interpreter runs the functions and signers to compare with.
type interpreter struct {
	path    string // the program itself, not a version manager's link
	scripts string // the folder
	version string // for people
}

// bootstrap writes the file that Lambda starts, which runs a script.
func (i interpreter) bootstrap(dir, script string) (string, error) {
	path := filepath.Join(dir, "bootstrap")
	text := fmt.Sprintf("#!/bin/sh\nexec %q %q\n", i.path, filepath.Join(i.scripts, script))
	return path, os.WriteFile(path, []byte(text), 0o755)
}

func findNode(ctx context.Context, scripts string) (interpreter, error) {
	output, err := exec.CommandContext(ctx, "node", "-p", "JSON.stringify([process.execPath, process.versions.node])").Output()
	var found [2]string
	if err == nil {
		err = json.Unmarshal(output, &found)
	}
	if err != nil {
		return interpreter{}, errors.New("cannot find Node")
	}
	return interpreter{found[0], scripts, "Node " + found[1]}, nil
}

const askPython = `import sys, platform, json, boto3, cryptography
print(json.dumps([sys.executable, f"Python {platform.python_version()} (boto3 {boto3.__version__}, cryptography {cryptography.__version__})"]))`

func findPython(ctx context.Context, scripts string) (interpreter, error) {
	output, err := exec.CommandContext(ctx, "python3", "-c", askPython).Output()
	var found [2]string
	if err == nil {
		err = json.Unmarshal(output, &found)
	}
	if err != nil {
		return interpreter{}, errors.New("cannot find Python with boto3 and cryptography")
	}
	return interpreter{found[0], scripts, found[1]}, nil
}

func opensslVersion(ctx context.Context) (string, error) {
	output, err := exec.CommandContext(ctx, "openssl", "version").Output()
	fields := strings.Fields(string(output))
	if err != nil || len(fields) < 2 {
		return "", errors.New("openssl not found")
	}
	return fields[0] + " " + fields[1], nil
}
