package lambda

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"syscall"
)

// startProcess starts a process that the kernel kills when this one ends for any
// reason. It does not get an interrupt from the terminal: this process ends it.
func startProcess(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	done := make(chan error, 1)
	parent() <- func() { done <- cmd.Start() }
	return <-done
}

// parent is a thread that never ends: the kernel sends the signal when the
// thread that started a process ends, which can be before this process ends.
var parent = sync.OnceValue(func() chan<- func() {
	starts := make(chan func())
	go func() {
		runtime.LockOSThread()
		for start := range starts {
			start()
		}
	}()
	return starts
})

// maxMemory returns the peak resident memory of a process, in bytes
// (proc(5), VmHWM).
func maxMemory(p *os.Process) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Pid))
	if err != nil {
		return 0 // it has ended
	}
	_, rest, _ := bytes.Cut(status, []byte("\nVmHWM:"))
	line, _, _ := bytes.Cut(rest, []byte(" kB\n"))
	kilobytes, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 10, 64)
	if err != nil {
		return 0
	}
	return kilobytes << 10
}
