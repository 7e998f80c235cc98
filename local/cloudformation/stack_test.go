package cloudformation_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"premiumhls/internal/cfn"
	"premiumhls/local/cloudformation"
)

var environment = cfn.Environment{
	Region: "eu-central-1", AccountID: "111122223333", StackName: "PremiumHls",
	StackID: "arn:aws:cloudformation:eu-central-1:111122223333:stack/PremiumHls/1", Partition: "aws", URLSuffix: "amazonaws.com",
}

// world is a provider that holds its resources by physical id, which is the
// property Name or else the logical id.
type world struct {
	live    map[string]map[string]any
	fail    map[string]error // by "CREATE KeyA"
	partial map[string]bool  // failing actions that leave a resource
	old     map[string]map[string]any
	ctxErr  []error
	spoil   bool // change the provider's input
}

func newWorld() *world {
	return &world{live: map[string]map[string]any{}, fail: map[string]error{}, partial: map[string]bool{}, old: map[string]map[string]any{}}
}

func (w *world) put(action string, r cloudformation.Resource) (cloudformation.State, error) {
	id, ok := r.Properties["Name"].(string)
	if !ok {
		id = r.LogicalID
	}
	state := cloudformation.State{PhysicalID: id, Attributes: map[string]any{"Arn": "arn:" + id, "Value": r.Properties["Value"]}}
	name := action + " " + r.LogicalID
	if err := w.fail[name]; err != nil {
		delete(w.fail, name)
		if !w.partial[name] {
			return cloudformation.State{}, err
		}
		w.live[id] = maps.Clone(r.Properties)
		return state, err
	}
	w.live[id] = maps.Clone(r.Properties)
	if w.spoil {
		r.Properties["Spoiled"], state.Attributes["Spoiled"] = true, true
	}
	return state, nil
}

func (w *world) Create(ctx context.Context, r cloudformation.Resource) (cloudformation.State, error) {
	w.ctxErr = append(w.ctxErr, ctx.Err())
	return w.put("CREATE", r)
}

func (w *world) Update(ctx context.Context, r cloudformation.Resource, _ cloudformation.State) (cloudformation.State, error) {
	w.ctxErr = append(w.ctxErr, ctx.Err())
	w.old[r.LogicalID] = r.Old
	return w.put("UPDATE", r)
}

func (w *world) Delete(ctx context.Context, r cloudformation.Resource, state cloudformation.State) error {
	w.ctxErr = append(w.ctxErr, ctx.Err())
	if err := w.fail["DELETE "+r.LogicalID]; err != nil {
		return err
	}
	if _, ok := w.live[state.PhysicalID]; !ok {
		return fmt.Errorf("%s is not there", state.PhysicalID)
	}
	delete(w.live, state.PhysicalID)
	return nil
}

func (w *world) String() string {
	var parts []string
	for _, id := range slices.Sorted(maps.Keys(w.live)) {
		parts = append(parts, fmt.Sprint(id, w.live[id]))
	}
	return strings.Join(parts, " ")
}

