//go:build unix

package dynamodb

import (
	"os/exec"
	"syscall"
)

// detach keeps an interrupt typed at the terminal from the process: the one
// that started it ends it in good order.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
