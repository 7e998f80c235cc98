package lambda

import (
	"bytes"
	"io"
	"sync"
)

// A lineWriter lets many write to one writer in turns.
type lineWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lineWriter) write(p []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = l.w.Write(p) // the function has no part in its log's failures
}

// A lineBuffer passes on whole lines of what one process writes.
type lineBuffer struct {
	to      *lineWriter
	partial []byte
}

// maxLine is what a line may have before it is passed on in parts.
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

// flush passes on a last line that does not end.
func (b *lineBuffer) flush() {
	if len(b.partial) > 0 {
		b.to.write(append(b.partial, '\n'))
		b.partial = nil
	}
}
