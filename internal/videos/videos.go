// Package videos is what an owner does with courses: it uploads films, follows
// what becomes of them, lists lessons and sends commands to the ingest function.
// It works alike with a deployed stack and with the local run: both are an S3
// bucket, a Lambda function and an SQS queue.
package videos

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"premiumhls/internal/catalog"
)

// The outputs of the stack that a Site is made of.
const (
	BucketOutput   = "Bucket"
	FunctionOutput = "Ingest"
	QueueOutput    = "IngestDeadLetters"
	SiteOutput     = "Site"
)

// A Site is a stack with ingest.
type Site struct {
	S3     *s3.Client
	Lambda *lambda.Client
	SQS    *sqs.Client

	Bucket   string
	Function string // name of the ingest function
	Queue    string // URL of its dead-letter queue
	URL      string // of the page
}

// ErrNoIngest is the error of a stack without the setting.
var ErrNoIngest = errors.New(`the stack makes no courses of films: set "ingest": true in cdk.json and deploy`)

// Read fills in the names from a stack's outputs.
func (s *Site) Read(outputs map[string]string) error {
	s.Bucket, s.Function, s.Queue, s.URL = outputs[BucketOutput], outputs[FunctionOutput], outputs[QueueOutput], outputs[SiteOutput]
	if s.Bucket == "" || s.Function == "" || s.Queue == "" {
		return ErrNoIngest
	}
	return nil
}

var errMissing = errors.New("no such object")

// read reads a JSON document of the bucket.
func (s *Site) read(ctx context.Context, key string, v any) error {
	out, err := s.S3.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.Bucket, Key: &key})
	if _, ok := errors.AsType[*types.NoSuchKey](err); ok {
		return errMissing
	}
	if err != nil {
		return fmt.Errorf("reading s3://%s/%s: %w", s.Bucket, key, err)
	}
	defer out.Body.Close()
	text, err := io.ReadAll(out.Body)
	if err == nil {
		err = json.Unmarshal(text, v)
	}
	if err != nil {
		return fmt.Errorf("reading s3://%s/%s: %w", s.Bucket, key, err)
	}
	return nil
}

// A Listing is every course, in order of their paths, and the uploads that
// belong to none.
type Listing struct {
	Courses  []Course
	Problems []catalog.Problem
}

// A Course has its lessons in order of their paths.
type Course struct {
	Path    string
	Record  catalog.CourseRecord
	Lessons []catalog.Record
}

// readers is how many records are read at once.
const readers = 16

// List reads all records.
func (s *Site) List(ctx context.Context) (Listing, error) {
	var keys []string
	pages := s3.NewListObjectsV2Paginator(s.S3, &s3.ListObjectsV2Input{Bucket: &s.Bucket, Prefix: aws.String(catalog.RecordPrefix)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return Listing{}, fmt.Errorf("listing s3://%s/%s: %w", s.Bucket, catalog.RecordPrefix, err)
		}
		for _, o := range page.Contents {
			keys = append(keys, *o.Key)
		}
	}
	var (
		mu       sync.Mutex
		group    sync.WaitGroup
		errs     []error
		lessons  = map[string][]catalog.Record{}
		courses  = map[string]catalog.CourseRecord{}
		problems []catalog.Problem
		slots    = make(chan struct{}, readers)
	)
	for _, key := range keys {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			var lesson catalog.Record
			var course catalog.CourseRecord
			var problem catalog.Problem
			path, _, isLesson := catalog.ParseRecordKey(key)
			coursePath, isCourse := strings.CutSuffix(strings.TrimPrefix(key, catalog.RecordPrefix), "/course.json")
			isProblem := strings.HasPrefix(key, catalog.ProblemPrefix)
			var into any
			switch {
			case isProblem:
				into = &problem
			case isLesson:
				into = &lesson
			case isCourse:
				into = &course
			default:
				return // not of this version
			}
			err := s.read(ctx, key, into)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case errors.Is(err, errMissing): // removed meanwhile
			case err != nil:
				errs = append(errs, err)
			case isProblem:
				problems = append(problems, problem)
			case isLesson:
				lessons[path] = append(lessons[path], lesson)
			default:
				courses[coursePath] = course
			}
		})
	}
	group.Wait()
	if len(errs) > 0 {
		return Listing{}, errs[0]
	}
	listing := Listing{Problems: problems}
	slices.SortFunc(listing.Problems, func(a, b catalog.Problem) int { return strings.Compare(a.Key, b.Key) })
	for path, list := range lessons {
		slices.SortFunc(list, func(a, b catalog.Record) int { return strings.Compare(a.Lesson, b.Lesson) })
		listing.Courses = append(listing.Courses, Course{Path: path, Record: courses[path], Lessons: list})
	}
	slices.SortFunc(listing.Courses, func(a, b Course) int { return strings.Compare(a.Path, b.Path) })
	return listing, nil
}

