package cfn

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// part is a piece of an Fn::Sub string: literal text, or the name inside ${…}.
type part struct {
	literal string
	name    string
}

var variablePattern = regexp.MustCompile(`^[A-Za-z0-9_.:]+$`)

// substitution splits the argument of Fn::Sub, which is a string, or a list of
// a string and an object of variables.
func substitution(argument any) ([]part, map[string]any, error) {
	pattern, ok := argument.(string)
	var variables map[string]any
	if list, isList := argument.([]any); isList && len(list) == 2 {
		if pattern, ok = list[0].(string); ok {
			variables, ok = list[1].(map[string]any)
		}
	}
	if !ok {
		return nil, nil, errors.New("must be a string, or a list of a string and an object of variables")
	}
	var parts []part
	for {
		before, rest, found := strings.Cut(pattern, "${")
		if before != "" {
			parts = append(parts, part{literal: before})
		}
		if !found {
			return parts, variables, nil
		}
		name, after, closed := strings.Cut(rest, "}")
		switch {
		case !closed:
			return nil, nil, errors.New("has a ${ without its }")
		case strings.HasPrefix(name, "!"):
			// ${!Literal} stands for the text ${Literal}.
			parts = append(parts, part{literal: "${" + name[1:] + "}"})
		case !variablePattern.MatchString(name):
			return nil, nil, fmt.Errorf("has the variable %q; a name has letters, digits, underscores, periods and colons only", name)
		default:
			parts = append(parts, part{name: name})
		}
		pattern = after
	}
}
