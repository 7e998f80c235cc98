package entitlement

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"slices"
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
// A subject that begins like the key of an address or a sale is not entitled:
// see package grantitem.
//
// It needs dynamodb:BatchGetItem and dynamodb:Query on the table, and for grants
// to addresses what [Table.WithEmails] says.
type Table struct {
	client DynamoDBAPI
	name   string
	emails bool
	logger *slog.Logger
	now    func() time.Time
}

// newTable makes a Table from {"table":NAME} or {"table":NAME,"emails":true}.
func newTable(rule map[string]json.RawMessage, config Config) (Decider, error) {
	name, err := text(rule, "table")
	if err != nil {
		return nil, err
	}
	client, err := awsjson.New(awsjson.DynamoDB, "", config.Getenv)
	if err != nil {
		return nil, fmt.Errorf("making the client of table %s: %w", name, err)
	}
	t := NewTable(client, name, config)
	switch string(rule["emails"]) {
	case "", "false":
	case "true":
		t.WithEmails()
	default:
		return nil, fmt.Errorf("emails: invalid value %s: must be true or false", rule["emails"])
	}
	return t, nil
}

// NewTable returns a Table that uses client.
func NewTable(client DynamoDBAPI, name string, config Config) *Table {
	return &Table{client: client, name: name, logger: config.Logger, now: config.Now}
}

// Decide reads the grants of path, of the paths above it and of everything.
func (t *Table) Decide(ctx context.Context, viewer Viewer, path string) (Grant, error) {
	if t.reserved(ctx, viewer) {
		return Grant{}, ErrNotEntitled
	}
	ctx, cancel := context.WithTimeoutCause(ctx, tableTime, errors.New("timed out"))
	defer cancel()
	paths := covering(path)
	holders := []string{viewer.Subject}
	address := t.address(viewer)
	if address != "" {
		holders = append(holders, address)
	}
	grants, err := t.get(ctx, holders, paths)
	if err != nil {
		return Grant{}, fmt.Errorf("reading grants from table %s: %w", t.name, err)
	}
	own := grants[viewer.Subject]
	if len(grants[address]) == 0 {
		return longest(own, path, t.now())
	}
	claimErr := t.claim(ctx, viewer.Subject, address, grants[address])
	if grants, err = t.get(ctx, holders[:1], paths); err == nil {
		own = grants[viewer.Subject]
	}
	grant, entitledErr := longest(own, path, t.now())
	if err = errors.Join(claimErr, err); err != nil && entitledErr != nil {
		return Grant{}, fmt.Errorf("claiming grants in table %s: %w", t.name, err)
	}
	t.warn(ctx, err)
	return grant, entitledErr
}

// reserved reports whether a viewer's subject is the key of something else.
func (t *Table) reserved(ctx context.Context, viewer Viewer) bool {
	reserved := grantitem.Reserved(viewer.Subject)
	if reserved {
		t.logger.WarnContext(ctx, "subject of the token is reserved: it begins with email: or sale:", "table", t.name)
	}
	return reserved
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
	if t.reserved(ctx, viewer) {
		return nil, nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, tableTime, errors.New("timed out"))
	defer cancel()
	var claimErr error
	if address := t.address(viewer); address != "" {
		claimErr = t.claim(ctx, viewer.Subject, address, nil)
	}
	grants, err := t.list(ctx, viewer.Subject)
	if err != nil {
		return nil, fmt.Errorf("listing grants from table %s: %w", t.name, err)
	}
	if claimErr != nil && len(grants) == 0 {
		return nil, fmt.Errorf("claiming grants in table %s: %w", t.name, claimErr)
	}
	t.warn(ctx, claimErr)
	return grants, nil
}

// warn logs an error of a claim of a viewer who has other grants.
func (t *Table) warn(ctx context.Context, err error) {
	if err != nil {
		t.logger.WarnContext(ctx, "grants of an address are not claimed yet", "table", t.name, "cause", err.Error())
	}
}

func (t *Table) list(ctx context.Context, viewer string) ([]Grant, error) {
	var grants []Grant
	for page, err := range t.pages(ctx, viewer) {
		if err != nil {
			return nil, err
		}
		for _, item := range page {
			grant, err := item.grant(viewer)
			if errors.Is(err, errNoPath) || errors.Is(err, errUnknownExpiry) {
				t.logger.WarnContext(ctx, "grant ignored", "table", t.name, "cause", err.Error())
				continue
			}
			if err != nil {
				return nil, err
			}
			grants = append(grants, grant)
		}
	}
	return current(grants, t.now()), nil
}

