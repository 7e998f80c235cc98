package stacks

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskinesisfirehose"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"

	"premiumhls/internal/logfield"
	"premiumhls/stacks/settings"
)

// newSignerLogDelivery copies the signer's log into the log bucket, so that
// queries can join it with CloudFront's log, which does not name viewers.
func newSignerLogDelivery(stack *premiumHLS, s settings.Settings, sg signer, logs awss3.IBucket) {
	faults := newLogGroup(stack, s, "SignerLogDeliveryLog")
	faultStream := awslogs.NewLogStream(stack, jsii.String("SignerLogDeliveryFaults"), &awslogs.LogStreamProps{
		LogGroup:      faults,
		RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
	})

	// Firehose passes the account of the delivery stream as the external ID.
	writer := newServiceRole(stack, "SignerLogWriterRole", "firehose.amazonaws.com", map[string]any{
		"StringEquals": map[string]any{"sts:ExternalId": stack.Account()},
	})
	// The permissions to write to S3 (Firehose developer guide, "Grant Firehose
	// access to an Amazon S3 destination"), for Firehose's own folders only.
	writer.AddToPolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid:     jsii.String("WriteLogFiles"),
		Actions: jsii.Strings("s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"),
		Resources: jsii.Strings(
			*logs.ArnForObjects(jsii.String(signerLogs + "/*")),
			*logs.ArnForObjects(jsii.String(failedLogs + "/*")),
		),
	}))
	writer.AddToPolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid:       jsii.String("ListBucket"),
		Actions:   jsii.Strings("s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"),
		Resources: &[]*string{logs.BucketArn()},
	}))
	writer.AddToPolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid:       jsii.String("WriteDeliveryErrors"),
		Actions:   jsii.Strings("logs:PutLogEvents"),
		Resources: &[]*string{faults.LogGroupArn()},
	}))

	stream := awskinesisfirehose.NewCfnDeliveryStream(stack, jsii.String("SignerLogDelivery"), &awskinesisfirehose.CfnDeliveryStreamProps{
		DeliveryStreamType: jsii.String("DirectPut"),
		DeliveryStreamEncryptionConfigurationInput: &awskinesisfirehose.CfnDeliveryStream_DeliveryStreamEncryptionConfigurationInputProperty{
			KeyType: jsii.String("AWS_OWNED_CMK"),
		},
		ExtendedS3DestinationConfiguration: &awskinesisfirehose.CfnDeliveryStream_ExtendedS3DestinationConfigurationProperty{
			BucketArn:         logs.BucketArn(),
			RoleArn:           writer.RoleArn(),
			Prefix:            jsii.String(signerLogs + "/day=!{timestamp:yyyy-MM-dd}/"),
			ErrorOutputPrefix: jsii.String(failedLogs + "/!{firehose:error-output-type}/"),
			CompressionFormat: jsii.String("GZIP"),
			FileExtension:     jsii.String(".json.gz"),
			// Few large files make queries faster. CloudFront's log does not
			// arrive earlier either.
			BufferingHints: &awskinesisfirehose.CfnDeliveryStream_BufferingHintsProperty{
				IntervalInSeconds: jsii.Number(900), SizeInMBs: jsii.Number(64),
			},
			CloudWatchLoggingOptions: &awskinesisfirehose.CfnDeliveryStream_CloudWatchLoggingOptionsProperty{
				Enabled: jsii.Bool(true), LogGroupName: faults.LogGroupName(), LogStreamName: faultStream.LogStreamName(),
			},
			ProcessingConfiguration: &awskinesisfirehose.CfnDeliveryStream_ProcessingConfigurationProperty{
				Enabled: jsii.Bool(true),
				// CloudWatch Logs sends several events in one compressed
				// record. The last processor adds a line break, because it is
				// not documented whether message extraction does; the table
				// skips empty lines.
				Processors: []any{
					processor("Decompression", "CompressionFormat", "GZIP"),
					processor("CloudWatchLogProcessing", "DataMessageExtraction", "true"),
					&awskinesisfirehose.CfnDeliveryStream_ProcessorProperty{Type: jsii.String("AppendDelimiterToRecord")},
				},
			},
		},
	})
	stream.Node().AddDependency(writer)

	sender := newServiceRole(stack, "SignerLogSenderRole", "logs.amazonaws.com", map[string]any{
		"ArnLike": map[string]any{"aws:SourceArn": jsii.Sprintf("arn:%s:logs:%s:%s:*", *stack.Partition(), *stack.Region(), *stack.Account())},
	})
	sender.AddToPolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid:       jsii.String("SendLogEvents"),
		Actions:   jsii.Strings("firehose:PutRecord", "firehose:PutRecordBatch"),
		Resources: &[]*string{stream.AttrArn()},
	}))
	awslogs.NewCfnSubscriptionFilter(stack, jsii.String("SignerLogSubscription"), &awslogs.CfnSubscriptionFilterProps{
		LogGroupName:   sg.function.LogGroup().LogGroupName(),
		FilterPattern:  jsii.Sprintf(`{ $.msg = %q }`, logfield.Message), // without Lambda's own lines
		DestinationArn: stream.AttrArn(),
		RoleArn:        sender.RoleArn(),
	}).Node().AddDependency(sender) // CloudWatch Logs sends a test message when the filter is created
}

func processor(kind, name, value string) *awskinesisfirehose.CfnDeliveryStream_ProcessorProperty {
	return &awskinesisfirehose.CfnDeliveryStream_ProcessorProperty{
		Type:       &kind,
		Parameters: []any{&awskinesisfirehose.CfnDeliveryStream_ProcessorParameterProperty{ParameterName: &name, ParameterValue: &value}},
	}
}

// newServiceRole makes a role for a service. The conditions prevent other
// accounts from assuming it through the service.
func newServiceRole(stack *premiumHLS, id, service string, conditions map[string]any) awsiam.Role {
	return awsiam.NewRole(stack, &id, &awsiam.RoleProps{
		AssumedBy: awsiam.NewServicePrincipal(&service, &awsiam.ServicePrincipalOpts{Conditions: &conditions}),
	})
}
