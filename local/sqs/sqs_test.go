package sqs_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"

	"premiumhls/local/sqs"
)

const (
	arn = "arn:aws:sqs:us-east-1:111122223333:q"
	url = "https://sqs.us-east-1.amazonaws.com/111122223333/q"
)

func client(t *testing.T, s *sqs.Service) *awssqs.Client {
	t.Helper()
	server := httptest.NewServer(s.Handler())
	t.Cleanup(server.Close)
	return awssqs.New(awssqs.Options{Region: "us-east-1", BaseEndpoint: &server.URL, RetryMaxAttempts: 1, Credentials: credentials.NewStaticCredentialsProvider("x", "x", "")})
}

func TestQueue(t *testing.T) {
	now := time.Now()
	s := &sqs.Service{Now: func() time.Time { return now }}
	c := client(t, s)
	if s.Send(arn, []byte("x"), nil) == nil {
		t.Error("a message to no queue is accepted")
	}
	s.CreateQueue(arn)
	for _, body := range []string{"one", "two"} {
		if err := s.Send(arn, []byte(body), nil); err != nil {
			t.Fatal(err)
		}
	}
	s.CreateQueue(arn) // keeps messages
	receive := func() *awssqs.ReceiveMessageOutput {
		t.Helper()
		out, err := c.ReceiveMessage(t.Context(), &awssqs.ReceiveMessageInput{QueueUrl: aws.String(url), VisibilityTimeout: 60})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	first, second, none := receive(), receive(), receive()
	if len(first.Messages) != 1 || len(second.Messages) != 1 || *first.Messages[0].Body != "one" || *second.Messages[0].Body != "two" || len(none.Messages) != 0 {
		t.Fatalf("received %v, %v, %v", first.Messages, second.Messages, none.Messages)
	}
	remove := &awssqs.DeleteMessageInput{QueueUrl: aws.String(url), ReceiptHandle: first.Messages[0].ReceiptHandle}
	for range 2 { // the second has no effect
		if _, err := c.DeleteMessage(t.Context(), remove); err != nil {
			t.Fatal(err)
		}
	}
	if n := s.Len(arn); n != 1 {
		t.Errorf("%d messages, want 1", n)
	}
	now = now.Add(61 * time.Second)
	if again := receive(); len(again.Messages) != 1 || *again.Messages[0].Body != "two" {
		t.Errorf("after the visibility timeout: %v", again.Messages)
	}
	attributes, err := c.GetQueueAttributes(t.Context(), &awssqs.GetQueueAttributesInput{QueueUrl: aws.String(url)})
	if err != nil || attributes.Attributes["ApproximateNumberOfMessages"] != "1" {
		t.Errorf("attributes %v, %v", attributes, err)
	}
	s.DeleteQueue(arn)
	var refusal smithy.APIError
	if _, err := c.ReceiveMessage(t.Context(), &awssqs.ReceiveMessageInput{QueueUrl: aws.String(url)}); !errors.As(err, &refusal) || refusal.ErrorCode() != "QueueDoesNotExist" {
		t.Errorf("error %v", err)
	}
}

func TestAuthorize(t *testing.T) {
	var asked []string
	s := &sqs.Service{Authorize: func(_ *http.Request, action string, resources ...string) error {
		asked = append(asked, action)
		asked = append(asked, resources...)
		return errors.New("no")
	}}
	s.CreateQueue(arn)
	s.Send(arn, []byte("x"), nil)
	var refusal smithy.APIError
	if _, err := client(t, s).ReceiveMessage(t.Context(), &awssqs.ReceiveMessageInput{QueueUrl: aws.String(url)}); !errors.As(err, &refusal) || refusal.ErrorCode() != "AccessDeniedException" {
		t.Errorf("error %v", err)
	}
	if len(asked) != 2 || asked[0] != "sqs:ReceiveMessage" || asked[1] != arn {
		t.Errorf("asked for %v", asked)
	}
}
