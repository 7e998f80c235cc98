package cfn

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Environment is where a template is deployed: what its pseudo parameters and
// its parameters stand for.
type Environment struct {
	Region    string // "eu-central-1"
	AccountID string // twelve digits
	StackName string
	StackID   string // the stack's ARN
	Partition string // "aws"
	URLSuffix string // "amazonaws.com"

	// Parameters holds values for template parameters, over their defaults. A
	// parameter of a type AWS::SSM::Parameter::Value<…> has a value only here:
	// its default is the name of an SSM parameter.
	Parameters map[string]string
}

// Values returns the values of resources that exist.
type Values interface {
	// Ref is the value of {"Ref": logicalID}.
	Ref(logicalID string) (string, error)
	// Attribute is the value of {"Fn::GetAtt": [logicalID, name]}.
	Attribute(logicalID, name string) (any, error)
}

// Resolver replaces intrinsic functions with values.
type Resolver struct {
	template   *Template
	env        Environment
	values     Values
	conditions map[string]bool
}

// NewResolver evaluates the template's conditions. Values are asked for when a
// property is resolved.
func NewResolver(t *Template, env Environment, values Values) (*Resolver, error) {
	r := &Resolver{template: t, env: env, values: values, conditions: map[string]bool{}}
	if err := r.evaluateConditions(); err != nil {
		return nil, err
	}
	return r, nil
}

// Included reports whether the resource has no condition or a true one.
func (r *Resolver) Included(logicalID string) bool {
	resource, ok := r.template.Resources[logicalID]
	return ok && (resource.Condition == "" || r.conditions[resource.Condition])
}

// Properties are a resource's properties with everything resolved. Numbers are
// json.Number; what refers to a parameter is a string, or a list of strings.
func (r *Resolver) Properties(logicalID string) (map[string]any, error) {
	resource, ok := r.template.Resources[logicalID]
	if !ok {
		return nil, fmt.Errorf("unknown resource %q", logicalID)
	}
	properties := make(map[string]any, len(resource.Properties))
	if err := r.fields(properties, resource.Properties, "Properties"); err != nil {
		return nil, fmt.Errorf("resource %s: %w", logicalID, err)
	}
	return properties, nil
}

// Outputs are the values of the outputs whose condition holds.
func (r *Resolver) Outputs() (map[string]string, error) {
	outputs := map[string]string{}
	for _, name := range sortedKeys(r.template.Outputs) {
		output := r.template.Outputs[name]
		if output.Condition != "" && !r.conditions[output.Condition] {
			continue
		}
		value, err := r.scalar(output.Value, "Value")
		if err != nil {
			return nil, fmt.Errorf("output %s: %w", name, err)
		}
		outputs[name] = value
	}
	return outputs, nil
}

// maxString bounds what nested Fn::Sub can grow to. A whole template is at most
// 1 MB (CloudFormation quotas), so no string in it has a reason to be longer.
const maxString = 1 << 20

// noValue is what {"Ref": "AWS::NoValue"} resolves to.
type noValue struct{}

func (r *Resolver) fields(into, fields map[string]any, where string) error {
	for _, key := range sortedKeys(fields) {
		if key == "Ref" || strings.HasPrefix(key, "Fn::") {
			return fmt.Errorf("%s.%s: an intrinsic function must be alone in its object", where, key)
		}
		value, err := r.resolve(fields[key], where+"."+key)
		if err != nil {
			return err
		}
		if value != (any)(noValue{}) {
			into[key] = value
		}
	}
	return nil
}

func (r *Resolver) resolve(value any, where string) (any, error) {
	switch v := value.(type) {
	case nil:
		return nil, fmt.Errorf("%s: must not be null", where)
	case []any:
		list := make([]any, 0, len(v))
		for i, element := range v {
			resolved, err := r.resolve(element, fmt.Sprintf("%s[%d]", where, i))
			if err != nil {
				return nil, err
			}
			if resolved != (any)(noValue{}) {
				list = append(list, resolved)
			}
		}
		return list, nil
	case map[string]any:
		if len(v) == 1 {
			for key, argument := range v {
				if key == "Ref" || strings.HasPrefix(key, "Fn::") {
					return r.intrinsic(key, argument, where+"."+key)
				}
			}
		}
		fields := make(map[string]any, len(v))
		return fields, r.fields(fields, v, where)
	default:
		return v, nil
	}
}

