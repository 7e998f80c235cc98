package cloud

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	edge "premiumhls/local/cloudfront"
	"premiumhls/local/s3"
)

// logDelay is how long requests wait for the file that holds them. CloudFront
// delivers within an hour.
const logDelay = 5 * time.Second

// An accessLog collects requests of the distribution, and delivers them into
// the bucket that the template names.
type accessLog struct {
	mu      sync.Mutex
	lines   strings.Builder
	pending bool // a delivery will come
}

// log adds a request to the access log, if the distribution has one.
func (c *Cloud) log(e edge.Entry) {
	if c.options.Requests != nil {
		c.options.Requests(e)
	}
	l := &c.accessLog
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines.WriteString(e.LogLine(c.options.Host))
	if !l.pending {
		l.pending = true
		time.AfterFunc(logDelay, func() {
			if err := c.deliverLog(); err != nil {
				c.options.Log.Error("delivering the access log", "error", err)
			}
		})
	}
}

// deliverLog writes a file with the requests since the last one.
func (c *Cloud) deliverLog() error {
	l := &c.accessLog
	l.mu.Lock()
	lines := l.lines.String()
	l.lines.Reset()
	l.pending = false
	l.mu.Unlock()
	bucket, prefix, distribution := c.logBucket()
	if bucket == nil || lines == "" {
		return nil
	}
	var file bytes.Buffer
	w := gzip.NewWriter(&file)
	if _, err := io.WriteString(w, edge.LogHeader+lines); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	// The name: CloudFront developer guide, "File name format".
	key := fmt.Sprintf("%s%s.%s.%s.gz", prefix, distribution, time.Now().UTC().Format("2006-01-02-15"), strings.ToLower(rand.Text()[:8]))
	return bucket.Put(key, s3.Object{Content: file.Bytes(), ContentType: "application/x-gzip"})
}

// logBucket is where the distribution's access log goes; nil for nowhere.
func (c *Cloud) logBucket() (bucket *s3.Bucket, prefix, distribution string) {
	for _, d := range c.stack.Resources("AWS::CloudFront::Distribution") {
		config, _ := d.Properties["DistributionConfig"].(map[string]any)
		logging, ok := config["Logging"].(map[string]any)
		if !ok {
			continue
		}
		prefix, _ = logging["Prefix"].(string)
		return c.buckets.byDomain(fmt.Sprint(logging["Bucket"])), prefix, d.State.PhysicalID
	}
	return nil, "", ""
}

// AccessLog delivers the distribution's access log, and returns all of it that
// is in the bucket.
func (c *Cloud) AccessLog() (string, error) {
	if err := c.deliverLog(); err != nil {
		return "", err
	}
	bucket, prefix, _ := c.logBucket()
	if bucket == nil {
		return "", fmt.Errorf("the distribution has no access log: set accessLogs")
	}
	var all strings.Builder
	for _, key := range bucket.List(prefix) {
		content, err := bucket.Read(key)
		if err != nil {
			return "", err
		}
		if !strings.HasSuffix(key, ".gz") {
			continue
		}
		r, err := gzip.NewReader(bytes.NewReader(content))
		if err != nil {
			return "", fmt.Errorf("reading %s: %w", key, err)
		}
		if _, err := io.Copy(&all, r); err != nil {
			return "", fmt.Errorf("reading %s: %w", key, err)
		}
	}
	return all.String(), nil
}
