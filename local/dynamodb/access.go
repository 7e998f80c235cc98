package dynamodb

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"

	"premiumhls/local/jsonservice"
)

const (
	targetPrefix = "DynamoDB_20120810."
	tableARN     = "arn:aws:dynamodb:us-east-1:111122223333:table/"
	maxBody      = 16 << 20 // bytes of a request (DynamoDB developer guide, "Quotas")
)

// Guarded returns the server behind IAM: it gets a request only if authorize
// allows the request's action on every table that it names.
func (s *Server) Guarded(authorize func(r *http.Request, action string, resources ...string) error) (http.Handler, error) {
	target, err := url.Parse(s.URL)
	if err != nil {
		return nil, err
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			return // the client disconnected
		}
		operation := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), targetPrefix)
		if err := authorize(r, "dynamodb:"+operation, tables(body)...); err != nil {
			denied := jsonservice.Denied(err)
			w.Header().Set("Content-Type", "application/x-amz-json-1.0")
			w.WriteHeader(http.StatusBadRequest)
			_ = json.NewEncoder(w).Encode(map[string]string{"__type": "com.amazon.coral.service#" + denied.Code, "Message": denied.Message})
			return
		}
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		proxy.ServeHTTP(w, r)
	}), nil
}

// tables returns the ARNs of the tables, or of the index, in a request.
func tables(body []byte) []string {
	var in struct {
		TableName, IndexName string
		RequestItems         map[string]json.RawMessage
		TransactItems        []map[string]struct{ TableName string }
	}
	if json.Unmarshal(body, &in) != nil {
		return nil
	}
	names := slices.Sorted(maps.Keys(in.RequestItems))
	if in.TableName != "" {
		names = append(names, in.TableName)
	}
	for _, item := range in.TransactItems {
		for _, action := range item {
			names = append(names, action.TableName)
		}
	}
	for i, name := range names {
		names[i] = tableARN + strings.TrimPrefix(name, tableARN)
		if in.IndexName != "" {
			names[i] += "/index/" + in.IndexName
		}
	}
	return names
}
