package cloud

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	edge "premiumhls/local/cloudfront"
	"premiumhls/local/s3"
)

// logDelay is the delay between a request and the delivery of its log file.
// CloudFront delivers within an hour.
const logDelay = 5 * time.Second

// An accessLog collects requests of the distribution, and delivers them into
// the bucket that the template names.
type accessLog struct {
	mu      sync.Mutex
	lines   strings.Builder
	pending bool // a delivery is scheduled
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
	to := c.logTarget()
	if to.bucket == nil || lines == "" {
		return nil
	}
	var file bytes.Buffer
	w := gzip.NewWriter(&file)
	if _, err := io.WriteString(w, to.format(lines)); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	now := time.Now().UTC()
	// The name: CloudFront developer guide, "File name format".
	key := fmt.Sprintf("%s%s.%s.%s.gz", to.folder(now), to.distribution, now.Format("2006-01-02-15"), strings.ToLower(rand.Text()[:8]))
	return to.bucket.Put(key, s3.Object{Content: file.Bytes(), ContentType: "application/x-gzip"})
}

// A logTarget is where the distribution's access log goes, and how. Without a
// bucket it goes nowhere.
type logTarget struct {
	bucket       *s3.Bucket
	prefix       string
	distribution string
	// Of standard logging v2: the path below prefix, with variables such as
	// {yyyy}, and the fields. Without fields it is the legacy log.
	suffix    string
	fields    []string
	delimiter string
}

// logTarget reads the target from the distribution or from a delivery.
func (c *Cloud) logTarget() logTarget {
	var to logTarget
	for _, d := range c.stack.Resources("AWS::CloudFront::Distribution") {
		to.distribution = d.State.PhysicalID
		config, _ := d.Properties["DistributionConfig"].(map[string]any)
		if logging, ok := config["Logging"].(map[string]any); ok {
			to.prefix, _ = logging["Prefix"].(string)
			to.bucket = c.buckets.byDomain(fmt.Sprint(logging["Bucket"]))
			return to
		}
	}
	for _, delivery := range c.stack.Resources("AWS::Logs::Delivery") {
		for _, destination := range c.stack.Resources("AWS::Logs::DeliveryDestination") {
			if destination.State.Attributes["Arn"] != delivery.Properties["DeliveryDestinationArn"] {
				continue
			}
			to.bucket = c.buckets[strings.TrimPrefix(fmt.Sprint(destination.Properties["DestinationResourceArn"]), "arn:aws:s3:::")]
		}
		// What CloudFront adds when the delivery is created.
		to.prefix = "AWSLogs/" + c.where().AccountID + "/CloudFront/"
		to.suffix, _ = delivery.Properties["S3SuffixPath"].(string)
		to.delimiter, _ = delivery.Properties["FieldDelimiter"].(string)
		to.fields = []string{}
		for _, field := range list(delivery.Properties["RecordFields"]) {
			to.fields = append(to.fields, fmt.Sprint(field))
		}
	}
	return to
}

// folder is the folder of a file that is delivered now.
func (to logTarget) folder(now time.Time) string {
	if to.fields == nil {
		return to.prefix
	}
	variables := strings.NewReplacer("{DistributionId}", to.distribution, "{yyyy}", now.Format("2006"), "{MM}", now.Format("01"), "{dd}", now.Format("02"), "{HH}", now.Format("15"))
	return to.prefix + variables.Replace(to.suffix) + "/"
}

// format makes a file of lines of the legacy log.
func (to logTarget) format(lines string) string {
	if to.fields == nil {
		return edge.LogHeader + lines
	}
	_, header, _ := strings.Cut(edge.LogHeader, "#Fields: ")
	names := strings.Fields(header)
	var b strings.Builder
	for line := range strings.Lines(lines) {
		values := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		kept := make([]string, len(to.fields))
		for i, field := range to.fields {
			if at := slices.Index(names, field); at >= 0 {
				kept[i] = values[at]
			}
		}
		b.WriteString(strings.Join(kept, to.delimiter) + "\n")
	}
	return b.String()
}

// AccessLog delivers the pending access log, and returns the whole log in the
// bucket.
func (c *Cloud) AccessLog() (string, error) {
	if err := c.deliverLog(); err != nil {
		return "", err
	}
	to := c.logTarget()
	if to.bucket == nil {
		return "", fmt.Errorf("the distribution has no access log: set accessLogs")
	}
	var all strings.Builder
	for _, key := range to.bucket.List(to.prefix) {
		content, err := to.bucket.Read(key)
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