// pages returns the items of a partition key, in pages. More than maxPages are
// logged and not read.
func (t *Table) pages(ctx context.Context, viewer string) iter.Seq2[[]item, error] {
	return func(yield func([]item, error) bool) {
		input := query{
			TableName:                 t.name,
			ConsistentRead:            true,
			Limit:                     pageSize,
			KeyConditionExpression:    "#v = :v",
			ExpressionAttributeValues: map[string]value{":v": {S: &viewer}},
			ExpressionAttributeNames:  map[string]string{"#v": "viewer"},
		}
		for range maxPages {
			page, err := call[queried](ctx, t, "Query", input)
			if !yield(page.Items, err) || err != nil || len(page.LastEvaluatedKey) == 0 {
				return
			}
			input.ExclusiveStartKey = page.LastEvaluatedKey
		}
		// A grant of everything is among them: no path sorts before *.
		t.logger.WarnContext(ctx, "viewer has more grants than are listed", "table", t.name, "read", maxPages*pageSize)
	}
}

// get reads the grants of holders, of which the first is the viewer's subject,
// for paths. It retries the keys that DynamoDB did not process.
func (t *Table) get(ctx context.Context, holders, paths []string) (map[string][]Grant, error) {
	type key struct{ holder, path string }
	wanted := keysAndAttributes{ConsistentRead: true}
	missing := make(map[key]bool, len(holders)*len(paths))
	for h := range holders {
		for p := range paths {
			wanted.Keys = append(wanted.Keys, keyOf(holders[h], paths[p]))
			missing[key{holders[h], paths[p]}] = true
		}
	}
	grants := map[string][]Grant{}
	for failed := range tableBackoff.Attempts {
		if failed > 0 && !tableBackoff.Wait(ctx, failed) {
			break
		}
		got, err := call[batchGot](ctx, t, "BatchGetItem", batchGet{RequestItems: map[string]keysAndAttributes{t.name: wanted}})
		if err != nil {
			return nil, err
		}
		for _, item := range got.Responses[t.name] {
			holder := item.holder(holders)
			grant, err := item.grant(holder)
			// An invalid item of an address grants nothing until a person repairs
			// it; an invalid one of the viewer can hide a grant.
			ignored := errors.Is(err, errUnknownExpiry) || err != nil && holder != holders[0] && item["path"].S != nil
			if err != nil && !ignored {
				return nil, err
			}
			k := key{holder, *item["path"].S}
			if !missing[k] {
				return nil, errors.New("item was not requested, or returned twice")
			}
			delete(missing, k)
			if ignored {
				t.logger.WarnContext(ctx, "grant ignored", "table", t.name, "cause", err.Error())
				continue
			}
			grants[holder] = append(grants[holder], grant)
		}
		left, partly := got.UnprocessedKeys[t.name]
		if !partly || len(left.Keys) == 0 {
			return grants, nil
		}
		wanted.Keys = left.Keys
	}
	return nil, fmt.Errorf("%d items were not processed", len(wanted.Keys))
}

func keyOf(viewer, path string) item {
	return item{"viewer": {S: &viewer}, "path": {S: &path}}
}

// holder returns the holder among some whose item this is: the first if it is
// none's.
func (i item) holder(holders []string) string {
	if owner := i["viewer"].S; owner != nil && slices.Contains(holders, *owner) {
		return *owner
	}
	return holders[0]
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

// A value is a string, a number or a map. For other types all fields are nil.
type value struct {
	S *string          `json:",omitempty"`
	N *string          `json:",omitempty"`
	M map[string]value `json:",omitempty"`
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
	end, err := until.expiry()
	if err != nil {
		return Grant{}, fmt.Errorf("until of the grant of %s %w", *i["path"].S, err)
	}
	return Grant{Path: path, Expires: end}, nil
}

// expiry reads a number as an expiry.
func (v value) expiry() (time.Time, error) {
	if v.N == nil {
		return time.Time{}, errors.New("is not a number")
	}
	seconds, err := strconv.ParseFloat(strings.TrimSpace(*v.N), 64)
	if err != nil {
		return time.Time{}, errors.New("is not a number")
	}
	end, err := grantedExpiry(seconds)
	if err != nil {
		return time.Time{}, fmt.Errorf("is an %w", err)
	}
	return end, nil
}
