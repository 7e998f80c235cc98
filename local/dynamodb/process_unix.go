//go:build unix

package dynamodb

import (
	"os/exec"
	"syscall"
)

// detach shields the process from an interrupt at the terminal: its parent ends
// it.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
