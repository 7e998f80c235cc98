package entitlement

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strconv"
	"strings"
	"time"

	"premiumhls/internal/grantitem"
	"premiumhls/lambda/internal/awsjson"
	"premiumhls/lambda/internal/retry"
)

// tableTime bounds a read of the table with all its attempts, and tableBackoff
// each attempt. A healthy table responds in milliseconds.
const tableTime = 4 * time.Second

var tableBackoff = retry.Backoff{
	Attempt: 1500 * time.Millisecond, LongestAttempt: 1500 * time.Millisecond,
	Pause: 100 * time.Millisecond, LongestPause: time.Second,
	Attempts: 4,
}

const (
	// pageSize and maxPages bound what a list reads.
	pageSize = 250
	maxPages = 8
)

// DynamoDBAPI is the part of [awsjson.Client] that a Table needs.
type DynamoDBAPI interface {
	Call(ctx context.Context, operation string, input, output any) error
}

// Table reads grants from a DynamoDB table. A grant is an item with the partition
// key viewer, the token's sub; the sort key path, which covers itself and what is
// below it, or * for everything; and, if the grant expires, the number until, in
// seconds since 1970. An item with another attribute that is named like an
// expiry, such as expiresAt or ttl, grants nothing: its author meant the grant to
// expire. Other attributes are ignored.
//
// Reads are strongly consistent, so that a viewer can watch what was granted a
// moment ago. An expired item grants nothing, whether or not DynamoDB has deleted
// it. If the table does not respond, or a requested item is invalid, the result
// is an error and never a grant.
//
// It needs dynamodb:BatchGetItem and dynamodb:Query on the table.
type Table struct {
	client DynamoDBAPI
	name   string
	logger *slog.Logger
	now    func() time.Time
}

// newTable makes a Table from {"table":NAME}.
func newTable(rule map[string]json.RawMessage, config Config) (Decider, error) {
	name, err := text(rule, "table")
	if err != nil {
		return nil, err
	}
	client, err := awsjson.New(awsjson.DynamoDB, "", config.Getenv)
	if err != nil {
		return nil, fmt.Errorf("making the client of table %s: %w", name, err)
	}
	return NewTable(client, name, config), nil
}

// NewTable returns a Table that uses client.
func NewTable(client DynamoDBAPI, name string, config Config) *Table {
	return &Table{client: client, name: name, logger: config.Logger, now: config.Now}
}

// Decide reads the grants of path, of the paths above it and of everything.
func (t *Table) Decide(ctx context.Context, viewer Viewer, path string) (Grant, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, tableTime, errors.New("timed out"))
	defer cancel()
	grants, err := t.get(ctx, viewer.Subject, covering(path))
	if err != nil {
		return Grant{}, fmt.Errorf("reading grants from table %s: %w", t.name, err)
	}
	return longest(grants, path, t.now())
}

// covering returns the sort keys of the grants that cover path. One BatchGetItem
// takes them all: they are at most [premiumpath.MaxSegments] and one.
func covering(path string) []string {
	paths := []string{everything}
	for i := range len(path) {
		if path[i] == '/' {
			paths = append(paths, path[:i])
		}
	}
	if path != "" {
		paths = append(paths, path)
	}
	return paths
}

// List reads all grants of a viewer, at most a few thousand.
func (t *Table) List(ctx context.Context, viewer Viewer) ([]Grant, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, tableTime, errors.New("timed out"))
	defer cancel()
	input := query{
		TableName:                 t.name,
		ConsistentRead:            true,
		Limit:                     pageSize,
		KeyConditionExpression:    "#v = :v",
		ExpressionAttributeValues: map[string]value{":v": {S: &viewer.Subject}},
		ExpressionAttributeNames:  map[string]string{"#v": "viewer"},
	}
	var grants []Grant
	for range maxPages {
		page, err := call[queried](ctx, t, "Query", input)
		if err != nil {
			return nil, fmt.Errorf("listing grants from table %s: %w", t.name, err)
		}
		for _, item := range page.Items {
			grant, err := item.grant(viewer.Subject)
			if errors.Is(err, errNoPath) || errors.Is(err, errUnknownExpiry) {
				t.logger.WarnContext(ctx, "grant ignored", "table", t.name, "cause", err.Error())
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("listing grants from table %s: %w", t.name, err)
			}
			grants = append(grants, grant)
		}
		if len(page.LastEvaluatedKey) == 0 {
			return current(grants, t.now()), nil
		}
		input.ExclusiveStartKey = page.LastEvaluatedKey
	}
	// A grant of everything is among them: no path sorts before *.
	t.logger.WarnContext(ctx, "viewer has more grants than are listed", "table", t.name, "read", len(grants))
	return current(grants, t.now()), nil
}

