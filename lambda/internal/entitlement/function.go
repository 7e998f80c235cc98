package entitlement

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"premiumhls/internal/strictjson"
	"premiumhls/lambda/internal/awsjson"
)

const (
	// functionTime is the time limit of a function. A player waits for it, and
	// API Gateway for no more than 30 seconds.
	functionTime = 3 * time.Second
	// maxAnswered is the largest number of grants in a response.
	maxAnswered = 1000
)

// InvokeAPI is what a Function needs of an [awsjson.Client].
type InvokeAPI interface {
	Invoke(ctx context.Context, function string, payload []byte) ([]byte, error)
}

// Function calls a Lambda function. The function receives
//
//	{"viewer":SUB,"claims":{NAME:TEXT,…},"path":"course-1"}
//
// An empty path is all premium content; null requests all grants of the viewer.
// It responds with the grants of the viewer, which can be more than requested:
//
//	{"paths":[{"path":"course-1","expires":1767225600},{"path":"course-2"}]}
//	{"all":true}      or, if it expires: {"all":true,"expires":1767225600}
//	{"paths":[]}      nothing
//
// A path covers what is below it, and * everything; expires is in seconds since
// 1970. The function can receive the same request twice.
//
// If a valid response has no grant for the path, the result is [ErrNotEntitled].
// A timeout after three seconds, a failure and an invalid response are other
// errors: the viewer can be entitled and should retry.
//
// It needs lambda:InvokeFunction on the function.
type Function struct {
	client InvokeAPI
	arn    string
	now    func() time.Time
}

var functionARN = regexp.MustCompile(`^arn:aws[a-z-]*:lambda:([a-z0-9-]+):[0-9]{12}:function:[A-Za-z0-9_-]+(:[A-Za-z0-9_-]+|:\$LATEST)?$`)

// newFunction makes a Function from {"function":ARN}, in the region of the ARN.
func newFunction(rule map[string]json.RawMessage, config Config) (Decider, error) {
	arn, err := text(rule, "function")
	if err != nil {
		return nil, err
	}
	parts := functionARN.FindStringSubmatch(arn)
	if parts == nil {
		return nil, fmt.Errorf("function: invalid value %q: must be the ARN of a Lambda function", arn)
	}
	client, err := awsjson.New(awsjson.Lambda, parts[1], config.Getenv)
	if err != nil {
		return nil, fmt.Errorf("making the client of function %s: %w", arn, err)
	}
	return NewFunction(client, arn, config), nil
}

// NewFunction returns a Function that uses client.
func NewFunction(client InvokeAPI, arn string, config Config) *Function {
	return &Function{client: client, arn: arn, now: config.Now}
}

// Decide calls the function for path.
func (f *Function) Decide(ctx context.Context, viewer Viewer, path string) (Grant, error) {
	grants, err := f.ask(ctx, viewer, &path)
	if err != nil {
		return Grant{}, err
	}
	return longest(grants, path, f.now())
}

// List calls the function for all grants.
func (f *Function) List(ctx context.Context, viewer Viewer) ([]Grant, error) {
	grants, err := f.ask(ctx, viewer, nil)
	if err != nil {
		return nil, err
	}
	return current(grants, f.now()), nil
}

// A question is the payload.
type question struct {
	Viewer string            `json:"viewer"`
	Claims map[string]string `json:"claims"`
	Path   *string           `json:"path"`
}

func (f *Function) ask(ctx context.Context, viewer Viewer, path *string) ([]Grant, error) {
	payload, err := json.Marshal(question{Viewer: viewer.Subject, Claims: viewer.Claims, Path: path})
	if err != nil {
		return nil, fmt.Errorf("encoding the payload for function %s: %w", f.arn, err)
	}
	limited, cancel := context.WithTimeout(ctx, functionTime)
	defer cancel()
	answer, err := f.client.Invoke(limited, f.arn, payload)
	var failed *awsjson.FunctionError
	switch {
	case errors.As(err, &failed):
		return nil, fmt.Errorf("function %s failed: %w", f.arn, err)
	case err != nil && limited.Err() != nil:
		return nil, fmt.Errorf("function %s timed out after %v: %w", f.arn, functionTime, err)
	case err != nil:
		return nil, fmt.Errorf("calling function %s: %w", f.arn, err)
	}
	grants, err := parseAnswer(answer)
	if err != nil {
		return nil, fmt.Errorf("function %s returned an invalid response: %w", f.arn, err)
	}
	return grants, nil
}

// parseAnswer reads a response. One invalid part makes all of it invalid: its
// author meant something else.
func parseAnswer(answer []byte) ([]Grant, error) {
	members, err := strictjson.Object(answer)
	if err != nil {
		return nil, err
	}
	if err := strictjson.Only(members, "all", "expires", "paths"); err != nil {
		return nil, err
	}
	if members["all"] == nil && members["paths"] == nil {
		return nil, errors.New("it has neither all nor paths")
	}
	all := false
	switch string(members["all"]) {
	case "", "false":
	case "true":
		all = true
	default:
		return nil, errors.New("all: must be true or false")
	}
	if all {
		if members["paths"] != nil {
			return nil, errors.New("it has both all and paths")
		}
		grant := Grant{}
		if grant.Expires, err = answeredExpiry(members["expires"]); err != nil {
			return nil, err
		}
		return []Grant{grant}, nil
	}
	if members["expires"] != nil {
		return nil, errors.New("expires must be in an entry of paths, or beside all: true")
	}
	if members["paths"] == nil {
		return nil, nil
	}
	return answeredPaths(members["paths"])
}

func answeredPaths(raw json.RawMessage) ([]Grant, error) {
	var entries []json.RawMessage
	if err := json.Unmarshal(raw, &entries); err != nil || entries == nil {
		return nil, errors.New("paths: must be a list")
	}
	if len(entries) > maxAnswered {
		return nil, fmt.Errorf("paths: has %d entries: must have at most %d", len(entries), maxAnswered)
	}
	grants := make([]Grant, 0, len(entries))
	for i, entry := range entries {
		grant, err := answeredGrant(entry)
		if err != nil {
			return nil, fmt.Errorf("entry %d of paths: %w", i+1, err)
		}
		grants = append(grants, grant)
	}
	return grants, nil
}

func answeredGrant(raw json.RawMessage) (grant Grant, err error) {
	members, err := strictjson.Object(raw)
	if err != nil {
		return Grant{}, err
	}
	if err := strictjson.Only(members, "path", "expires"); err != nil {
		return Grant{}, err
	}
	var path *string
	if err := json.Unmarshal(members["path"], &path); err != nil || path == nil {
		return Grant{}, errors.New("path: must be a string")
	}
	if grant.Path, err = grantedPath(*path); err != nil {
		return Grant{}, err
	}
	if grant.Expires, err = answeredExpiry(members["expires"]); err != nil {
		return Grant{}, err
	}
	return grant, nil
}

// answeredExpiry reads when a grant expires; the zero time if it does not.
func answeredExpiry(raw json.RawMessage) (time.Time, error) {
	if raw == nil {
		return time.Time{}, nil
	}
	var seconds *float64
	if err := json.Unmarshal(raw, &seconds); err != nil || seconds == nil {
		return time.Time{}, fmt.Errorf("expires: invalid value %s: must be a number of seconds since 1970", excerpt(string(raw)))
	}
	return grantedExpiry(*seconds)
}

func excerpt(text string) string {
	if len(text) > 40 {
		text = text[:40] + "…"
	}
	return strings.ToValidUTF8(text, "?")
}
