// Package sqs stands in for Amazon SQS on this machine, as far as dead-letter
// queues need it: standard queues whose messages are sent, received, counted and
// deleted. Other operations are refused.
package sqs

import (
	"crypto/md5"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"premiumhls/local/jsonservice"
)

// A Service holds queues and answers SQS's JSON protocol. The zero value has no
// queues. It is safe for concurrent use.
type Service struct {
	// Authorize, unless nil, decides whether a signed request may perform an
	// action on resources.
	Authorize func(r *http.Request, action string, resources ...string) error
	// Now is the clock; nil: time.Now.
	Now func() time.Time

	mu     sync.Mutex
	queues map[string]*queue // by ARN
}

type queue struct {
	name       string
	visibility time.Duration
	messages   []*message
}

type message struct {
	id, body   string
	attributes map[string]string
	hidden     time.Time // until when another receiver has it
	receipt    string
	received   int
}

// defaultVisibility is SQS's default visibility timeout.
const defaultVisibility = 30 * time.Second

// CreateQueue makes an empty queue, unless it exists.
func (s *Service) CreateQueue(arn string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.queues == nil {
		s.queues = map[string]*queue{}
	}
	if s.queues[arn] == nil {
		s.queues[arn] = &queue{name: arn[strings.LastIndexByte(arn, ':')+1:], visibility: defaultVisibility}
	}
}

// DeleteQueue removes a queue with its messages.
func (s *Service) DeleteQueue(arn string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.queues, arn)
}

// Send puts a message into a queue.
func (s *Service) Send(arn string, body []byte, attributes map[string]string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.queues[arn]
	if q == nil {
		return fmt.Errorf("there is no queue %s", arn)
	}
	q.messages = append(q.messages, &message{id: rand.Text(), body: string(body), attributes: attributes})
	return nil
}

// Len is how many messages a queue has.
func (s *Service) Len(arn string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if q := s.queues[arn]; q != nil {
		return len(q.messages)
	}
	return 0
}

// Handler answers the calls of SDKs.
func (s *Service) Handler() http.Handler {
	return &jsonservice.Service{
		Name: "SQS", TargetPrefix: "AmazonSQS.", Version: "1.0", Internal: "InternalError", IAMPrefix: "sqs",
		Call:      func(operation string, body []byte, _ jsonservice.Fault) (any, error) { return s.call(operation, body) },
		Resources: func(_ string, body []byte) []string { return []string{s.arn(body)} },
		Authorize: s.Authorize,
	}
}

// arn is the ARN of the queue that a request is about. A queue is found by the
// last part of its URL, its name: the SDKs send requests to the endpoint, not to
// the URL.
func (s *Service) arn(body []byte) string {
	var in struct{ QueueUrl string }
	_ = json.Unmarshal(body, &in) // the operation reports what is unreadable
	s.mu.Lock()
	defer s.mu.Unlock()
	for arn, q := range s.queues {
		if q.name == path.Base(in.QueueUrl) {
			return arn
		}
	}
	return "arn:aws:sqs:::" + path.Base(in.QueueUrl)
}

type input struct {
	QueueUrl            string
	MaxNumberOfMessages int
	VisibilityTimeout   *int
	WaitTimeSeconds     int // a response is always at once
	ReceiptHandle       string
}

func (s *Service) call(operation string, body []byte) (any, error) {
	return jsonservice.Decoded(body, func(in input) (any, error) {
		arn := s.arn(body)
		s.mu.Lock()
		defer s.mu.Unlock()
		q := s.queues[arn]
		if q == nil {
			return nil, &jsonservice.Error{Code: "com.amazonaws.sqs#QueueDoesNotExist", Message: "The specified queue does not exist."}
		}
		switch operation {
		case "ReceiveMessage":
			return q.receive(in, s.now())
		case "DeleteMessage":
			return q.remove(in)
		case "GetQueueAttributes":
			return map[string]any{"Attributes": map[string]string{"QueueArn": arn, "ApproximateNumberOfMessages": strconv.Itoa(len(q.messages))}}, nil
		}
		return nil, jsonservice.Unknown(operation)
	})
}

func (s *Service) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}

func (q *queue) receive(in input, now time.Time) (any, error) {
	most := max(in.MaxNumberOfMessages, 1)
	if most > 10 {
		return nil, &jsonservice.Error{Code: "InvalidParameterValue", Message: fmt.Sprintf("Value %d for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided.", most)}
	}
	visibility := q.visibility
	if in.VisibilityTimeout != nil {
		visibility = time.Duration(*in.VisibilityTimeout) * time.Second
	}
	list := []any{}
	for _, m := range q.messages {
		if len(list) == most {
			break
		}
		if now.Before(m.hidden) {
			continue
		}
		m.hidden, m.receipt = now.Add(visibility), rand.Text()
		m.received++
		sum := md5.Sum([]byte(m.body))
		list = append(list, map[string]any{
			"MessageId": m.id, "ReceiptHandle": m.receipt, "Body": m.body, "MD5OfBody": hex.EncodeToString(sum[:]),
			"Attributes": map[string]string{"ApproximateReceiveCount": strconv.Itoa(m.received)},
		})
	}
	return map[string]any{"Messages": list}, nil
}

func (q *queue) remove(in input) (any, error) {
	if in.ReceiptHandle == "" {
		return nil, &jsonservice.Error{Code: "ReceiptHandleIsInvalid", Message: "The input receipt handle is invalid."}
	}
	for i, m := range q.messages {
		if m.receipt == in.ReceiptHandle {
			q.messages = append(q.messages[:i], q.messages[i+1:]...)
			break
		}
	}
	return map[string]any{}, nil // also for a message that was deleted before
}