func parse(t *testing.T, resources string) *cfn.Template {
	t.Helper()
	parsed, err := cfn.Parse([]byte(`{"Resources": {` + resources + `}}`))
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func newStack(w *world) *cloudformation.Stack {
	return cloudformation.New(cloudformation.Options{Environment: environment, Default: w})
}

func deploy(t *testing.T, s *cloudformation.Stack, resources string) {
	t.Helper()
	if err := s.Deploy(t.Context(), parse(t, resources)); err != nil {
		t.Fatal(err)
	}
}

// since returns the events after the first n, as one string.
func since(s *cloudformation.Stack, n int) string {
	var parts []string
	for _, e := range s.Events()[n:] {
		parts = append(parts, e.String())
	}
	return strings.Join(parts, ", ")
}

func TestDeploy(t *testing.T) {
	const (
		a     = `"A": {"Type": "T", "Properties": {"Value": "1"}}`
		a2    = `"A": {"Type": "T", "Properties": {"Value": "2"}}`
		aNew  = `"A": {"Type": "T", "Properties": {"Value": "1", "Name": "a-new"}}`
		b     = `"B": {"Type": "T", "Properties": {"Of": {"Fn::GetAtt": ["A", "Arn"]}}}`
		bVal  = `"B": {"Type": "T", "Properties": {"Of": {"Fn::GetAtt": ["A", "Value"]}}}`
		c     = `"C": {"Type": "T", "DependsOn": "B"}`
		cMore = `"C": {"Type": "T", "DependsOn": "B", "Metadata": {"x": 1}}`
		keep  = `"K": {"Type": "T", "DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}`
		keep2 = `"K": {"Type": "T", "DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain", "Properties": {"Name": "k2"}}`
	)
	tests := []struct{ name, first, second, want, live string }{
		{"creates follow dependencies", a, c + "," + b + "," + a, "CREATE B, CREATE C", "A B C"},
		{"nothing changed", a + "," + b, b + "," + a, "", "A B"},
		{"a property changed", a + "," + b, a2 + "," + b, "UPDATE A", "A B"},
		{"what refers to a changed attribute changes", a + "," + bVal + "," + c, a2 + "," + bVal + "," + c, "UPDATE A, UPDATE B", "A B C"},
		{"metadata alone is no update", a + "," + b + "," + c, a + "," + b + "," + cMore, "", "A B C"},
		{"removals go dependents first", a + "," + b + "," + c, a, "DELETE C, DELETE B", "A"},
		{"removals come after updates", a + "," + b, a2, "UPDATE A, DELETE B", "A"},
		{"a replacement is deleted in the cleanup", a + "," + b, aNew + "," + b, "UPDATE A, UPDATE B, DELETE A", "B a-new"},
		{"a replacement and a removal", a + "," + b + "," + c, aNew, "UPDATE A, DELETE C, DELETE B, DELETE A", "a-new"},
		{"a retained resource", a + "," + keep, a, "RETAIN K", "A K"},
		{"a retained replacement", keep, keep2, "UPDATE K, RETAIN K", "K k2"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld()
			s := newStack(w)
			deploy(t, s, test.first)
			n := len(s.Events())
			deploy(t, s, test.second)
			if got := since(s, n); got != test.want {
				t.Errorf("events %q, want %q", got, test.want)
			}
			if got := strings.Join(slices.Sorted(maps.Keys(w.live)), " "); got != test.live {
				t.Errorf("there is %q, want %q", got, test.live)
			}
		})
	}
}

func TestUpdateSeesOldProperties(t *testing.T) {
	w := newWorld()
	s := newStack(w)
	deploy(t, s, `"A": {"Type": "T", "Properties": {"Value": "1"}}`)
	deploy(t, s, `"A": {"Type": "T", "Properties": {"Value": "2"}}`)
	if want := map[string]any{"Value": "1"}; !reflect.DeepEqual(w.old["A"], want) {
		t.Errorf("Old = %v, want %v", w.old["A"], want)
	}
}

