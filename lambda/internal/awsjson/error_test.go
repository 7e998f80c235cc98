package awsjson

import "testing"

func TestTemporary(t *testing.T) {
	for _, tt := range []struct {
		err  Error
		want bool
	}{
		{Error{Status: 400, Code: "ThrottlingException"}, true},
		{Error{Status: 400, Code: "ProvisionedThroughputExceededException"}, true},
		{Error{Status: 400, Code: "RequestThrottledException"}, true},
		{Error{Status: 400, Code: "TransactionInProgressException"}, true},
		{Error{Status: 400, Code: "PriorRequestNotComplete"}, true},
		{Error{Status: 400, Code: "SlowDown"}, true},
		{Error{Status: 400, Code: "RequestTimeoutException"}, true},
		{Error{Status: 429}, true},
		{Error{Status: 500}, true},
		{Error{Status: 503, Code: "AccessDeniedException"}, true},
		{Error{Status: 400, Code: "AccessDeniedException"}, false},
		{Error{Status: 400, Code: "ValidationException"}, false},
		{Error{Status: 404, Code: "ResourceNotFoundException"}, false},
		{Error{Status: 400}, false},
	} {
		if got := tt.err.Temporary(); got != tt.want {
			t.Errorf("%v: temporary %t, want %t", &tt.err, got, tt.want)
		}
	}
}