func (r *Resolver) intrinsic(function string, argument any, where string) (any, error) {
	switch function {
	case "Ref":
		id, ok := argument.(string)
		if !ok {
			return nil, fmt.Errorf("%s: must be a string, is %s", where, kind(argument))
		}
		return r.ref(id, where)
	case "Fn::GetAtt":
		return r.getAtt(argument, where)
	case "Fn::Join":
		return r.join(argument, where)
	case "Fn::Sub":
		return r.sub(argument, where)
	case "Fn::Select":
		return r.selectElement(argument, where)
	case "Fn::Split":
		return r.split(argument, where)
	case "Fn::If":
		arguments, err := arguments(argument, 3, where)
		if err != nil {
			return nil, err
		}
		name, ok := arguments[0].(string)
		if !ok {
			return nil, fmt.Errorf("%s[0]: the name of a condition must be a string, is %s", where, kind(arguments[0]))
		}
		holds, known := r.conditions[name]
		if !known {
			return nil, fmt.Errorf("%s[0]: unknown condition %q", where, name)
		}
		if holds {
			return r.resolve(arguments[1], where+"[1]")
		}
		return r.resolve(arguments[2], where+"[2]")
	case "Fn::FindInMap":
		return r.findInMap(argument, where)
	case "Fn::Base64":
		s, err := r.scalar(argument, where)
		if err != nil {
			return nil, err
		}
		return base64.StdEncoding.EncodeToString([]byte(s)), nil
	default:
		return nil, fmt.Errorf("%s: the function is not supported", where)
	}
}

func (r *Resolver) ref(id, where string) (any, error) {
	pseudo := map[string]string{
		"AWS::Region":    r.env.Region,
		"AWS::AccountId": r.env.AccountID,
		"AWS::StackName": r.env.StackName,
		"AWS::StackId":   r.env.StackID,
		"AWS::Partition": r.env.Partition,
		"AWS::URLSuffix": r.env.URLSuffix,
	}
	if id == "AWS::NoValue" {
		return noValue{}, nil
	}
	if value, ok := pseudo[id]; ok {
		if value == "" {
			return nil, fmt.Errorf("%s: the pseudo parameter %s has no value here", where, id)
		}
		return value, nil
	}
	if parameter, ok := r.template.Parameters[id]; ok {
		return r.parameter(id, parameter, where)
	}
	if err := r.reachable(id, where); err != nil {
		return nil, err
	}
	value, err := r.values.Ref(id)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", where, err)
	}
	return value, nil
}

// reachable checks that a logical id is that of a resource that can be referred
// to here.
func (r *Resolver) reachable(id, where string) error {
	resource, ok := r.template.Resources[id]
	switch {
	case !ok:
		return fmt.Errorf("%s: %q is not a resource or parameter of the template", where, id)
	case r.values == nil:
		return fmt.Errorf("%s: %q is a resource, and a condition cannot refer to one", where, id)
	case !r.Included(id):
		return fmt.Errorf("%s: resource %q does not exist: its condition %s is false", where, id, resource.Condition)
	}
	return nil
}

func (r *Resolver) parameter(name string, p Parameter, where string) (any, error) {
	value, ok := r.env.Parameters[name]
	if !ok && strings.HasPrefix(p.Type, "AWS::SSM::Parameter::Value<") {
		return nil, fmt.Errorf("%s: the parameter %s is read from SSM when deployed and has no value here", where, name)
	}
	if !ok {
		if !p.HasDefault {
			return nil, fmt.Errorf("%s: the parameter %s has neither a value nor a default", where, name)
		}
		value = p.Default
	}
	if p.Type != "CommaDelimitedList" && !strings.Contains(p.Type, "List<") {
		return value, nil
	}
	list := []any{}
	for element := range strings.SplitSeq(value, ",") {
		list = append(list, strings.TrimSpace(element))
	}
	return list, nil
}

func (r *Resolver) getAtt(argument any, where string) (any, error) {
	var id, name string
	switch v := argument.(type) {
	case string:
		before, after, ok := strings.Cut(v, ".")
		if !ok {
			return nil, fmt.Errorf("%s: must be Resource.Attribute", where)
		}
		id, name = before, after
	case []any:
		if len(v) != 2 {
			return nil, fmt.Errorf("%s: must be a list of a logical id and an attribute, has %d elements", where, len(v))
		}
		var ok bool
		if id, ok = v[0].(string); !ok {
			return nil, fmt.Errorf("%s[0]: the logical id must be a string, is %s", where, kind(v[0]))
		}
		var err error
		if name, err = r.scalar(v[1], where+"[1]"); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("%s: must be a list of a logical id and an attribute, is %s", where, kind(argument))
	}
	return r.attribute(id, name, where)
}

func (r *Resolver) attribute(id, name, where string) (any, error) {
	if err := r.reachable(id, where); err != nil {
		return nil, err
	}
	value, err := r.values.Attribute(id, name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", where, err)
	}
	return value, nil
}

func (r *Resolver) join(argument any, where string) (any, error) {
	operands, err := arguments(argument, 2, where)
	if err != nil {
		return nil, err
	}
	delimiter, ok := operands[0].(string)
	if !ok {
		return nil, fmt.Errorf("%s[0]: the delimiter must be a string, is %s", where, kind(operands[0]))
	}
	list, err := r.list(operands[1], where+"[1]")
	if err != nil {
		return nil, err
	}
	elements := make([]string, len(list))
	for i, element := range list {
		if elements[i], err = scalar(element); err != nil {
			return nil, fmt.Errorf("%s[1][%d]: %w", where, i, err)
		}
	}
	return strings.Join(elements, delimiter), nil
}

