package parameterstore

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	mediaType    = "application/x-amz-json-1.1"
	targetPrefix = "AmazonSSM."
	maxNames     = 10 // of one GetParameters
	maxBody      = 64 << 10
)

// ServeHTTP answers one call of an SSM client.
func (s *Store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	operation, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), targetPrefix)
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	// The media type also keeps web pages out: a browser asks before it sends
	// this one to another origin, and gets no leave.
	if r.Method != http.MethodPost || !ok || media != mediaType {
		answerError(w, http.StatusBadRequest, &Error{"UnknownOperationException", "not a call of Systems Manager"})
		return
	}

	// Read before any delay: only then does the server see a client leave.
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		answerError(w, http.StatusBadRequest, &Error{"SerializationException", "the request is not readable: " + err.Error()})
		return
	}

	fault := s.faultFor(operation)
	if !fault.before(w, r) {
		return
	}
	result, err := s.call(operation, body, fault.Alter)
	if fault.Lose {
		cut()
	}
	var refusal *Error
	switch {
	case errors.As(err, &refusal):
		answerError(w, http.StatusBadRequest, refusal)
	case err != nil:
		answerError(w, http.StatusInternalServerError, &Error{"InternalServerError", err.Error()})
	case fault.Truncate:
		truncate(w, result)
	default:
		answer(w, http.StatusOK, result)
	}
}

func (s *Store) call(operation string, body []byte, alter func(name, value string) string) (result any, err error) {
	switch operation {
	case "PutParameter":
		return decoded(body, s.putParameter)
	case "GetParameter":
		return decoded(body, func(in getParameterInput) (any, error) { return s.getParameter(in, alter) })
	case "GetParameters":
		return decoded(body, func(in getParametersInput) (any, error) { return s.getParameters(in, alter) })
	case "DeleteParameter":
		return decoded(body, s.deleteParameter)
	}
	return nil, &Error{"UnknownOperationException", operation + " is not an operation of this store"}
}

func decoded[In any](body []byte, call func(In) (any, error)) (any, error) {
	var in In
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, &Error{"SerializationException", "the request is not readable: " + err.Error()}
	}
	return call(in)
}

type putParameterInput struct {
	Name, Type, Value, Description, Tier string
	Overwrite                            bool
}

func (s *Store) putParameter(in putParameterInput) (any, error) {
	tier := cmp.Or(in.Tier, "Standard")
	if tier != "Standard" {
		return nil, invalid("tier %q: this store has standard parameters only", tier)
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

// getParameters answers with the parameters in the order of their names,
// whatever the order asked for: callers of the service cannot rely on one.
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
	return &Error{"ParameterNotFound", fmt.Sprintf("Parameter %s not found.", name)}
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
		ARN:              "arn:aws:ssm:us-east-1:111122223333:parameter/" + strings.TrimPrefix(p.Name, "/"),
		Name:             p.Name,
		Type:             p.Type,
		Value:            value,
		Version:          p.Version,
		DataType:         "text",
		LastModifiedDate: float64(p.LastModified.UnixMilli()) / float64(time.Second/time.Millisecond),
	}
}

func answer(w http.ResponseWriter, status int, result any) {
	body, err := json.Marshal(result)
	if err != nil {
		panic(err) // a type of this package that is not JSON
	}
	w.Header().Set("Content-Type", mediaType)
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that left is not an error
}

func answerError(w http.ResponseWriter, status int, e *Error) {
	answer(w, status, map[string]string{"__type": e.Code, "message": e.Message})
}
