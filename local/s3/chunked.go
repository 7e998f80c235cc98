package s3

import (
	"bufio"
	"errors"
	"io"
	"net/textproto"
	"strconv"
	"strings"
)

// chunked decodes an aws-chunked body with a trailer, as the SDKs send it:
// chunks as in HTTP, "SIZE\r\n…\r\n", the last with size 0, and then header
// lines.
type chunked struct {
	r       *bufio.Reader
	left    int64
	done    bool
	trailed textproto.MIMEHeader
}

func newChunked(r io.Reader) *chunked { return &chunked{r: bufio.NewReader(r)} }

func (c *chunked) Read(p []byte) (int, error) {
	if c.done {
		return 0, io.EOF
	}
	if c.left == 0 {
		if err := c.next(); err != nil {
			return 0, err
		}
		if c.done {
			return 0, io.EOF
		}
	}
	n, err := c.r.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	if c.left == 0 && err == nil {
		err = c.lineEnd()
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// next reads the header of a chunk, and the trailer after the last.
func (c *chunked) next() error {
	line, err := c.r.ReadString('\n')
	if err != nil {
		return io.ErrUnexpectedEOF
	}
	size, _, _ := strings.Cut(strings.TrimRight(line, "\r\n"), ";")
	c.left, err = strconv.ParseInt(size, 16, 64)
	if err != nil || c.left < 0 {
		return errors.New("invalid size of a chunk")
	}
	if c.left > 0 {
		return nil
	}
	c.done = true
	c.trailed, err = textproto.NewReader(c.r).ReadMIMEHeader()
	if errors.Is(err, io.EOF) {
		err = nil // no empty line after the trailer
	}
	return err
}

func (c *chunked) lineEnd() error {
	var end [2]byte
	if _, err := io.ReadFull(c.r, end[:]); err != nil || string(end[:]) != "\r\n" {
		return errors.New("a chunk must end with a line break")
	}
	return nil
}

// trailer returns a header of the trailer, once all has been read.
func (c *chunked) trailer(name string) string { return c.trailed.Get(name) }