// A Reply is what the function says to a command.
type Reply struct {
	State  catalog.State `json:"state"`
	Reason string        `json:"reason"`
}

// A RefusedError is a command that the function refused. Its text is the
// function's sentence.
type RefusedError struct{ Sentence string }

func (e *RefusedError) Error() string { return e.Sentence }

// invoke invokes the function and waits for its response.
func (s *Site) invoke(ctx context.Context, payload []byte) ([]byte, error) {
	out, err := s.Lambda.Invoke(ctx, &lambda.InvokeInput{FunctionName: &s.Function, Payload: payload}, func(o *lambda.Options) {
		o.RetryMaxAttempts = 1 // each attempt is a run of the function
	})
	if err != nil {
		return nil, fmt.Errorf("invoking %s: %w", s.Function, err)
	}
	if out.FunctionError != nil {
		var failure struct {
			ErrorMessage string `json:"errorMessage"`
		}
		if err := json.Unmarshal(out.Payload, &failure); err != nil || failure.ErrorMessage == "" {
			failure.ErrorMessage = string(out.Payload)
		}
		return nil, &RefusedError{failure.ErrorMessage}
	}
	return out.Payload, nil
}

// Command sends a command about a lesson, COURSE/LESSON: publish, draft, free,
// premium, retry or rm.
func (s *Site) Command(ctx context.Context, command, path string) (Reply, error) {
	if command == "rm" {
		command = "remove"
	}
	payload, err := json.Marshal(map[string]string{"command": command, "path": path})
	if err != nil {
		return Reply{}, err
	}
	text, err := s.invoke(ctx, payload)
	if err != nil {
		return Reply{}, err
	}
	var reply Reply
	if err := json.Unmarshal(text, &reply); err != nil {
		return Reply{}, fmt.Errorf("function %s returned an invalid response: %w", s.Function, err)
	}
	return reply, nil
}

// Known reports whether the lesson or course uses a file, whose ETag must be set.
func (s *Site) Known(ctx context.Context, f File) (bool, error) {
	var lesson catalog.Record
	var course catalog.CourseRecord
	var err error
	if f.Upload.Kind == catalog.CourseFile {
		err = s.read(ctx, catalog.CourseRecordKey(f.Upload.Course), &course)
	} else {
		err = s.read(ctx, catalog.RecordKey(f.Upload.Course, f.Upload.Lesson), &lesson)
	}
	if errors.Is(err, errMissing) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	object := cmp.Or(lesson.Object(f.Upload), course.MetaFile)
	return object != nil && object.Key == f.Key && object.ETag == f.ETag, nil
}

// Receive makes the function process a file of the bucket whose event it did not
// receive.
func (s *Site) Receive(ctx context.Context, f File) error {
	_, err := s.Command(ctx, "receive", f.Key)
	return err
}

// CheckPath checks COURSE/LESSON.
func CheckPath(path string) error {
	course, lesson, ok := strings.Cut(path, "/")
	if !ok || !catalog.IsSegment(course) || !catalog.IsSegment(lesson) {
		return fmt.Errorf("invalid value %q: must be COURSE/LESSON as premium videos lists it", path)
	}
	return nil
}

// redriveSeconds is how long other receivers do not see a message that is being
// handled: longer than the function may run.
const redriveSeconds = 1000

