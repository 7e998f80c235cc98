package main

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/aws/aws-lambda-go/events"
)

// maxBody is the largest body of a response in bytes, as JSON has it. Lambda
// takes a response of 6,291,556 bytes (Lambda quotas); the rest is for the
// headers. API Gateway takes more: 10 MB.
const maxBody = 6_000_000

// level is that of gzip. Playlists repeat themselves so much that higher levels
// take longer and save nothing (BenchmarkCompression).
const level = 2

// smallest is the smallest playlist that is worth compressing, in bytes.
const smallest = 1 << 10

// encode returns the response with a playlist, compressed if the viewer accepts
// it.
func encode(text, acceptEncoding string) (events.APIGatewayV2HTTPResponse, error) {
	response := events.APIGatewayV2HTTPResponse{StatusCode: http.StatusOK, Headers: map[string]string{
		"content-type": "application/vnd.apple.mpegurl",
		// Nobody else may get it, and it must not be used for longer than the
		// link.
		"cache-control": "private, no-store",
		"vary":          "accept-encoding",
		// No request for what it names has its URL, which has the link.
		"referrer-policy":        "no-referrer",
		"x-content-type-options": "nosniff",
	}}
	if len(text) >= smallest && acceptsGzip(acceptEncoding) {
		compressed, err := compress(text)
		if err != nil {
			return response, err
		}
		response.Headers["content-encoding"] = "gzip"
		response.Body, response.IsBase64Encoded = compressed, true
	} else {
		response.Body = text
	}
	if size := jsonSize(response); size > maxBody {
		return response, playlistTooLarge.because(fmt.Errorf("the response would have %d bytes: must be at most %d; clients that accept gzip get larger playlists", size, maxBody))
	}
	return response, nil
}

// jsonSize returns how many bytes a body takes as a JSON string, at most.
func jsonSize(r events.APIGatewayV2HTTPResponse) int {
	size := len(r.Body)
	if !r.IsBase64Encoded {
		for _, escaped := range []string{`"`, `\`, "\n", "\r", "\t"} {
			size += strings.Count(r.Body, escaped)
		}
	}
	return size
}

// compress returns a text with gzip in base64.
func compress(text string) (string, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, level)
	if err != nil {
		return "", err
	}
	if _, err := io.WriteString(w, text); err != nil {
		return "", err
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(b.Bytes()), nil
}

// acceptsGzip reports whether an Accept-Encoding accepts gzip, and does not
// prefer no encoding (RFC 9110, section 12.5.3).
func acceptsGzip(header string) bool {
	gzip, identity, others := -1.0, -1.0, -1.0 // weights; -1: not listed
	for item := range strings.SplitSeq(strings.ToLower(header), ",") {
		coding, parameters, _ := strings.Cut(item, ";")
		weight := weightOf(parameters)
		switch strings.TrimSpace(coding) {
		case "gzip", "x-gzip":
			gzip = max(gzip, weight)
		case "identity":
			identity = weight
		case "*":
			others = weight
		}
	}
	if gzip < 0 {
		gzip = others
	}
	return gzip > 0 && gzip >= identity
}

// weightOf returns the weight in the parameters of a coding: 1 without one, and
// 0 if it is invalid.
func weightOf(parameters string) float64 {
	name, value, found := strings.Cut(parameters, "=")
	if !found || strings.TrimSpace(name) != "q" {
		return 1
	}
	weight, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	if err != nil || !(weight >= 0 && weight <= 1) {
		return 0
	}
	return weight
}