// get reads the items of paths that exist. It retries the keys that DynamoDB did
// not process.
func (t *Table) get(ctx context.Context, viewer string, paths []string) ([]Grant, error) {
	wanted := keysAndAttributes{ConsistentRead: true}
	missing := make(map[string]bool, len(paths))
	for i := range paths {
		wanted.Keys = append(wanted.Keys, item{"viewer": {S: &viewer}, "path": {S: &paths[i]}})
		missing[paths[i]] = true
	}
	var grants []Grant
	for failed := range tableBackoff.Attempts {
		if failed > 0 && !tableBackoff.Wait(ctx, failed) {
			break
		}
		got, err := call[batchGot](ctx, t, "BatchGetItem", batchGet{RequestItems: map[string]keysAndAttributes{t.name: wanted}})
		if err != nil {
			return nil, err
		}
		for _, item := range got.Responses[t.name] {
			grant, err := item.grant(viewer)
			ignored := errors.Is(err, errUnknownExpiry)
			if err != nil && !ignored {
				return nil, err
			}
			key := *item["path"].S
			if !missing[key] {
				return nil, errors.New("item was not requested, or returned twice")
			}
			delete(missing, key)
			if ignored {
				t.logger.WarnContext(ctx, "grant ignored", "table", t.name, "cause", err.Error())
				continue
			}
			grants = append(grants, grant)
		}
		left, partly := got.UnprocessedKeys[t.name]
		if !partly || len(left.Keys) == 0 {
			return grants, nil
		}
		wanted.Keys = left.Keys
	}
	return nil, fmt.Errorf("%d items were not processed", len(wanted.Keys))
}

// call retries errors that can pass.
func call[T any](ctx context.Context, t *Table, operation string, input any) (T, error) {
	return retry.Call(ctx, tableBackoff, permanent, func(ctx context.Context) (output T, err error) {
		err = t.client.Call(ctx, operation, input, &output)
		return output, err
	})
}

// permanent reports whether the same call would fail again.
func permanent(err error) bool {
	refused, ok := errors.AsType[*awsjson.Error](err)
	return ok && !refused.Temporary()
}

type query struct {
	TableName                 string
	ConsistentRead            bool
	Limit                     int
	KeyConditionExpression    string
	ExpressionAttributeValues map[string]value
	ExpressionAttributeNames  map[string]string
	ExclusiveStartKey         item `json:",omitempty"`
}

type queried struct {
	Items            []item
	LastEvaluatedKey item
}

type batchGet struct {
	RequestItems map[string]keysAndAttributes
}

type keysAndAttributes struct {
	Keys           []item
	ConsistentRead bool
}

type batchGot struct {
	Responses       map[string][]item
	UnprocessedKeys map[string]struct{ Keys []item }
}

// An item is the attributes of an item by name.
type item map[string]value

// A value is a string or a number. For other types both fields are nil.
type value struct {
	S *string `json:",omitempty"`
	N *string `json:",omitempty"`
}

var (
	// errNoPath reports an item with a path that viewers cannot request.
	errNoPath = errors.New("path of an item is not a premium path")
	// errUnknownExpiry reports an item with an expiry that the signer does not
	// read.
	errUnknownExpiry = errors.New("unknown expiry attribute")
)

// grant reads an item, which must be the viewer's.
func (i item) grant(viewer string) (Grant, error) {
	if owner := i["viewer"].S; owner == nil || *owner != viewer {
		return Grant{}, errors.New("item of another viewer")
	}
	if i["path"].S == nil {
		return Grant{}, errors.New("path of an item is not a string")
	}
	path, err := grantedPath(*i["path"].S)
	if err != nil {
		return Grant{}, errNoPath
	}
	if name, ok := grantitem.UnknownExpiry(maps.Keys(i)); ok {
		return Grant{}, fmt.Errorf("%w %q of the grant of %s: must be until", errUnknownExpiry, name, *i["path"].S)
	}
	until, ends := i[grantitem.Until]
	if !ends {
		return Grant{Path: path}, nil
	}
	if until.N == nil {
		return Grant{}, fmt.Errorf("until of the grant of %s is not a number", *i["path"].S)
	}
	seconds, err := strconv.ParseFloat(strings.TrimSpace(*until.N), 64)
	if err != nil {
		return Grant{}, fmt.Errorf("until of the grant of %s is not a number", *i["path"].S)
	}
	end, err := grantedExpiry(seconds)
	if err != nil {
		return Grant{}, fmt.Errorf("the grant of %s: %w", *i["path"].S, err)
	}
	return Grant{Path: path, Expires: end}, nil
}
