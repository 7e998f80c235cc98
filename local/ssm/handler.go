package ssm

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"premiumhls/local/jsonservice"
)

// maxNames is the maximum number of names in a GetParameters call.
const maxNames = 10

func (s *Store) call(operation string, body []byte, fault Fault) (any, error) {
	switch operation {
	case "PutParameter":
		return jsonservice.Decoded(body, s.putParameter)
	case "GetParameter":
		return jsonservice.Decoded(body, func(in getParameterInput) (any, error) { return s.getParameter(in, fault.Alter) })
	case "GetParameters":
		return jsonservice.Decoded(body, func(in getParametersInput) (any, error) { return s.getParameters(in, fault.Alter) })
	case "DeleteParameter":
		return jsonservice.Decoded(body, s.deleteParameter)
	}
	return nil, jsonservice.Unknown(operation)
}

const arnPrefix = "arn:aws:ssm:us-east-1:111122223333:parameter/"

func arn(name string) string { return arnPrefix + strings.TrimPrefix(name, "/") }

// resources are the parameters that a request names.
func resources(_ string, body []byte) []string {
	var in struct {
		Name  string
		Names []string
	}
	if json.Unmarshal(body, &in) != nil {
		return nil
	}
	if in.Name != "" {
		in.Names = append(in.Names, in.Name)
	}
	arns := make([]string, 0, len(in.Names))
	for _, name := range in.Names {
		arns = append(arns, arn(name))
	}
	return arns
}

type putParameterInput struct {
	Name, Type, Value, Description, Tier string
	Overwrite                            bool
}

func (s *Store) putParameter(in putParameterInput) (any, error) {
	tier := cmp.Or(in.Tier, "Standard")
	if tier != "Standard" {
		return nil, invalid("invalid tier %q: the local run supports Standard only", tier)
	}
	version, err := s.put(Parameter{Name: in.Name, Type: in.Type, Value: in.Value, Description: in.Description}, in.Overwrite)
	if err != nil {
		return nil, err
	}
	return map[string]any{"Version": version, "Tier": tier}, nil
}

type getParameterInput struct {
	Name           string
	WithDecryption bool
}

func (s *Store) getParameter(in getParameterInput, alter func(name, value string) string) (any, error) {
	p, ok := s.Get(in.Name)
	if !ok {
		return nil, notFound(in.Name)
	}
	return map[string]any{"Parameter": shown(p, in.WithDecryption, alter)}, nil
}

type getParametersInput struct {
	Names          []string
	WithDecryption bool
}

// getParameters returns the parameters sorted by name, not in the requested
// order: the service guarantees none.
func (s *Store) getParameters(in getParametersInput, alter func(name, value string) string) (any, error) {
	if n := len(in.Names); n == 0 || n > maxNames {
		return nil, invalid("1 validation error detected: Value at 'names' failed to satisfy constraint: Member must have length between 1 and %d", maxNames)
	}
	names := slices.Clone(in.Names)
	slices.Sort(names)
	found, missing := []parameterOutput{}, []string{}
	for _, name := range slices.Compact(names) {
		if p, ok := s.Get(name); ok {
			found = append(found, shown(p, in.WithDecryption, alter))
		} else {
			missing = append(missing, name)
		}
	}
	return map[string]any{"Parameters": found, "InvalidParameters": missing}, nil
}

func (s *Store) deleteParameter(in struct{ Name string }) (any, error) {
	if !s.Delete(in.Name) {
		return nil, notFound(in.Name)
	}
	return struct{}{}, nil
}

func notFound(name string) *Error {
	return &Error{Code: "ParameterNotFound", Message: fmt.Sprintf("Parameter %s not found.", name)}
}

type parameterOutput struct {
	ARN              string
	Name             string
	Type             string
	Value            string
	Version          int64
	DataType         string
	LastModifiedDate float64 // seconds since 1970
}

func shown(p Parameter, decrypt bool, alter func(name, value string) string) parameterOutput {
	value := p.ciphertext
	if decrypt {
		value = p.Value
		if alter != nil {
			value = alter(p.Name, value)
		}
	}
	return parameterOutput{
		ARN:              arn(p.Name),
		Name:             p.Name,
		Type:             p.Type,
		Value:            value,
		Version:          p.Version,
		DataType:         "text",
		LastModifiedDate: float64(p.LastModified.UnixMilli()) / float64(time.Second/time.Millisecond),
	}
}
