package cloud

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"premiumhls/internal/cfn"
	"premiumhls/local/cloudformation"
	"premiumhls/local/eventbridge"
	"premiumhls/local/iam"
	"premiumhls/local/lambda"
	"premiumhls/local/mediaconvert"
	"premiumhls/local/s3"
	"premiumhls/local/sqs"
)

// An ingest is the services around the ingest function: S3's events,
// EventBridge, MediaConvert, dead-letter queues and CloudFront's invalidations.
// It exists only if the template needs it.
type ingest struct {
	cloud   *Cloud
	bus     *eventbridge.Bus
	convert *mediaconvert.Service
	queues  *sqs.Service
	s3      string // URL of the API
	objects string // folder of large objects

	mu    sync.Mutex
	sends map[string]bool                    // buckets that send their events to EventBridge
	roles map[string]aws.CredentialsProvider // of MediaConvert's sessions, by role
}

// ingestTypes are the resources that need these services.
var ingestTypes = []string{"AWS::Events::Rule", "AWS::SQS::Queue", "AWS::Lambda::EventInvokeConfig"}

// startIngest starts the services if the template needs them, before any
// function starts: functions get the addresses in their environment.
func (c *Cloud) startIngest(t *cfn.Template) (err error) {
	if c.ingest != nil {
		return nil
	}
	needed := false
	for _, r := range t.Resources {
		for _, kind := range ingestTypes {
			needed = needed || r.Type == kind
		}
	}
	if !needed {
		return nil
	}
	i := &ingest{cloud: c, queues: &sqs.Service{Authorize: c.authority.Authorize}, sends: map[string]bool{}, roles: map[string]aws.CredentialsProvider{}}
	if i.objects, err = os.MkdirTemp("", "premiumhls-objects-"); err != nil {
		return fmt.Errorf("making a folder for objects: %w", err)
	}
	where := c.where()
	i.bus = eventbridge.New(eventbridge.Options{
		Invoke: c.functions.invoke,
		Exists: c.functions.has,
		MayInvoke: func(rule, function string) error {
			return c.serviceMay("events.amazonaws.com", rule, "lambda:InvokeFunction", function)
		},
		Send:     i.send,
		HandOver: c.options.HandOver,
		Account:  where.AccountID, Region: where.Region, Log: c.options.Log,
	})
	i.convert = mediaconvert.New(mediaconvert.Options{
		Bucket: i,
		Send: func(detailType string, detail map[string]any) {
			job := fmt.Sprintf("arn:aws:mediaconvert:%s:%s:jobs/%v", where.Region, where.AccountID, detail["jobId"])
			i.put("aws.mediaconvert", detailType, job, detail)
		},
		Authorize: i.authorizeConvert,
		PassRole: func(role string) error {
			_, err := i.assume(role)
			return err
		},
		Account: where.AccountID, Region: where.Region, Log: c.options.Log,
	})
	c.ingest = i // from here on Close ends it
	c.objects.Store(&s3.Service{Bucket: c.bucket, Authorize: c.authority.Authorize, Created: i.created, Dir: i.objects})
	for service, handler := range map[string]http.Handler{
		"MEDIACONVERT": i.convert, "SQS": i.queues.Handler(), "CLOUDFRONT": http.HandlerFunc(c.serveCloudFront),
	} {
		url, err := c.listen(handler)
		if err != nil {
			return err
		}
		c.functions.environment["AWS_ENDPOINT_URL_"+service] = url
	}
	i.s3 = c.functions.environment["AWS_ENDPOINT_URL_S3"]
	return nil
}

// bucket finds a bucket of the stack for S3's API.
func (c *Cloud) bucket(name string) (*s3.Bucket, bool) {
	b, err := c.buckets.byName(name)
	return b, err == nil
}

func (i *ingest) close() error {
	i.convert.Close()
	i.bus.Close()
	return os.RemoveAll(i.objects)
}

// Endpoints are the addresses of the services that an owner's commands use, by
// the name that the SDKs have for them.
func (c *Cloud) Endpoints() map[string]string {
	all := map[string]string{"LAMBDA": c.functions.environment["AWS_ENDPOINT_URL_LAMBDA"]}
	if c.usersURL != "" {
		all["COGNITO_IDENTITY_PROVIDER"] = c.usersURL
	}
	if c.ingest != nil {
		for _, service := range []string{"S3", "SQS"} {
			all[service] = c.functions.environment["AWS_ENDPOINT_URL_"+service]
		}
	}
	return all
}

