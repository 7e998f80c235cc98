package lambda

import (
	"bytes"
	"io"
	"sync"
)

// A lineWriter serializes writes to one writer.
type lineWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lineWriter) write(p []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = l.w.Write(p) // a failing log must not fail the function
}

// A lineBuffer splits the output of one process into whole lines.
type lineBuffer struct {
	to      *lineWriter
	partial []byte
}

// maxLine is the maximum length of a line, in bytes; longer ones are split.
const maxLine = 256 << 10

func (b *lineBuffer) Write(p []byte) (int, error) {
	b.partial = append(b.partial, p...)
	whole := bytes.LastIndexByte(b.partial, '\n') + 1
	if whole == 0 && len(b.partial) > maxLine {
		whole = len(b.partial)
	}
	if whole > 0 {
		b.to.write(b.partial[:whole])
		b.partial = append(b.partial[:0], b.partial[whole:]...)
	}
	return len(p), nil
}

// flush writes a last line without a line break.
func (b *lineBuffer) flush() {
	if len(b.partial) > 0 {
		b.to.write(append(b.partial, '\n'))
		b.partial = nil
	}
}
