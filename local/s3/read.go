package s3

import (
	"fmt"
	"io"
)

// Read returns the content of the object with a key.
func (b *Bucket) Read(key string) ([]byte, error) {
	object, ok := b.get(key)
	if !ok {
		return nil, fmt.Errorf("there is no %q in bucket %s", key, b.name)
	}
	body, err := object.open()
	if err != nil {
		return nil, fmt.Errorf("reading %q of bucket %s: %w", key, b.name, err)
	}
	defer body.Close()
	return io.ReadAll(body)
}
