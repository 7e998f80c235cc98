package settings

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"

	"premiumhls/internal/setting"
)

// An Error is a setting that cannot be. Its text is a sentence that names the
// setting, what it was and what it may be.
type Error struct {
	Name string
	Was  any
	May  string
	Why  string // where "may" does not say it all
}

func (e *Error) Error() string {
	was, err := json.Marshal(e.Was)
	if err != nil {
		was = fmt.Append(nil, e.Was)
	}
	text := fmt.Sprintf("The setting %s was %s; it may be %s.", e.Name, was, e.May)
	if e.Why != "" {
		text += " " + e.Why
	}
	return text
}

// Read takes the settings from a CDK context. What the context does not give
// keeps its default; names that belong to the CDK itself are passed over, and
// any other name that is no setting is an error, so that a misspelled one does
// not silently fall back. The error joins an [*Error] for each bad setting.
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
			errs = append(errs, &Error{Name: name, Was: context[name], May: "left out: there is no setting of that name", Why: suggestion(name, fields)})
			continue
		}
		if err := assign(f.Value, context[name]); err != nil {
			errs = append(errs, &Error{Name: name, Was: context[name], May: f.Allowed()})
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

// ofTheCDK tells the CDK's own context: feature flags, look-ups it remembers
// and what its command line adds.
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

// suggestion finds a setting that a misspelled name may have meant.
func suggestion(name string, fields map[string]setting.Field) string {
	for known := range fields {
		if strings.EqualFold(known, name) || strings.EqualFold(known, name+"s") || strings.EqualFold(known+"s", name) {
			return fmt.Sprintf("Was %s meant?", known)
		}
	}
	return ""
}
