package cfn

import (
	"fmt"
	"strings"
)

// evaluateConditions evaluates every condition of the template.
func (r *Resolver) evaluateConditions() error {
	for _, name := range sortedKeys(r.template.Conditions) {
		if _, err := r.condition(name, nil); err != nil {
			return err
		}
	}
	return nil
}

// condition is the value of a named condition. path holds the conditions that
// are being evaluated, to find a circle.
func (r *Resolver) condition(name string, path []string) (bool, error) {
	if value, ok := r.conditions[name]; ok {
		return value, nil
	}
	expression, ok := r.template.Conditions[name]
	if !ok {
		return false, fmt.Errorf("unknown condition %q", name)
	}
	for i, other := range path {
		if other == name {
			return false, fmt.Errorf("conditions depend on each other in a circle: %s -> %s", strings.Join(path[i:], " -> "), name)
		}
	}
	value, err := r.evaluate(expression, "Conditions."+name, append(path, name))
	if err != nil {
		return false, err
	}
	r.conditions[name] = value
	return value, nil
}

func (r *Resolver) evaluate(expression any, where string, path []string) (bool, error) {
	fields, ok := expression.(map[string]any)
	if !ok || len(fields) != 1 {
		return false, fmt.Errorf("%s: must be one condition function", where)
	}
	for function, argument := range fields {
		if function == "Condition" {
			name, ok := argument.(string)
			if !ok {
				return false, fmt.Errorf("%s: the name of a condition must be a string, is %s", where, kind(argument))
			}
			return r.condition(name, path)
		}
		where += "." + function
		operands, ok := argument.([]any)
		if !ok {
			return false, fmt.Errorf("%s: must be a list, is %s", where, kind(argument))
		}
		switch function {
		case "Fn::Equals":
			return r.equals(operands, where)
		case "Fn::Not":
			if len(operands) != 1 {
				return false, fmt.Errorf("%s: takes 1 condition, has %d", where, len(operands))
			}
			value, err := r.evaluate(operands[0], where+"[0]", path)
			return !value, err
		case "Fn::And", "Fn::Or":
			if len(operands) < 2 || len(operands) > 10 {
				return false, fmt.Errorf("%s: takes 2 to 10 conditions, has %d", where, len(operands))
			}
			result := function == "Fn::And"
			for i, operand := range operands {
				// Every operand is evaluated, so that an error in one is found
				// whatever the others say.
				value, err := r.evaluate(operand, fmt.Sprintf("%s[%d]", where, i), path)
				if err != nil {
					return false, err
				}
				if function == "Fn::And" {
					result = result && value
				} else {
					result = result || value
				}
			}
			return result, nil
		default:
			return false, fmt.Errorf("%s: the function is not supported in a condition", where)
		}
	}
	panic("unreachable: the object has one field")
}

// equals compares two values as strings, which is how CloudFormation compares
// a parameter with a literal.
func (r *Resolver) equals(operands []any, where string) (bool, error) {
	if len(operands) != 2 {
		return false, fmt.Errorf("%s: takes 2 values, has %d", where, len(operands))
	}
	var values [2]string
	for i, operand := range operands {
		s, err := r.inCondition().scalar(operand, fmt.Sprintf("%s[%d]", where, i))
		if err != nil {
			return false, err
		}
		values[i] = s
	}
	return values[0] == values[1], nil
}

// inCondition is a resolver that knows no resource: a condition is evaluated
// before there are any.
func (r *Resolver) inCondition() *Resolver {
	c := *r
	c.values = nil
	return &c
}
