package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net/http"
	"time"

	"premiumhls/internal/logfield"
	"premiumhls/internal/metric"
)

// An outcome is the result of a request, for the log.
type outcome struct {
	status   int
	decision string // a route's, or the code of a refusal
	err      error  // why it was refused, or nil
	began    time.Time
	took     time.Duration
}

// log writes the line of a request, with its metrics. It has no token, cookie or
// secret, and unless logViewers is plain only a digest of the viewer.
func (h *handler) log(ctx context.Context, r *request, o outcome) {
	level := slog.LevelInfo
	if o.status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	if !h.logger.Enabled(ctx, level) {
		return
	}
	viewer, address := r.viewer.Subject, r.address
	if h.settings.LogViewers != "plain" {
		key := r.snapshot.DigestKey()
		viewer, address = digest(key, viewer), digest(key, address)
	}
	attrs := make([]slog.Attr, 0, 16)
	attrs = append(attrs,
		slog.String(logfield.RequestID, r.event.RequestContext.RequestID),
		slog.String(logfield.EdgeRequest, r.edgeRequest),
		slog.String(logfield.Decision, o.decision),
		slog.Int(logfield.Status, o.status),
		slog.String(logfield.Path, r.path.String()),
		slog.String(logfield.Viewer, viewer),
		slog.String(logfield.Address, address),
		slog.Float64(logfield.Duration, milliseconds(o.took)),
	)
	if r.key != nil {
		attrs = append(attrs, slog.String(logfield.Key, r.key.Name))
	}
	if o.err == nil && r.expires != 0 {
		attrs = append(attrs, slog.Int64(logfield.Expires, r.expires))
	}
	if o.err != nil {
		attrs = append(attrs, slog.String(logfield.Cause, o.err.Error()))
	}
	h.logger.LogAttrs(ctx, level, logfield.Message, append(attrs, h.metrics(r, o)...)...)
}

// metrics returns the metrics in the line of a request.
func (h *handler) metrics(r *request, o outcome) []slog.Attr {
	values := append(make([]metric.Value, 0, 3), metric.Value{Metric: metric.Latency, Of: milliseconds(o.took)})
	reason := ""
	switch {
	case o.err != nil:
		reason = o.decision
		values = append(values, metric.Value{Metric: metric.Refused, Of: 1})
		if o.status >= http.StatusInternalServerError {
			values = append(values, metric.Value{Metric: metric.Failed, Of: 1})
		}
	case r.expires != 0:
		values = append(values,
			metric.Value{Metric: metric.Issued, Of: 1},
			metric.Value{Metric: metric.KeyAge, Of: o.began.Sub(r.key.TrustedSince).Seconds()})
	}
	return h.settings.metrics.Attrs(o.began, reason, values...)
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// digest returns the digest of a viewer or an address for the log. Without the
// key nobody can find the text by trying all candidates.
func digest(key []byte, text string) string {
	if text == "" || len(key) == 0 {
		return ""
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil)[:8])
}