// FireSchedules runs the rules that have a schedule.
func (c *Cloud) FireSchedules() {
	if c.ingest != nil {
		c.ingest.bus.Fire()
	}
}

func (i *ingest) put(source, detailType, resource string, detail any) {
	if err := i.bus.Put(source, detailType, []string{resource}, detail); err != nil {
		i.cloud.options.Log.Error("an event is lost", "cause", err.Error())
	}
}

// created is S3's event of an object (Amazon S3 user guide, "EventBridge event
// message structure").
func (i *ingest) created(o s3.Created) {
	i.mu.Lock()
	sends := i.sends[o.Bucket]
	i.mu.Unlock()
	if !sends {
		return
	}
	i.put("aws.s3", "Object Created", "arn:aws:s3:::"+o.Bucket, map[string]any{
		"version": "0", "bucket": map[string]any{"name": o.Bucket}, "reason": o.Reason,
		"object":            map[string]any{"key": o.Key, "size": o.Size, "etag": o.ETag, "sequencer": o.Sequencer},
		"requester":         i.cloud.where().AccountID,
		"source-ip-address": "127.0.0.1",
	})
}

// send puts a message into a dead-letter queue, if the sender may.
func (i *ingest) send(sender eventbridge.Sender, queue string, body []byte, attributes map[string]string) error {
	var err error
	if sender.Rule != "" {
		err = i.cloud.serviceMay("events.amazonaws.com", sender.Rule, "sqs:SendMessage", queue)
	} else {
		err = i.cloud.functions.may(sender.Function, "sqs:SendMessage", queue)
	}
	if err != nil {
		return err
	}
	return i.queues.Send(queue, body, attributes)
}

// authorizeConvert adds the condition key that MediaConvert's requests to pass
// a role have (IAM user guide, "iam:PassedToService").
func (i *ingest) authorizeConvert(r *http.Request, action string, resources ...string) error {
	if action != "iam:PassRole" {
		return i.cloud.authority.Authorize(r, action, resources...)
	}
	caller, err := i.cloud.authority.Caller(r)
	if err != nil {
		return err
	}
	for _, role := range resources {
		d := i.cloud.authority.Judge(iam.Call{Caller: caller, Action: action, Resource: role, Context: iam.Secure(map[string]string{"iam:PassedToService": "mediaconvert.amazonaws.com"})})
		if !d.Allowed {
			return d
		}
	}
	return nil
}

// assume gives MediaConvert a session of a role, if the role's trust policy
// allows it.
func (i *ingest) assume(role string) (aws.CredentialsProvider, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if session := i.roles[role]; session != nil {
		return session, nil
	}
	c, _, err := i.cloud.authority.Assume("mediaconvert.amazonaws.com", role, "MediaConvert", map[string]string{"aws:SourceAccount": i.cloud.where().AccountID})
	if err != nil {
		return nil, err
	}
	i.roles[role] = credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, c.SessionToken)
	return i.roles[role], nil
}

// client calls S3 as MediaConvert with a role; without one, as what Probe's
// caller was already found to be allowed.
func (i *ingest) client(role string) (*awss3.Client, error) {
	var session aws.CredentialsProvider = credentials.NewStaticCredentialsProvider(iam.Owner.AccessKeyID, iam.Owner.SecretAccessKey, "")
	if role != "" {
		var err error
		if session, err = i.assume(role); err != nil {
			return nil, err
		}
	}
	return awss3.New(awss3.Options{Region: i.cloud.where().Region, BaseEndpoint: &i.s3, UsePathStyle: true, Credentials: session, RetryMaxAttempts: 1}), nil
}

// Fetch reads an object for MediaConvert.
func (i *ingest) Fetch(role, bucket, key, file string) error {
	client, err := i.client(role)
	if err != nil {
		return err
	}
	out, err := client.GetObject(context.Background(), &awss3.GetObjectInput{Bucket: &bucket, Key: &key})
	if _, ok := errors.AsType[*types.NoSuchKey](err); ok {
		return fmt.Errorf("s3://%s/%s: %w", bucket, key, fs.ErrNotExist)
	}
	if err != nil {
		return err
	}
	defer out.Body.Close()
	to, err := os.Create(file)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, out.Body)
	return errors.Join(err, to.Close())
}

