package stacks

import (
	"encoding/json"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awseventstargets"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"

	"premiumhls/internal/catalog"
	"premiumhls/internal/ingestsettings"
	"premiumhls/internal/metric"
	"premiumhls/stacks/settings"
)

const (
	// The most that Lambda gives. Laying out a film of hours is thousands of
	// copies within S3, and takes a minute or two.
	ingestSeconds = 900
	ingestMemory  = 1024 // MB; storyboards are composed in memory
	// An event is delivered again for so long before it is in the dead-letter
	// queue: longer than most outages.
	ingestEventHours = 6
	failedLessons    = "FailedLessons"
)

// An ingest is what makes courses of an owner's films.
type ingest struct {
	function    awslambda.Function
	deadLetters awssqs.Queue
}

// newIngest makes the function, lets S3 and MediaConvert invoke it through
// EventBridge, and keeps in a queue what it could not handle.
func newIngest(site *premiumHLS, s settings.Settings, code string, st storage, d delivery) ingest {
	notify(st.bucket)
	role := newEncoderRole(site, s, st.bucket)
	made := ingest{
		function: newFunction(site, s, "Ingest", functionProps{
			pkg: "ingest", code: code, description: "Makes courses of uploaded films", memory: ingestMemory, timeout: ingestSeconds,
		}),
		deadLetters: awssqs.NewQueue(site, jsii.String("IngestDeadLetters"), &awssqs.QueueProps{
			EnforceSSL:      jsii.Bool(true),
			Encryption:      awssqs.QueueEncryption_SQS_MANAGED,
			RetentionPeriod: awscdk.Duration_Days(jsii.Number(14)), // the longest
		}),
	}
	made.function.AddEnvironment(jsii.String(ingestsettings.Variable), ingestDocument(site, s, st, d, role), nil)
	// Made here, since the CDK's own destination grants more than sending.
	awslambda.NewCfnEventInvokeConfig(site, jsii.String("IngestRetries"), &awslambda.CfnEventInvokeConfigProps{
		FunctionName:             made.function.FunctionName(),
		Qualifier:                jsii.String("$LATEST"),
		MaximumEventAgeInSeconds: jsii.Number(ingestEventHours * 3600),
		MaximumRetryAttempts:     jsii.Number(2), // the most
		DestinationConfig: &awslambda.CfnEventInvokeConfig_DestinationConfigProperty{
			OnFailure: &awslambda.CfnEventInvokeConfig_OnFailureProperty{Destination: made.deadLetters.QueueArn()},
		},
	})
	made.allow(site, s, st.bucket, d, role)
	made.listen(site, s, st.bucket)
	if s.Monitoring {
		made.watch(site, s)
	}
	return made
}

// notify has the bucket send its events to EventBridge. The CDK's own way makes
// one more function for what is a property of the bucket. A bucket that the
// stack does not make must send them already.
func notify(bucket awss3.IBucket) {
	if own, ok := bucket.Node().DefaultChild().(awss3.CfnBucket); ok {
		own.SetNotificationConfiguration(&awss3.CfnBucket_NotificationConfigurationProperty{
			EventBridgeConfiguration: &awss3.CfnBucket_EventBridgeConfigurationProperty{EventBridgeEnabled: jsii.Bool(true)},
		})
	}
}

// ingestDocument is the function's settings.
func ingestDocument(site *premiumHLS, s settings.Settings, st storage, d delivery, role awsiam.Role) *string {
	text, err := json.Marshal(ingestsettings.Document{
		Choices: s.IngestChoices, Stack: s.StackName, PremiumPath: s.PremiumPath, PublicFolder: publicFolder,
		Bucket: *st.bucket.BucketName(), Role: *role.RoleArn(), Distribution: *d.distribution.DistributionId(),
	})
	if err != nil {
		panic(err) // a type without JSON
	}
	var document map[string]any
	if err := json.Unmarshal(text, &document); err != nil {
		panic(err)
	}
	return site.ToJsonString(document, nil)
}

