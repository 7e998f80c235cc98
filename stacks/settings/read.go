package settings

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"

	"premiumhls/internal/setting"
)

// An Error reports an invalid value of a setting.
type Error = setting.Error

// An UnknownError reports a name that is no setting.
type UnknownError struct {
	Name       string
	Suggestion string // a setting with a similar name, or empty
}

func (e *UnknownError) Error() string {
	if e.Suggestion == "" {
		return e.Name + ": unknown setting"
	}
	return fmt.Sprintf("%s: unknown setting; did you mean %s?", e.Name, e.Suggestion)
}

// Read reads the settings in a CDK context. Settings that the context does not
// have keep their defaults. Names that belong to the CDK are skipped; any other
// unknown name is an error, so that a misspelled setting does not silently keep
// its default. The error joins an [*Error] or [*UnknownError] for each mistake.
func Read(context map[string]any) (Settings, error) {
	s := Default()
	fields := fields(&s)
	var errs []error
	names := make([]string, 0, len(context))
	for name := range context {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if ofTheCDK(name) {
			continue
		}
		f, ok := fields[name]
		if !ok {
			errs = append(errs, &UnknownError{name, suggestion(name, fields)})
			continue
		}
		if err := assign(f.Value, context[name]); err != nil {
			errs = append(errs, &Error{Name: name, Value: context[name], Allowed: f.Allowed()})
		}
	}
	if len(errs) == 0 {
		errs = s.validate()
	}
	return s, errors.Join(errs...)
}

// ReadFile reads the context of a cdk.json file.
func ReadFile(path string) (map[string]any, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the settings: %w", err)
	}
	var file struct{ Context map[string]any }
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("reading the settings in %s: %w", path, err)
	}
	if file.Context == nil {
		file.Context = map[string]any{}
	}
	return file.Context, nil
}

// ofTheCDK reports whether a name is the CDK's own: a feature flag, a cached
// lookup or what its command line adds.
func ofTheCDK(name string) bool {
	return strings.ContainsAny(name, "@:/")
}

func fields(s *Settings) map[string]setting.Field {
	found := make(map[string]setting.Field)
	for _, f := range setting.Fields(s) {
		found[f.Name] = f
	}
	return found
}

// assign puts a value of cdk.json into a field. A value given as
// `cdk deploy -c name=value` comes as text, which may then hold the JSON.
func assign(f reflect.Value, value any) error {
	text, isText := value.(string)
	if isText && f.Kind() == reflect.Slice && !strings.HasPrefix(text, "[") {
		return errors.New("not a list")
	}
	raw := []byte(text)
	if !isText || f.Kind() == reflect.String || f.Kind() == reflect.Struct {
		var err error
		if raw, err = json.Marshal(value); err != nil {
			return err
		}
	}
	if string(raw) == "null" {
		return errors.New("null")
	}
	target := reflect.New(f.Type())
	if err := json.Unmarshal(raw, target.Interface()); err != nil {
		return err
	}
	f.Set(target.Elem())
	return nil
}

// suggestion returns the setting whose name is most like an unknown one, or
// nothing if none is.
func suggestion(name string, fields map[string]setting.Field) string {
	best, least := "", 1+len(name)/3
	for _, known := range slices.Sorted(maps.Keys(fields)) {
		if d := distance(strings.ToLower(name), strings.ToLower(known)); d < least {
			best, least = known, d
		}
	}
	return best
}

// distance is the number of characters to insert, delete or replace to make b
// of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0]++
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
