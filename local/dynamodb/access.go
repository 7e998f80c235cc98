package dynamodb

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"premiumhls/local/jsonservice"
)

const (
	targetPrefix = "DynamoDB_20120810."
	tableARN     = "arn:aws:dynamodb:us-east-1:111122223333:table/"
	maxBody      = 16 << 20 // bytes of a request (DynamoDB developer guide, "Quotas")
)

// Authorize decides a request with condition keys of its service.
type Authorize func(r *http.Request, context map[string]string, action string, resources ...string) error

// Guarded returns the server behind IAM: it gets a request only if authorize
// allows everything that the request does.
func (s *Server) Guarded(authorize Authorize) (http.Handler, error) {
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
		for _, a := range s.accesses(r.Context(), operation, body) {
			if err := authorize(r, a.context, "dynamodb:"+a.action, a.resources...); err != nil {
				denied := jsonservice.Denied(err)
				w.Header().Set("Content-Type", "application/x-amz-json-1.0")
				w.WriteHeader(http.StatusBadRequest)
				_ = json.NewEncoder(w).Encode(map[string]string{"__type": "com.amazon.coral.service#" + denied.Code, "Message": denied.Message})
				return
			}
		}
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		proxy.ServeHTTP(w, r)
	}), nil
}

// An access is what a request does, as IAM sees it.
type access struct {
	action    string
	context   map[string]string
	resources []string
}

// A keyed is a request, or an action of a transaction, with one item.
type keyed struct {
	TableName string
	Key, Item map[string]json.RawMessage
}

// accesses returns what a request does. A transaction needs the permission of
// each of its actions and none of its own (DynamoDB developer guide, "Using IAM
// with DynamoDB transactions").
func (s *Server) accesses(ctx context.Context, operation string, body []byte) []access {
	var in struct {
		keyed
		IndexName     string
		RequestItems  map[string]json.RawMessage
		TransactItems []map[string]keyed
	}
	if json.Unmarshal(body, &in) != nil {
		return []access{{action: operation}}
	}
	if len(in.TransactItems) > 0 {
		var all []access
		for _, item := range in.TransactItems {
			for kind, request := range item {
				conditions := map[string]string{leadingKeys: s.partition(ctx, request), "dynamodb:EnclosingOperation": operation}
				all = append(all, access{kind + "Item", conditions, []string{arnOf(request.TableName)}})
			}
		}
		return all
	}
	a := access{action: operation, context: map[string]string{leadingKeys: s.partition(ctx, in.keyed)}}
	for _, name := range slices.Sorted(maps.Keys(in.RequestItems)) {
		a.resources = append(a.resources, arnOf(name))
	}
	switch {
	case in.IndexName != "":
		a.resources = append(a.resources, arnOf(in.TableName)+"/index/"+in.IndexName)
	case in.TableName != "":
		a.resources = append(a.resources, arnOf(in.TableName))
	}
	return []access{a}
}

// leadingKeys is the condition key with the partition key of a request's item.
const leadingKeys = "dynamodb:LeadingKeys"

// partition returns the partition key of a request's item. Requests with several
// items, such as Query, have a value here that no policy names.
func (s *Server) partition(ctx context.Context, request keyed) string {
	item := request.Key
	if item == nil {
		item = request.Item
	}
	var value struct{ S, N string }
	if item == nil || json.Unmarshal(item[s.partitionKey(ctx, request.TableName)], &value) != nil {
		return "\x00several"
	}
	return value.S + value.N
}

// partitionKey returns the name of a table's partition key; empty if there is no
// such table.
func (s *Server) partitionKey(ctx context.Context, table string) string {
	if name, ok := s.keys.Load(table); ok {
		return name.(string)
	}
	described, err := s.client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &table})
	if err != nil {
		return ""
	}
	for _, element := range described.Table.KeySchema {
		if element.KeyType == types.KeyTypeHash {
			s.keys.Store(table, *element.AttributeName)
			return *element.AttributeName
		}
	}
	return ""
}

func arnOf(table string) string { return tableARN + strings.TrimPrefix(table, tableARN) }