// newEncoderRole makes the role of the function's MediaConvert jobs: it reads
// films and writes where CloudFront does not reach.
func newEncoderRole(site *premiumHLS, s settings.Settings, bucket awss3.IBucket) awsiam.Role {
	role := awsiam.NewRole(site, jsii.String("EncoderRole"), &awsiam.RoleProps{
		Description: jsii.String("MediaConvert encodes uploaded films of " + s.StackName),
		AssumedBy: awsiam.NewServicePrincipal(jsii.String("mediaconvert.amazonaws.com"), &awsiam.ServicePrincipalOpts{
			Conditions: &map[string]any{"StringEquals": map[string]any{"aws:SourceAccount": site.Account()}},
		}),
	})
	statement(role, "ReadFilms", jsii.Strings("s3:GetObject"), objects(bucket, catalog.Prefix+"*"))
	statement(role, "WriteEncodes", jsii.Strings("s3:AbortMultipartUpload", "s3:PutObject"), objects(bucket, catalog.EncodedPrefix+"*"))
	return role
}

type grantee interface {
	AddToPrincipalPolicy(statement awsiam.PolicyStatement) *awsiam.AddToPrincipalPolicyResult
}

func statement(role grantee, sid string, actions, resources *[]*string) {
	role.AddToPrincipalPolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{Sid: &sid, Actions: actions, Resources: resources}))
}

// objects are the ARNs of objects by the patterns of their keys.
func objects(bucket awss3.IBucket, keys ...string) *[]*string {
	arns := make([]*string, len(keys))
	for i, key := range keys {
		arns[i] = bucket.ArnForObjects(jsii.String(key))
	}
	return &arns
}

// allow lets the function do what it calls, folder by folder.
func (i ingest) allow(site *premiumHLS, s settings.Settings, bucket awss3.IBucket, d delivery, role awsiam.Role) {
	premium := s.PremiumPath + "/*"
	free := publicFolder + "/" + catalog.FreeFolder + "*"
	posters := publicFolder + "/" + catalog.PostersFolder + "*"
	lists := publicFolder + "/" + catalog.CourseDir + "*"
	index := publicFolder + "/" + catalog.IndexName
	records, encoded, uploads := catalog.RecordPrefix+"*", catalog.EncodedPrefix+"*", catalog.Prefix+"*"

	functionRole := i.function.Role()
	statement(functionRole, "KeepFailedEvents", jsii.Strings("sqs:SendMessage"), &[]*string{i.deadLetters.QueueArn()})
	statement(functionRole, "ReadVideos", jsii.Strings("s3:GetObject"), objects(bucket, uploads, records, encoded, premium, free, posters, lists, index))
	statement(functionRole, "WriteVideos", jsii.Strings("s3:PutObject"), objects(bucket, records, encoded, premium, free, posters, lists, index))
	statement(functionRole, "DeleteVideos", jsii.Strings("s3:DeleteObject"), objects(bucket, uploads, records, encoded, premium, free, posters))
	// Without it, S3 answers 403 for an object that does not exist.
	statement(functionRole, "ListVideos", jsii.Strings("s3:ListBucket"), &[]*string{bucket.BucketArn()})
	statement(functionRole, "CreateJobs", jsii.Strings("mediaconvert:CreateJob"), &[]*string{site.FormatArn(&awscdk.ArnComponents{
		Service: jsii.String("mediaconvert"), Resource: jsii.String("queues"), ResourceName: jsii.String("Default"),
	})})
	// The action has no resources (Service Authorization Reference, "AWS
	// Elemental MediaConvert").
	statement(functionRole, "ProbeFilms", jsii.Strings("mediaconvert:Probe"), jsii.Strings("*"))
	functionRole.AddToPrincipalPolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid: jsii.String("PassEncoderRole"), Actions: jsii.Strings("iam:PassRole"), Resources: &[]*string{role.RoleArn()},
		Conditions: &map[string]any{"StringEquals": map[string]any{"iam:PassedToService": "mediaconvert.amazonaws.com"}},
	}))
	statement(functionRole, "InvalidatePaths", jsii.Strings("cloudfront:CreateInvalidation"), &[]*string{jsii.Sprintf("arn:%s:cloudfront::%s:distribution/%s",
		*site.Partition(), *site.Account(), *d.distribution.DistributionId())})
}