func (r *Resolver) sub(argument any, where string) (any, error) {
	parts, variables, err := substitution(argument)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", where, err)
	}
	var result strings.Builder
	known := map[string]string{} // a name that is used twice is resolved once
	for _, part := range parts {
		if part.name == "" {
			result.WriteString(part.literal)
			continue
		}
		s, ok := known[part.name]
		if !ok {
			if s, err = r.subVariable(part.name, variables, where+".${"+part.name+"}"); err != nil {
				return nil, err
			}
			known[part.name] = s
		}
		result.WriteString(s)
		if result.Len() > maxString {
			return nil, fmt.Errorf("%s: the result is longer than %d bytes", where, maxString)
		}
	}
	return result.String(), nil
}

// subVariable is the value of one ${name} in an Fn::Sub.
func (r *Resolver) subVariable(name string, variables map[string]any, where string) (string, error) {
	var value any
	var err error
	if variable, ok := variables[name]; ok {
		value, err = r.resolve(variable, where)
	} else if id, attribute, ok := strings.Cut(name, "."); ok {
		value, err = r.attribute(id, attribute, where)
	} else {
		value, err = r.ref(name, where)
	}
	if err != nil {
		return "", err
	}
	s, err := scalar(value)
	if err != nil {
		return "", fmt.Errorf("%s: %w", where, err)
	}
	return s, nil
}

func (r *Resolver) selectElement(argument any, where string) (any, error) {
	operands, err := arguments(argument, 2, where)
	if err != nil {
		return nil, err
	}
	position, err := r.scalar(operands[0], where+"[0]")
	if err != nil {
		return nil, err
	}
	index, err := strconv.Atoi(position)
	if err != nil {
		return nil, fmt.Errorf("%s[0]: the index must be a whole number", where)
	}
	list, err := r.list(operands[1], where+"[1]")
	if err != nil {
		return nil, err
	}
	if index < 0 || index >= len(list) {
		return nil, fmt.Errorf("%s: the index %d is outside the list of %d", where, index, len(list))
	}
	return list[index], nil
}

func (r *Resolver) split(argument any, where string) (any, error) {
	operands, err := arguments(argument, 2, where)
	if err != nil {
		return nil, err
	}
	delimiter, ok := operands[0].(string)
	if !ok || delimiter == "" {
		return nil, fmt.Errorf("%s[0]: the delimiter must be a string that is not empty", where)
	}
	source, err := r.scalar(operands[1], where+"[1]")
	if err != nil {
		return nil, err
	}
	list := []any{}
	for element := range strings.SplitSeq(source, delimiter) {
		list = append(list, element)
	}
	return list, nil
}

func (r *Resolver) findInMap(argument any, where string) (any, error) {
	operands, err := arguments(argument, 3, where)
	if err != nil {
		return nil, err
	}
	var keys [3]string
	for i, operand := range operands {
		if keys[i], err = r.scalar(operand, fmt.Sprintf("%s[%d]", where, i)); err != nil {
			return nil, err
		}
	}
	value, ok := r.template.Mappings[keys[0]][keys[1]][keys[2]]
	if !ok {
		return nil, fmt.Errorf("%s: the mapping %s has no value at %s, %s", where, keys[0], keys[1], keys[2])
	}
	if list, ok := value.([]any); ok {
		return slices.Clone(list), nil
	}
	return value, nil
}

// list resolves a value that must be a list.
func (r *Resolver) list(value any, where string) ([]any, error) {
	resolved, err := r.resolve(value, where)
	if err != nil {
		return nil, err
	}
	switch list := resolved.(type) {
	case []any:
		return list, nil
	case []string:
		elements := make([]any, len(list))
		for i, element := range list {
			elements[i] = element
		}
		return elements, nil
	default:
		return nil, fmt.Errorf("%s: must be a list, is %s", where, kind(resolved))
	}
}

// scalar resolves a value that must be a string, number or boolean.
func (r *Resolver) scalar(value any, where string) (string, error) {
	resolved, err := r.resolve(value, where)
	if err != nil {
		return "", err
	}
	s, err := scalar(resolved)
	if err != nil {
		return "", fmt.Errorf("%s: %w", where, err)
	}
	return s, nil
}

// arguments is an intrinsic's list of n arguments, unresolved.
func arguments(argument any, n int, where string) ([]any, error) {
	list, ok := argument.([]any)
	if !ok {
		return nil, fmt.Errorf("%s: must be a list of %d, is %s", where, n, kind(argument))
	}
	if len(list) != n {
		return nil, fmt.Errorf("%s: must be a list of %d, has %d elements", where, n, len(list))
	}
	return list, nil
}

// scalar is a resolved value as the string that CloudFormation makes of it.
func scalar(value any) (string, error) {
	switch v := value.(type) {
	case string:
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	case json.Number:
		return v.String(), nil
	case int:
		return strconv.Itoa(v), nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), nil
	case noValue:
		return "", errors.New("AWS::NoValue cannot stand here")
	default:
		return "", fmt.Errorf("must be a string, number or boolean, is %s", kind(value))
	}
}