func TestRollback(t *testing.T) {
	boom := errors.New("boom")
	const (
		first = `"A": {"Type": "T", "Properties": {"Value": "1"}},
			"B": {"Type": "T", "Properties": {"Of": {"Fn::GetAtt": ["A", "Value"]}}},
			"Gone": {"Type": "T", "DependsOn": "B"}`
		second = `"A": {"Type": "T", "Properties": {"Value": "2"}},
			"B": {"Type": "T", "Properties": {"Of": {"Fn::GetAtt": ["A", "Value"]}}},
			"N": {"Type": "T", "DependsOn": "B"}, "O": {"Type": "T", "DependsOn": "N"}, "Z": {"Type": "T", "DependsOn": "O"}`
		replacing = `"A": {"Type": "T", "Properties": {"Value": "1", "Name": "a2"}},
			"B": {"Type": "T", "Properties": {"Of": {"Fn::GetAtt": ["A", "Value"]}, "Also": {"Ref": "A"}}},
			"Z": {"Type": "T", "DependsOn": "B"}`
		unresolved = `"A": {"Type": "T", "Properties": {"Value": "2"}}, "B": {"Type": "T", "Properties": {"Of": {"Fn::GetAtt": ["A", "Nothing"]}}}`
		retaining  = `"A": {"Type": "T", "Properties": {"Value": "1"}}, "B": {"Type": "T", "Properties": {"Of": {"Fn::GetAtt": ["A", "Value"]}}}, "Gone": {"Type": "T", "DependsOn": "B"},
			"K": {"Type": "T", "DeletionPolicy": "Retain"}, "L": {"Type": "T", "DeletionPolicy": "RetainExceptOnCreate"}, "Z": {"Type": "T", "DependsOn": ["K", "L"]}`
	)
	tests := []struct {
		name, second, failing string
		partial               bool
		want, extra           string
	}{
		{"a create fails", second, "CREATE Z", false,
			"UPDATE A, UPDATE B, CREATE N, CREATE O, CREATE_FAILED Z, ROLLBACK PremiumHls, UPDATE A, UPDATE B, DELETE O, DELETE N", ""},
		{"a create fails half done", second, "CREATE Z", true,
			"UPDATE A, UPDATE B, CREATE N, CREATE O, CREATE_FAILED Z, ROLLBACK PremiumHls, UPDATE A, UPDATE B, DELETE Z, DELETE O, DELETE N", ""},
		{"an update fails", second, "UPDATE B", false,
			"UPDATE A, UPDATE_FAILED B, ROLLBACK PremiumHls, UPDATE A, UPDATE B", ""},
		{"an update fails half done", second, "UPDATE B", true,
			"UPDATE A, UPDATE_FAILED B, ROLLBACK PremiumHls, UPDATE A, UPDATE B", ""},
		{"after a replacement", replacing, "CREATE Z", false,
			"UPDATE A, UPDATE B, CREATE_FAILED Z, ROLLBACK PremiumHls, UPDATE B, DELETE A", ""},
		{"a property cannot be resolved", unresolved, "", false, "UPDATE A, ROLLBACK PremiumHls, UPDATE A", ""},
		{"a create of what is retained fails half done", first + `, "K": {"Type": "T", "DeletionPolicy": "Retain"}`, "CREATE K", true,
			"CREATE_FAILED K, ROLLBACK PremiumHls, DELETE K", ""},
		{"what is retained", retaining, "CREATE Z", false, "CREATE K, CREATE L, CREATE_FAILED Z, ROLLBACK PremiumHls, DELETE L, RETAIN K", " Kmap[]"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld()
			s := newStack(w)
			deploy(t, s, first)
			before, resources, n := w.String(), s.Resources(""), len(s.Events())
			if test.failing != "" {
				w.fail[test.failing], w.partial[test.failing] = boom, test.partial
			}
			err := s.Deploy(t.Context(), parse(t, test.second))
			if err == nil || (test.failing != "" && !errors.Is(err, boom)) {
				t.Fatalf("error %v, want boom", err)
			}
			if got := since(s, n); got != test.want {
				t.Errorf("events\n%s, want\n%s", got, test.want)
			}
			if got := w.String(); got != before+test.extra {
				t.Errorf("there is %s, want %s", got, before+test.extra)
			}
			if got := s.Resources(""); !reflect.DeepEqual(got, resources) {
				t.Errorf("resources %v, want %v", got, resources)
			}
			// The stack is intact: the same deployment succeeds on retry.
			if test.failing != "" {
				deploy(t, s, test.second)
			}
		})
	}
}

