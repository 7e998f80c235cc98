package main

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// resident returns the resident memory of a process in bytes; 0 if it is unknown:
// the process has ended, or the system does not report it.
func resident(id int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", id))
	if err == nil {
		if fields := strings.Fields(string(text)); len(fields) > 1 {
			pages, _ := strconv.ParseInt(fields[1], 10, 64)
			return pages * int64(os.Getpagesize())
		}
		return 0
	}
	// Without /proc, as on a Mac, ps prints it in kilobytes.
	output, err := exec.Command("ps", "-o", "rss=", "-p", strconv.Itoa(id)).Output()
	if err != nil {
		return 0
	}
	kilobytes, _ := strconv.ParseInt(strings.TrimSpace(string(output)), 10, 64)
	return kilobytes << 10
}
