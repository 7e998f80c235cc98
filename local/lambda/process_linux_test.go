package lambda_test

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"premiumhls/local/lambda"
)

// state returns a process's state as in proc(5): T is stopped, Z ended; empty if
// there is no such process.
func state(pid int) string {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	_, rest, _ := bytes.Cut(stat, []byte(") "))
	return string(rest[:1])
}

func TestFreeze(t *testing.T) {
	for _, c := range []struct {
		title  string
		freeze bool
	}{{"frozen", true}, {"not frozen", false}} {
		t.Run(c.title, func(t *testing.T) {
			r := start(t, lambda.Function{Concurrency: 1, Freeze: c.freeze})
			first := mustInvoke(t, r, event{Do: "echo"})
			for c.freeze && state(first.PID) != "T" { // the signal is on its way
				time.Sleep(time.Millisecond)
			}
			if !c.freeze && state(first.PID) == "T" {
				t.Error("stopped while idle")
			}
			for n := 2; n < 10; n++ {
				if again := mustInvoke(t, r, event{Do: "echo"}); again.PID != first.PID || again.Invocations != n {
					t.Fatalf("process %d after %d, its invocation %d", again.PID, first.PID, again.Invocations)
				}
			}
			r.Recycle()
			if alive(first.PID) {
				t.Error("the process outlived Recycle")
			}
		})
	}
}

// The kernel ends the processes of a parent that is killed.
func TestParentIsKilled(t *testing.T) {
	test, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	g := newGate(t) // stays closed: the function cannot notice that its parent ended
	cmd := exec.Command(test)
	cmd.Env = append(os.Environ(), parentEnv+"="+binary, gateEnv+"="+g.URL)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	var pid int
	if _, err := fmt.Fscanln(bufio.NewReader(out), &pid); err != nil {
		t.Fatal(err)
	}
	g.await(1)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed
	for s := state(pid); s != "" && s != "Z"; s = state(pid) {
		time.Sleep(time.Millisecond)
	}
}
