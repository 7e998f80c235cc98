package customresource

import "fmt"

// A Refusal is the error of a request that changed nothing, and that would fail
// again however often it were sent. Code is what to search for: it does not
// change, while the detail may be worded better.
type Refusal struct{ Code, Detail string }

func (r *Refusal) Error() string { return r.Code + ": " + r.Detail }

// Refuse returns a [*Refusal].
func Refuse(code, format string, args ...any) error {
	return &Refusal{code, fmt.Sprintf(format, args...)}
}

// CodeInvalidProperty is the code of a request with a property that is missing
// or invalid.
const CodeInvalidProperty = "InvalidProperty"
