// Package setting reads what the tags of a struct say about the settings in it:
// name, default and allowed values stand beside each field, once, for whatever
// reads, checks or documents the settings.
//
//	CookieMinutes int `json:"cookieMinutes" default:"60" min:"1" max:"1440"`
//
// The tags are
//
//	json     the setting's name
//	default  its value when none is given: as JSON, but strings without quotes
//	min, max the range of a number, both included
//	oneof    the values of a string or number, separated by spaces
//	allowed  what is allowed, in words, where the other tags do not say it
//	section  the section of the generated reference that begins with the field
//	doc      what the setting does, for the generated reference
package setting

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// A Field is one setting of a struct.
type Field struct {
	Name  string
	Value reflect.Value
	tag   reflect.StructTag
}

// Fields returns the settings of the struct that settings points to, in order.
// Those of embedded structs are among them.
func Fields(settings any) []Field {
	return fields(nil, reflect.ValueOf(settings).Elem())
}

func fields(list []Field, v reflect.Value) []Field {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if field.Anonymous {
			list = fields(list, v.Field(i))
			continue
		}
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		list = append(list, Field{Name: name, Value: v.Field(i), tag: field.Tag})
	}
	return list
}

// SetDefaults gives each setting that has a default that value.
func SetDefaults(settings any) {
	for _, f := range Fields(settings) {
		if text, ok := f.tag.Lookup("default"); ok {
			f.setDefault(text)
		}
	}
}

func (f Field) setDefault(text string) {
	var err error
	switch f.Value.Kind() {
	case reflect.String:
		f.Value.SetString(text)
	case reflect.Bool:
		f.Value.SetBool(text == "true")
	case reflect.Int:
		var n int64
		n, err = strconv.ParseInt(text, 10, 0)
		f.Value.SetInt(n)
	default:
		err = json.Unmarshal([]byte(text), f.Value.Addr().Interface())
	}
	if err != nil {
		panic(fmt.Sprintf("setting %s: invalid default %q: %v", f.Name, text, err)) // a mistake in the source
	}
}

// Section returns the section of the reference that the setting is in, or
// nothing if it is in that of the field before it.
func (f Field) Section() string { return f.tag.Get("section") }

// Doc returns what the setting does.
func (f Field) Doc() string { return f.tag.Get("doc") }

// Allowed says which values are allowed, to follow the words "must be".
func (f Field) Allowed() string {
	if allowed := f.tag.Get("allowed"); allowed != "" {
		return allowed
	}
	if low, high, ok := f.limits(); ok {
		return fmt.Sprintf("between %d and %d", low, high)
	}
	if values := f.tag.Get("oneof"); values != "" {
		list := strings.Fields(values)
		last := len(list) - 1
		return strings.Join(list[:last], ", ") + " or " + list[last]
	}
	if f.Value.Kind() == reflect.Bool {
		return "true or false"
	}
	return "a " + f.Value.Kind().String()
}

func (f Field) limits() (low, high int64, ok bool) {
	text, ok := f.tag.Lookup("min")
	if !ok {
		return 0, 0, false
	}
	low, err := strconv.ParseInt(text, 10, 64)
	if err == nil {
		high, err = strconv.ParseInt(f.tag.Get("max"), 10, 64)
	}
	if err != nil {
		panic(fmt.Sprintf("setting %s: invalid min or max: %v", f.Name, err)) // a mistake in the source
	}
	return low, high, true
}

// InRange reports whether the value keeps to the tags min, max and oneof.
func (f Field) InRange() bool {
	if low, high, ok := f.limits(); ok {
		return low <= f.Value.Int() && f.Value.Int() <= high
	}
	if values := f.tag.Get("oneof"); values != "" {
		return slices.Contains(strings.Fields(values), fmt.Sprint(f.Value.Interface()))
	}
	return true
}

// An Error reports an invalid value.
type Error struct {
	Name    string
	Value   any
	Allowed string // to follow the words "must be"
	Reason  string // why the value is invalid, if Allowed does not say it
}

func (e *Error) Error() string {
	value, err := json.Marshal(e.Value)
	if err != nil {
		value = fmt.Append(nil, e.Value)
	}
	if e.Reason != "" {
		return fmt.Sprintf("%s: invalid value %s: %s", e.Name, value, e.Reason)
	}
	return fmt.Sprintf("%s: invalid value %s: must be %s", e.Name, value, e.Allowed)
}

// Check returns an [*Error] for each setting whose value is out of range.
func Check(settings any) (errs []error) {
	for _, f := range Fields(settings) {
		if !f.InRange() {
			errs = append(errs, &Error{Name: f.Name, Value: f.Value.Interface(), Allowed: f.Allowed()})
		}
	}
	return errs
}