// Store writes an object for MediaConvert.
func (i *ingest) Store(role, bucket, key, file string) error {
	client, err := i.client(role)
	if err != nil {
		return err
	}
	from, err := os.Open(file)
	if err != nil {
		return err
	}
	defer from.Close()
	_, err = client.PutObject(context.Background(), &awss3.PutObjectInput{Bucket: &bucket, Key: &key, Body: from, ContentType: aws.String(s3.ContentType(key))})
	return err
}

// notifies records whether a bucket sends its events to EventBridge.
func (c *Cloud) notifies(bucket string, properties map[string]any) error {
	configuration, ok := properties["NotificationConfiguration"].(map[string]any)
	for name := range configuration {
		if name != "EventBridgeConfiguration" {
			return fmt.Errorf("NotificationConfiguration.%s: not supported by the local run", name)
		}
	}
	if c.ingest == nil {
		return nil // nothing listens
	}
	c.ingest.mu.Lock()
	defer c.ingest.mu.Unlock()
	inside, given := configuration["EventBridgeConfiguration"].(map[string]any)
	// EventBridgeEnabled is true unless it says otherwise.
	c.ingest.sends[bucket] = ok && given && fmt.Sprint(inside["EventBridgeEnabled"]) != "false"
	return nil
}

// ingestProviders make the resources of EventBridge, SQS and Lambda's
// asynchronous invocation.
func (c *Cloud) ingestProviders(providers map[string]cloudformation.Provider, generic cloudformation.Generic) {
	providers["AWS::Events::Rule"] = configured{generic, func(r cloudformation.Resource, state cloudformation.State) error {
		rule, err := eventbridge.ParseRule(arn(state), r.Properties)
		if err != nil {
			return fmt.Errorf("rule %s: %w", r.LogicalID, err)
		}
		c.ingest.bus.PutRule(rule)
		return nil
	}, func(_ cloudformation.Resource, state cloudformation.State) { c.ingest.bus.DeleteRule(arn(state)) }}
	providers["AWS::SQS::Queue"] = configured{generic, func(_ cloudformation.Resource, state cloudformation.State) error {
		c.ingest.queues.CreateQueue(arn(state))
		return nil
	}, func(_ cloudformation.Resource, state cloudformation.State) { c.ingest.queues.DeleteQueue(arn(state)) }}
	providers["AWS::Lambda::EventInvokeConfig"] = configured{generic, func(r cloudformation.Resource, _ cloudformation.State) error {
		rules := eventbridge.InvokeRules{Retries: 2}
		if attempts, ok := r.Properties["MaximumRetryAttempts"]; ok {
			rules.Retries = number(attempts)
		}
		destinations, _ := r.Properties["DestinationConfig"].(map[string]any)
		if destinations["OnSuccess"] != nil {
			return fmt.Errorf("OnSuccess of %s: not supported by the local run", r.LogicalID)
		}
		rules.OnFailure = inner(destinations, "OnFailure", "Destination")
		if rules.OnFailure != "" && !strings.Contains(rules.OnFailure, ":sqs:") {
			return fmt.Errorf("OnFailure of %s: invalid value %s: must be an SQS queue", r.LogicalID, rules.OnFailure)
		}
		c.ingest.bus.PutInvokeRules(c.functionARN(fmt.Sprint(r.Properties["FunctionName"])), rules)
		return nil
	}, func(r cloudformation.Resource, _ cloudformation.State) {
		c.ingest.bus.DeleteInvokeRules(c.functionARN(fmt.Sprint(r.Properties["FunctionName"])))
	}}
}

// functionARN is the ARN of a function by its name or its ARN.
func (c *Cloud) functionARN(name string) string {
	if strings.HasPrefix(name, "arn:") {
		return name
	}
	return "arn:aws:lambda:" + c.where().Region + ":" + c.where().AccountID + ":function:" + name
}

// configured makes resources that configure a service.
type configured struct {
	cloudformation.Generic
	put    func(r cloudformation.Resource, state cloudformation.State) error
	remove func(r cloudformation.Resource, state cloudformation.State)
}

