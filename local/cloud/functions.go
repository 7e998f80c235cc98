package cloud

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"premiumhls/local/cloudformation"
	"premiumhls/local/iam"
	"premiumhls/local/jsonservice"
	"premiumhls/local/lambda"
	"premiumhls/stacks/assets"
)

// functions is the provider of AWS::Lambda::Function: it builds the Go package
// that the template names for this machine and runs it. The CDK's own functions
// have none: other providers do their work.
type functions struct {
	options     Options
	environment map[string]string // endpoints of the services

	authority *iam.Authority

	mu      sync.Mutex
	callers map[string]iam.Caller     // sessions of functions' roles, by the function's ARN
	running map[string]*lambda.Runner // by ARN
	retired []*lambda.Runner          // replaced, possibly still running
}

func newFunctions(options Options, environment map[string]string, authority *iam.Authority) *functions {
	return &functions{options: options, environment: environment, authority: authority,
		callers: map[string]iam.Caller{}, running: map[string]*lambda.Runner{}}
}

func (f *functions) provider(generic cloudformation.Generic) cloudformation.Provider {
	return functionProvider{generic, f}
}

type functionProvider struct {
	cloudformation.Generic
	functions *functions
}

func (p functionProvider) Create(ctx context.Context, r cloudformation.Resource) (cloudformation.State, error) {
	state, err := p.Generic.Create(ctx, r)
	if err != nil {
		return state, err
	}
	return state, p.functions.start(ctx, r, state)
}

func (p functionProvider) Update(ctx context.Context, r cloudformation.Resource, _ cloudformation.State) (cloudformation.State, error) {
	return p.Create(ctx, r)
}

func (p functionProvider) Delete(_ context.Context, _ cloudformation.Resource, state cloudformation.State) error {
	p.functions.put(arn(state), nil)
	return nil
}

func arn(state cloudformation.State) string {
	text, _ := state.Attributes["Arn"].(string)
	return text
}

// start builds and starts a function, in place of the one that has its ARN.
func (f *functions) start(ctx context.Context, r cloudformation.Resource, state cloudformation.State) error {
	credentials, caller, err := f.authority.Assume("lambda.amazonaws.com", fmt.Sprint(r.Properties["Role"]), state.PhysicalID, nil)
	if err != nil {
		return fmt.Errorf("InvalidParameterValueException: the role defined for the function cannot be assumed by Lambda: %w", err)
	}
	f.mu.Lock()
	f.callers[arn(state)] = caller
	f.mu.Unlock()
	function := lambda.Function{
		Name:    state.PhysicalID,
		Timeout: time.Duration(number(r.Properties["Timeout"])) * time.Second,
		// An account's default: a burst of viewers starts new environments.
		Concurrency: 1000,
		MemoryMB:    number(r.Properties["MemorySize"]),
		Log:         f.options.Functions,
		Credentials: credentials,
		LogGroup:    inner(r.Properties, "LoggingConfig", "LogGroup"),
		Tracing:     inner(r.Properties, "TracingConfig", "Mode") == "Active",
		Authorize:   func(action, resource string) error { return f.may(arn(state), action, resource) },
	}
	pkg, ok := r.Metadata[assets.PackageMetadata].(string)
	if !ok {
		function.MayLog() // a provider does this function's work, and logs like it
		return nil
	}
	environment := maps.Clone(f.environment)
	if e, ok := r.Properties["Environment"].(map[string]any); ok {
		variables, _ := e["Variables"].(map[string]any)
		for name, value := range variables {
			environment[name] = fmt.Sprint(value)
		}
	}
	function.Binary, function.Env = f.binary(pkg), environment
	f.put(arn(state), lambda.Start(function))
	return nil
}

// binary is the file that the package of a function is built into.
func (f *functions) binary(pkg string) string {
	return filepath.Join(f.options.Assembly, "functions", filepath.Base(pkg))
}

// may decides whether a function's role allows an action.
func (f *functions) may(function, action, resource string) error {
	f.mu.Lock()
	caller := f.callers[function]
	f.mu.Unlock()
	if d := f.authority.Judge(iam.Call{Caller: caller, Action: action, Resource: resource, Context: iam.Secure(nil)}); !d.Allowed {
		return d
	}
	return nil
}

// inner returns a string in an object of properties.
func inner(properties map[string]any, object, name string) string {
	o, _ := properties[object].(map[string]any)
	text, _ := o[name].(string)
	return text
}

func number(v any) int {
	n, _ := strconv.Atoi(fmt.Sprint(v))
	return n
}

func (f *functions) put(arn string, runner *lambda.Runner) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if old := f.running[arn]; old != nil {
		f.retired = append(f.retired, old)
	}
	f.running[arn] = runner
}

func (f *functions) invoke(ctx context.Context, arn string, payload []byte) ([]byte, error) {
	f.mu.Lock()
	runner := f.running[arn]
	f.mu.Unlock()
	if runner == nil {
		return nil, fmt.Errorf("there is no function %s", arn)
	}
	return runner.Invoke(ctx, payload)
}

func (f *functions) processes() (ids []int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, runner := range f.running {
		if runner != nil {
			ids = append(ids, runner.Processes()...)
		}
	}
	return ids
}

func (f *functions) has(arn string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.running[arn] != nil
}

func (f *functions) restart() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, runner := range f.running {
		if runner != nil {
			runner.Recycle()
		}
	}
}

func (f *functions) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, runner := range f.running {
		if runner != nil {
			runner.Close()
		}
	}
	for _, runner := range f.retired {
		runner.Close()
	}
}

// serveFunctions serves the Invoke operation: for the stack's own functions, and
// with the Shop for others.
func (c *Cloud) serveFunctions(w http.ResponseWriter, r *http.Request) {
	arn, ok := strings.CutPrefix(r.URL.EscapedPath(), "/2015-03-31/functions/")
	arn, found := strings.CutSuffix(arn, "/invocations")
	arn, err := url.PathUnescape(arn)
	if ok && found && err == nil {
		arn = c.functionARN(arn)
		if denied := c.authority.Authorize(r, "lambda:InvokeFunction", arn); denied != nil {
			refusal := jsonservice.Denied(denied)
			w.Header().Set("X-Amzn-ErrorType", refusal.Code)
			w.WriteHeader(http.StatusForbidden)
			_ = json.NewEncoder(w).Encode(map[string]string{"Message": refusal.Message})
			return
		}
	}
	invoke := c.functions.invoke
	if !c.functions.has(arn) {
		invoke = c.options.Shop
	}
	if !ok || !found || err != nil || invoke == nil {
		w.Header().Set("X-Amzn-ErrorType", "ResourceNotFoundException")
		http.Error(w, `{"Message":"Function not found"}`, http.StatusNotFound)
		return
	}
	payload, err := io.ReadAll(http.MaxBytesReader(w, r.Body, lambda.MaxRequest))
	if err == nil {
		payload, err = invoke(r.Context(), arn, payload)
	}
	if err != nil {
		w.Header().Set("X-Amz-Function-Error", "Unhandled")
		payload = functionFailure(err)
	}
	w.Write(payload)
}