// Redrive invokes the function again with every event of the dead-letter queue,
// and deletes what it could handle. What fails stays in the queue; err then has
// the last failure.
func (s *Site) Redrive(ctx context.Context) (handled, failed int, err error) {
	for {
		out, receiveErr := s.SQS.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &s.Queue, MaxNumberOfMessages: 1, VisibilityTimeout: redriveSeconds, WaitTimeSeconds: 1})
		if receiveErr != nil {
			return handled, failed, fmt.Errorf("receiving from %s: %w", s.Queue, receiveErr)
		}
		if len(out.Messages) == 0 {
			return handled, failed, err
		}
		m := out.Messages[0]
		event, eventErr := event(aws.ToString(m.Body))
		if eventErr == nil {
			_, eventErr = s.invoke(ctx, event)
		}
		if eventErr != nil {
			failed++
			err = eventErr
			if ctx.Err() != nil {
				return handled, failed, err
			}
			continue // invisible now, so that the loop ends
		}
		if _, deleteErr := s.SQS.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &s.Queue, ReceiptHandle: m.ReceiptHandle}); deleteErr != nil {
			return handled, failed, fmt.Errorf("deleting from %s: %w", s.Queue, deleteErr)
		}
		handled++
	}
}

// event is the event in a message: the message itself if EventBridge sent it,
// the request's payload if Lambda did.
func event(body string) ([]byte, error) {
	var record struct {
		RequestPayload json.RawMessage `json:"requestPayload"`
		Source         string          `json:"source"`
	}
	if err := json.Unmarshal([]byte(body), &record); err != nil {
		return nil, fmt.Errorf("a message is not an event: %w", err)
	}
	switch {
	case len(record.RequestPayload) > 0:
		return record.RequestPayload, nil
	case record.Source != "":
		return []byte(body), nil
	}
	return nil, errors.New("a message is not an event: it has neither requestPayload nor source")
}

// A Follower waits for what becomes of an upload.
type Follower struct {
	Site  *Site
	Every time.Duration // between two looks at the record; zero: two seconds
	// Patience is how long to wait for the film's event before Receive is called;
	// zero: 30 seconds.
	Patience time.Duration
}

// Wait returns the record once the lesson's film, which was uploaded, plays, is
// a draft or failed. Report is called with each of its records. If the film was
// sent, problems from before since are ignored.
func (f Follower) Wait(ctx context.Context, file File, since time.Time, report func(catalog.Record)) (catalog.Record, error) {
	every := cmp.Or(f.Every, 2*time.Second)
	ask := time.Now().Add(cmp.Or(f.Patience, 30*time.Second))
	for {
		var r catalog.Record
		err := f.Site.read(ctx, catalog.RecordKey(file.Upload.Course, file.Upload.Lesson), &r)
		if err != nil && !errors.Is(err, errMissing) {
			return r, err
		}
		if err == nil && r.Film != nil && r.Film.ETag == file.ETag {
			report(r)
			switch r.State {
			case catalog.Playing, catalog.Drafted, catalog.Failed, catalog.Removed:
				return r, nil
			}
		} else {
			var p catalog.Problem
			err := f.Site.read(ctx, catalog.ProblemKey(file.Key), &p)
			if err == nil && (!file.Sent || p.At.After(since)) {
				return catalog.Record{State: catalog.Failed, Reason: p.Reason}, nil
			}
			if err != nil && !errors.Is(err, errMissing) {
				return r, err
			}
			if !ask.IsZero() && time.Now().After(ask) {
				ask = time.Time{}
				if err := f.Site.Receive(ctx, file); err != nil {
					return r, err
				}
			}
		}
		select {
		case <-time.After(every):
		case <-ctx.Done():
			return r, ctx.Err()
		}
	}
}

// PageURL is the address of a lesson on the page, which a viewer can share.
func (s *Site) PageURL(path string) string {
	return strings.TrimSuffix(s.URL, "/") + "/#/" + path
}

// NewLocal makes the site of a local run from the addresses of its stand-ins and
// the stack's outputs.
func NewLocal(region string, endpoints, outputs map[string]string, owner aws.CredentialsProvider) (*Site, error) {
	at := func(service string) *string { return aws.String(endpoints[service]) }
	s := &Site{
		S3:     s3.New(s3.Options{Region: region, BaseEndpoint: at("S3"), UsePathStyle: true, Credentials: owner, DisableLogOutputChecksumValidationSkipped: true}),
		Lambda: lambda.New(lambda.Options{Region: region, BaseEndpoint: at("LAMBDA"), Credentials: owner}),
		SQS:    sqs.New(sqs.Options{Region: region, BaseEndpoint: at("SQS"), Credentials: owner}),
	}
	return s, s.Read(outputs)
}