func TestRollbackOfOutputs(t *testing.T) {
	w := newWorld()
	s := newStack(w)
	first, err := cfn.Parse([]byte(`{"Resources": {"A": {"Type": "T"}}, "Outputs": {"O": {"Value": {"Ref": "A"}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Outputs(); err == nil {
		t.Error("outputs before a deployment")
	}
	if err := s.Deploy(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	second, err := cfn.Parse([]byte(`{"Resources": {"A": {"Type": "T", "Properties": {"Value": "x"}}}, "Outputs": {"O": {"Value": {"Fn::GetAtt": ["A", "Nothing"]}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	err = s.Deploy(t.Context(), second)
	if err == nil || !strings.Contains(err.Error(), `output O: Value.Fn::GetAtt: the resource "A" (T) has no attribute "Nothing"`) {
		t.Errorf("error %v", err)
	}
	outputs, err := s.Outputs()
	if err != nil || !reflect.DeepEqual(outputs, map[string]string{"O": "A"}) {
		t.Errorf("outputs %v, %v, want those of the first template", outputs, err)
	}
	if want := "CREATE A, UPDATE A, ROLLBACK PremiumHls, UPDATE A"; since(s, 0) != want {
		t.Errorf("events %s, want %s", since(s, 0), want)
	}
}

// A rollback continues after a failure and returns all failures. The next
// deployment updates resources of unknown state.
func TestRollbackFails(t *testing.T) {
	w := newWorld()
	const first = `"A": {"Type": "T", "Properties": {"Value": "1"}}, "B": {"Type": "T", "Properties": {"Value": "1"}}`
	create, back, remove := errors.New("create"), errors.New("back"), errors.New("remove")
	w.fail["CREATE Z"], w.fail["DELETE N"] = create, remove
	p := &failSecondUpdate{world: w, id: "A", err: back}
	s := cloudformation.New(cloudformation.Options{Environment: environment, Default: p})
	deploy(t, s, first)
	n := len(s.Events())
	err := s.Deploy(t.Context(), parse(t, `"A": {"Type": "T", "Properties": {"Value": "2"}}, "B": {"Type": "T", "Properties": {"Value": "2"}},
		"N": {"Type": "T"}, "Z": {"Type": "T", "DependsOn": ["A", "B", "N"]}`))
	for _, want := range []error{create, back, remove} {
		if !errors.Is(err, want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	want := "UPDATE A, UPDATE B, CREATE N, CREATE_FAILED Z, ROLLBACK PremiumHls, UPDATE_FAILED A, UPDATE B, DELETE_FAILED N"
	if got := since(s, n); got != want {
		t.Errorf("events %s, want %s", got, want)
	}
	n = len(s.Events())
	deploy(t, s, first)
	if got := since(s, n); got != "UPDATE A" {
		t.Errorf("events %s, want an update of A, whose properties are not known", got)
	}
}

// New resources are deleted after the rest of the stack is restored: a service
// can reject the deletion of a resource that another one still names.
func TestRollbackDeletesWhatNothingNamesAnyMore(t *testing.T) {
	w := newWorld()
	p := &watchful{world: w}
	s := cloudformation.New(cloudformation.Options{Environment: environment, Default: p})
	p.stack = s
	deploy(t, s, `"A": {"Type": "T", "Properties": {"Value": "nothing"}}`)
	w.fail["CREATE Z"] = errors.New("boom")
	if err := s.Deploy(t.Context(), parse(t, `"N": {"Type": "T"}, "A": {"Type": "T", "Properties": {"Value": {"Ref": "N"}}}, "Z": {"Type": "T", "DependsOn": "A"}`)); err == nil {
		t.Fatal("deployed")
	}
	if len(p.seen) != 1 || p.seen[0] != "nothing" {
		t.Errorf("while N was deleted, A named %v", p.seen)
	}
}

// A new resource that is deleted is gone when the ones that it named are.
func TestRollbackForgetsWhatItDeleted(t *testing.T) {
	w := newWorld()
	p := &watchful{world: w}
	s := cloudformation.New(cloudformation.Options{Environment: environment, Default: p})
	p.stack = s
	w.fail["CREATE Z"] = errors.New("boom")
	if err := s.Deploy(t.Context(), parse(t, `"N": {"Type": "T"}, "A": {"Type": "T", "Properties": {"Value": {"Ref": "N"}}}, "Z": {"Type": "T", "DependsOn": "A"}`)); err == nil {
		t.Fatal("deployed")
	}
	if len(p.seen) != 1 { // once: while A itself was deleted
		t.Errorf("A was there during %d deletions", len(p.seen))
	}
}

// watchful records what A names during deletions.
type watchful struct {
	*world
	stack *cloudformation.Stack
	seen  []any
}

func (p *watchful) Delete(ctx context.Context, r cloudformation.Resource, state cloudformation.State) error {
	for _, deployed := range p.stack.Resources("") {
		if deployed.LogicalID == "A" {
			p.seen = append(p.seen, deployed.Properties["Value"])
		}
	}
	return p.world.Delete(ctx, r, state)
}

type failSecondUpdate struct {
	*world
	id    string
	err   error
	count int
}

func (f *failSecondUpdate) Update(ctx context.Context, r cloudformation.Resource, s cloudformation.State) (cloudformation.State, error) {
	if r.LogicalID == f.id {
		if f.count++; f.count == 2 {
			return cloudformation.State{}, f.err
		}
	}
	return f.world.Update(ctx, r, s)
}

func TestCleanupFails(t *testing.T) {
	w := newWorld()
	s := newStack(w)
	deploy(t, s, `"A": {"Type": "T"}, "B": {"Type": "T"}, "C": {"Type": "T"}`)
	boom := errors.New("boom")
	w.fail["DELETE B"] = boom
	err := s.Deploy(t.Context(), parse(t, `"D": {"Type": "T"}`))
	var cleanup *cloudformation.CleanupError
	if !errors.As(err, &cleanup) || !errors.Is(err, boom) {
		t.Fatalf("error %v, want a CleanupError with boom", err)
	}
	if want := "CREATE A, CREATE B, CREATE C, CREATE D, DELETE C, DELETE_FAILED B, DELETE A"; since(s, 0) != want {
		t.Errorf("events %s, want %s", since(s, 0), want)
	}
	if got := s.Resources("T"); len(got) != 1 || got[0].LogicalID != "D" {
		t.Errorf("resources %v, want D", got)
	}
}

func TestRollbackGoesOnWhenStopped(t *testing.T) {
	w := newWorld()
	ctx, cancel := context.WithCancel(t.Context())
	p := &cancelling{world: w, cancel: cancel, at: "B"}
	s := cloudformation.New(cloudformation.Options{Environment: environment, Default: p})
	err := s.Deploy(ctx, parse(t, `"A": {"Type": "T"}, "B": {"Type": "T"}, "C": {"Type": "T"}`))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that it was stopped", err)
	}
	if want := "CREATE A, CREATE B, ROLLBACK PremiumHls, DELETE B, DELETE A"; since(s, 0) != want {
		t.Errorf("events %s, want %s", since(s, 0), want)
	}
	for _, err := range w.ctxErr {
		if err != nil {
			t.Errorf("a provider got a context that is done: %v", err)
		}
	}
}

type cancelling struct {
	*world
	cancel context.CancelFunc
	at     string
}

func (c *cancelling) Create(ctx context.Context, r cloudformation.Resource) (cloudformation.State, error) {
	state, err := c.world.Create(ctx, r)
	if r.LogicalID == c.at {
		c.cancel()
	}
	return state, err
}

func TestDeployRefuses(t *testing.T) {
	w := newWorld()
	s := newStack(w)
	deploy(t, s, `"A": {"Type": "T"}`)
	for name, test := range map[string][2]string{
		"another type": {`"A": {"Type": "U"}, "B": {"Type": "T"}`, "the resource A is a T and cannot become a U"},
		"a cycle":      {`"A": {"Type": "T", "DependsOn": "B"}, "B": {"Type": "T", "DependsOn": "A"}`, "A -> B -> A"},
	} {
		t.Run(name, func(t *testing.T) {
			err := s.Deploy(t.Context(), parse(t, test[0]))
			if err == nil || !strings.Contains(err.Error(), test[1]) {
				t.Errorf("error %v, want one with %q", err, test[1])
			}
			if got := since(s, 0); got != "CREATE A" {
				t.Errorf("events %s, want nothing done", got)
			}
		})
	}
}

func TestConditionalResources(t *testing.T) {
	text := `{"Parameters": {"On": {"Type": "String"}}, "Conditions": {"IsOn": {"Fn::Equals": [{"Ref": "On"}, "yes"]}},
		"Resources": {"A": {"Type": "T", "DependsOn": "B"}, "B": {"Type": "T", "Condition": "IsOn"}}}`
	parsed, err := cfn.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	env := environment
	env.Parameters = map[string]string{"On": "yes"}
	w := newWorld()
	s := cloudformation.New(cloudformation.Options{Environment: env, Default: w})
	if err := s.Deploy(t.Context(), parsed); err != nil {
		t.Fatal(err)
	}
	env.Parameters["On"] = "no"
	if err := s.Deploy(t.Context(), parsed); err != nil {
		t.Fatal(err)
	}
	if want := "CREATE B, CREATE A, DELETE B"; since(s, 0) != want {
		t.Errorf("events %s, want %s", since(s, 0), want)
	}
}

func TestProviders(t *testing.T) {
	worlds := map[string]*world{}
	providers := map[string]cloudformation.Provider{}
	for _, pattern := range []string{"Custom::*", "Custom::CDK*", "Custom::CDKBucketDeployment", "AWS::S3::Bucket"} {
		worlds[pattern] = newWorld()
		providers[pattern] = worlds[pattern]
	}
	worlds[""] = newWorld()
	s := cloudformation.New(cloudformation.Options{Environment: environment, Providers: providers, Default: worlds[""]})
	deploy(t, s, `"A": {"Type": "Custom::CDKBucketDeployment"}, "B": {"Type": "Custom::SigningKey"}, "C": {"Type": "AWS::S3::Bucket"},
		"D": {"Type": "AWS::S3::BucketPolicy"}, "E": {"Type": "Custom::CDKOther"}`)
	for pattern, want := range map[string]string{"Custom::CDKBucketDeployment": "A", "Custom::*": "B", "AWS::S3::Bucket": "C", "": "D", "Custom::CDK*": "E"} {
		if got := strings.Join(slices.Sorted(maps.Keys(worlds[pattern].live)), " "); got != want {
			t.Errorf("provider %q made %q, want %q", pattern, got, want)
		}
	}
}

// Changes that a provider or caller makes to its copies do not affect the stack.
func TestStackKeepsItsOwnCopies(t *testing.T) {
	w := newWorld()
	w.spoil = true
	s := newStack(w)
	const resources = `"A": {"Type": "T", "Properties": {"List": [{"x": "1"}]}, "Metadata": {"m": "n"}}`
	deploy(t, s, resources)
	got := s.Resources("T")[0]
	if want := map[string]any{"List": []any{map[string]any{"x": "1"}}}; !reflect.DeepEqual(got.Properties, want) {
		t.Errorf("Properties = %v, want %v", got.Properties, want)
	}
	if want := map[string]any{"m": "n"}; !reflect.DeepEqual(got.Metadata, want) {
		t.Errorf("Metadata = %v, want %v", got.Metadata, want)
	}
	got.Properties["List"].([]any)[0].(map[string]any)["x"] = "2"
	state, ok := s.State("A")
	if !ok || state.PhysicalID != "A" {
		t.Fatalf("State = %v, %v", state, ok)
	}
	state.Attributes["Arn"] = "changed"
	if again, _ := s.State("A"); again.Attributes["Arn"] != "arn:A" {
		t.Errorf("Arn = %v, want arn:A", again.Attributes["Arn"])
	}
	deploy(t, s, resources)
	if got := since(s, 0); got != "CREATE A" {
		t.Errorf("events %s, want no update", got)
	}
	if _, ok := s.State("B"); ok {
		t.Error("the stack has a B")
	}
}

func TestDestroy(t *testing.T) {
	w := newWorld()
	s := newStack(w)
	deploy(t, s, `"A": {"Type": "T"}, "B": {"Type": "T", "DependsOn": "A"}, "C": {"Type": "T", "DependsOn": "B"}, "K": {"Type": "T", "DeletionPolicy": "Retain"}`)
	n := len(s.Events())
	boom := errors.New("boom")
	w.fail["DELETE B"] = boom
	if err := s.Destroy(t.Context()); !errors.Is(err, boom) {
		t.Fatalf("error %v, want boom", err)
	}
	delete(w.fail, "DELETE B")
	if err := s.Destroy(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := "RETAIN K, DELETE C, DELETE_FAILED B, DELETE B, DELETE A"; since(s, n) != want {
		t.Errorf("events %s, want %s", since(s, n), want)
	}
	if got := w.String(); got != "Kmap[]" {
		t.Errorf("there is %s, want K", got)
	}
}

func TestLogHasNoAttributes(t *testing.T) {
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, nil))
	s := cloudformation.New(cloudformation.Options{Environment: environment, Default: newWorld(), Log: logger})
	deploy(t, s, `"A": {"Type": "T", "Properties": {"Value": "hunter2"}}`)
	state, _ := s.State("A")
	logger.Info("state", "state", state)
	if strings.Contains(log.String(), "hunter2") || !strings.Contains(log.String(), "resource=A") {
		t.Errorf("log %s", log.String())
	}
}
