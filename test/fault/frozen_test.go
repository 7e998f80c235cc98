package fault_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"premiumhls/local/jsonservice"
	"premiumhls/local/lambda"
)

// A connectionEnd is what becomes of the connections of a container while it is
// frozen, which it cannot know of when it thaws.
type connectionEnd struct {
	name string
	end  func(*line)
}

var connectionEnds = []connectionEnd{
	{"closed", func(l *line) { l.CloseClientConnections() }},
	{"forgotten", (*line).silence},
}

// frozenFor is longer than a connection is used again and than a read of the
// keys takes: what a container finds after it, it finds after an hour.
const frozenFor = 11 * time.Second

func (c connectionEnd) freeze(s *site) {
	for _, line := range s.lines {
		c.end(line)
	}
	time.Sleep(frozenFor)
}

// cold tells what the first viewer gets of a container that was frozen in the
// midst of its first read, as one that was started before there was a viewer.
func (c connectionEnd) cold(t *testing.T, s *site) (during, after string) {
	s.fail(parameterStore, jsonservice.Fault{Delay: time.Hour})
	container := s.start(t)
	// What is no event is refused without a look at the keys.
	var refused *lambda.FunctionError
	if _, err := container.signer.Invoke(context.Background(), []byte("[]")); !errors.As(err, &refused) {
		t.Errorf("error %v", err)
	}
	s.fail(parameterStore, jsonservice.Fault{})
	c.freeze(s)
	first := container.ask(t, "course-1")
	return first.String(), container.recovers(t, first, "course-1")
}

// warm tells what the first viewer gets of a container that served others
// before it was frozen.
func (c connectionEnd) warm(t *testing.T, s *site) (during, after string) {
	container := s.start(t)
	container.ask(t, "course-1")
	s.sign(t, "a", "b")
	c.freeze(s)
	first := container.ask(t, "course-1")
	after = container.recovers(t, first, "course-1")
	if _, inKMS := s.public["KKMS"]; !inKMS {
		container.turnsTo(t, "KB")
	}
	return first.String(), after
}