func (p configured) Create(ctx context.Context, r cloudformation.Resource) (cloudformation.State, error) {
	state, err := p.Generic.Create(ctx, r)
	if err != nil {
		return state, err
	}
	return state, p.put(r, state)
}

func (p configured) Update(ctx context.Context, r cloudformation.Resource, _ cloudformation.State) (cloudformation.State, error) {
	return p.Create(ctx, r)
}

func (p configured) Delete(_ context.Context, r cloudformation.Resource, state cloudformation.State) error {
	p.remove(r, state)
	return nil
}

// queuePolicy is the policy of queues.
func (c *Cloud) queuePolicy(r cloudformation.Resource, _ cloudformation.State) ([]iam.Statement, error) {
	statements, err := iam.Parse(r.LogicalID, r.Properties["PolicyDocument"])
	if err != nil {
		return nil, err
	}
	var all []iam.Statement
	for _, url := range list(r.Properties["Queues"]) {
		text := fmt.Sprint(url)
		for _, s := range statements {
			s.On = "arn:aws:sqs:" + c.where().Region + ":" + c.where().AccountID + ":" + text[strings.LastIndexByte(text, '/')+1:]
			all = append(all, s)
		}
	}
	return all, nil
}

// serveCloudFront answers CreateInvalidation (CloudFront API reference).
func (c *Cloud) serveCloudFront(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/xml")
	refuse := func(status int, code, message string) {
		w.WriteHeader(status)
		_ = xml.NewEncoder(w).Encode(struct {
			XMLName xml.Name `xml:"ErrorResponse"`
			Type    string   `xml:"Error>Type"`
			Code    string   `xml:"Error>Code"`
			Message string   `xml:"Error>Message"`
		}{Type: "Sender", Code: code, Message: message})
	}
	id, ok := strings.CutPrefix(r.URL.Path, "/2020-05-31/distribution/")
	id, found := strings.CutSuffix(id, "/invalidation")
	if !ok || !found || r.Method != http.MethodPost {
		refuse(http.StatusNotImplemented, "NotImplemented", "The local CloudFront has CreateInvalidation only.")
		return
	}
	if err := c.authority.Authorize(r, "cloudfront:CreateInvalidation", "arn:aws:cloudfront::"+c.where().AccountID+":distribution/"+id); err != nil {
		refuse(http.StatusForbidden, "AccessDenied", err.Error())
		return
	}
	d := c.stack.Resources("AWS::CloudFront::Distribution")
	if len(d) != 1 || d[0].State.PhysicalID != id {
		refuse(http.StatusNotFound, "NoSuchDistribution", "The specified distribution does not exist.")
		return
	}
	type batch struct {
		Quantity        int      `xml:"Paths>Quantity"`
		Items           []string `xml:"Paths>Items>Path"`
		CallerReference string
	}
	var asked batch
	if err := xml.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&asked); err != nil || asked.Quantity != len(asked.Items) || len(asked.Items) == 0 || asked.CallerReference == "" {
		refuse(http.StatusBadRequest, "InvalidArgument", "Your request contains an invalid invalidation batch.")
		return
	}
	for _, path := range asked.Items {
		if !strings.HasPrefix(path, "/") {
			refuse(http.StatusBadRequest, "InvalidArgument", "Your request contains an invalid path: "+path)
			return
		}
	}
	_ = c.invalidate(r.Context(), id, asked.Items) // it has no errors of its own
	w.WriteHeader(http.StatusCreated)
	_ = xml.NewEncoder(w).Encode(struct {
		XMLName           xml.Name `xml:"Invalidation"`
		Id                string
		Status            string
		CreateTime        string
		InvalidationBatch batch
	}{Id: "I" + fmt.Sprintf("%X", time.Now().UnixNano()), Status: "Completed", CreateTime: time.Now().UTC().Format(time.RFC3339), InvalidationBatch: asked})
}

// functionFailure is the body of a response whose function failed.
func functionFailure(err error) []byte {
	kind, message := "Unhandled", err.Error()
	if failed, ok := errors.AsType[*lambda.FunctionError](err); ok {
		kind, message = failed.Type, failed.Message
	}
	text, _ := json.Marshal(map[string]string{"errorMessage": message, "errorType": kind}) // of strings; cannot fail
	return text
}
