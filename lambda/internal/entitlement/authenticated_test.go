package entitlement

import (
	"context"
	"errors"
	"slices"
	"testing"
)

func TestAuthenticated(t *testing.T) {
	for _, tt := range []struct {
		name    string
		viewer  Viewer
		err     error
		entries []Grant
	}{
		{"signed in", Viewer{Subject: "ada"}, nil, []Grant{{}}},
		{"nobody", Viewer{}, ErrNotEntitled, nil},
		{"claims without a subject", Viewer{Claims: map[string]string{"email": "ada@example.com"}}, ErrNotEntitled, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var decider Decider = Authenticated{}
			for _, path := range []string{"", "course-1"} {
				grant, err := decider.Decide(context.Background(), tt.viewer, path)
				if !errors.Is(err, tt.err) || grant != (Grant{}) {
					t.Errorf("Decide(%q) = %v, %v; want error %v", path, grant, err, tt.err)
				}
			}
			entries, err := decider.List(context.Background(), tt.viewer)
			if err != nil || !slices.Equal(entries, tt.entries) {
				t.Errorf("List = %v, %v; want %v", entries, err, tt.entries)
			}
		})
	}
}