// listen makes the rules that invoke the function. What EventBridge cannot
// deliver for a day goes to the queue, too.
func (i ingest) listen(site *premiumHLS, s settings.Settings, bucket awss3.IBucket) {
	rule := func(id, description string, props awsevents.RuleProps) {
		props.Description = &description
		awsevents.NewRule(site, &id, &props).AddTarget(awseventstargets.NewLambdaFunction(i.function, &awseventstargets.LambdaFunctionProps{
			DeadLetterQueue: i.deadLetters,
			MaxEventAge:     awscdk.Duration_Hours(jsii.Number(24)),
			RetryAttempts:   jsii.Number(185), // the most
		}))
	}
	rule("UploadRule", "Files uploaded below "+catalog.Prefix, awsevents.RuleProps{EventPattern: &awsevents.EventPattern{
		Source:     jsii.Strings("aws.s3"),
		DetailType: jsii.Strings("Object Created"),
		Detail: &map[string]any{
			"bucket": map[string]any{"name": []any{bucket.BucketName()}},
			"object": map[string]any{"key": []any{map[string]any{"prefix": catalog.Prefix}}},
		},
	}})
	rule("EncodeRule", "MediaConvert jobs of "+s.StackName, awsevents.RuleProps{EventPattern: &awsevents.EventPattern{
		Source:     jsii.Strings("aws.mediaconvert"),
		DetailType: jsii.Strings("MediaConvert Job State Change"),
		Detail: &map[string]any{
			"status":       []any{"STATUS_UPDATE", "COMPLETE", "ERROR", "CANCELED"},
			"userMetadata": map[string]any{"stack": []any{s.StackName}},
		},
	}})
	rule("TidyRule", "Once a day, remove replaced versions", awsevents.RuleProps{Schedule: awsevents.Schedule_Rate(awscdk.Duration_Days(jsii.Number(1)))})
}

// watch makes the alarms.
func (i ingest) watch(site *premiumHLS, s settings.Settings) {
	log := i.function.LogGroup()
	awslogs.NewMetricFilter(site, jsii.String("FailedLessonsFilter"), &awslogs.MetricFilterProps{
		LogGroup:        log,
		FilterPattern:   awslogs.FilterPattern_Literal(jsii.String(`{ $.level = "ERROR" }`)),
		MetricNamespace: jsii.String(metric.Namespace),
		MetricName:      jsii.String(failedLessons),
		MetricValue:     jsii.String("1"),
		Unit:            awscloudwatch.Unit_COUNT,
	})
	const quiet = awscloudwatch.TreatMissingData_NOT_BREACHING
	newAlarm(site, s, alarm{
		id:    "FailedLessonsAlarm",
		means: "An uploaded file could not be used: a film, captions, a poster or a name.",
		do:    "Run premium videos: it says what is wrong with which file. Upload a better one, or run premium retry COURSE/LESSON.",
		metric: awscloudwatch.NewMetric(&awscloudwatch.MetricProps{
			Namespace: jsii.String(metric.Namespace), MetricName: jsii.String(failedLessons), Statistic: jsii.String(sum), Period: fiveMinutes(),
		}),
		from: 1, periods: datapoints{1, 1}, missing: quiet,
	})
	newAlarm(site, s, alarm{
		id:     "IngestDeadLettersAlarm",
		means:  "Events of uploads or jobs could not be handled for hours and are in the queue IngestDeadLetters.",
		do:     "Read the ingest function's log, fix the cause, then run premium retry --dead-letters.",
		metric: i.deadLetters.MetricApproximateNumberOfMessagesVisible(&awscloudwatch.MetricOptions{Period: fiveMinutes(), Statistic: jsii.String("Maximum")}),
		from:   1, periods: datapoints{1, 1}, missing: quiet,
	})
}
