package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"sync"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// A display shows progress: in a terminal bars below the lines, elsewhere lines
// only.
type display struct {
	out      io.Writer
	progress *mpb.Progress // nil where the output is no terminal
	mu       sync.Mutex
}

func newDisplay(out io.Writer) *display {
	d := &display{out: out}
	if file, ok := out.(*os.File); ok {
		if info, err := file.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			d.progress = mpb.New(mpb.WithOutput(out), mpb.WithWidth(40))
		}
	}
	return d
}

// line prints a line, above the bars if there are some. At least one bar must be
// there still.
func (d *display) line(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	text := fmt.Sprintf(format, args...) + "\n"
	if d.progress != nil {
		fmt.Fprint(d.progress, text)
		return
	}
	io.WriteString(d.out, text)
}

// wait draws the last state.
func (d *display) wait() {
	if d.progress != nil {
		d.progress.Wait()
	}
}

type bar struct{ *mpb.Bar } // nil where there is no terminal

// What stands behind a bar.
var (
	bytesOfBytes = func() decor.Decorator { return decor.CountersKiloByte("% .1f / % .1f", decor.WCSyncSpace) }
	countOfCount = func() decor.Decorator { return decor.CountersNoUnit("%d / %d", decor.WCSyncSpace) }
	percent      = func() decor.Decorator { return decor.Percentage(decor.WCSyncSpace) }
)

func (d *display) bar(name string, total int64, behind func() decor.Decorator, options ...mpb.BarOption) bar {
	if d.progress == nil {
		return bar{}
	}
	// Without a total, a bar does not end by itself when it is full: what is sent
	// again makes it fall.
	b := d.progress.AddBar(0, append(options,
		mpb.PrependDecorators(decor.Name(name, decor.WCSyncSpaceR)),
		mpb.AppendDecorators(behind()),
	)...)
	b.SetTotal(total, false)
	return bar{b}
}

// total is the bar for all, below the others.
func (d *display) total(name string, total int64, behind func() decor.Decorator) bar {
	return d.bar(name, total, behind, mpb.BarPriority(math.MaxInt))
}

func (b bar) add(n int64) {
	if b.Bar != nil {
		b.IncrInt64(n)
	}
}

func (b bar) set(n int64) {
	if b.Bar != nil {
		b.SetCurrent(n)
	}
}

// remove ends a bar. The lines say what became of it.
func (b bar) remove() {
	if b.Bar != nil {
		b.Abort(true)
	}
}
