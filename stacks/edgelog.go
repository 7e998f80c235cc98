package stacks

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudfront"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsglue"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"premiumhls/stacks/settings"
)

// CloudFront has two standard logs. A stack in us-east-1 uses the newer one
// (v2): its files are in a folder for each hour, so that a query reads only the
// days it needs, and its fields can be chosen. A delivery source of it can only
// be in us-east-1, so that a stack in another region uses the legacy log.

// dailyLogs is the folder of the log bucket with the files of standard logging
// v2, one folder for each account (CloudFront developer guide, "Configure
// standard logging (v2)").
const dailyLogs = "AWSLogs"

// edgeFields are the fields of the legacy log, in order, with the types of
// their columns (CloudFront developer guide, "Standard log file fields").
// Standard logging v2 has the same fields.
var edgeFields = []struct{ name, kind string }{
	{"date", "date"}, {"time", "string"}, {"x-edge-location", "string"}, {"sc-bytes", "bigint"}, {"c-ip", "string"},
	{"cs-method", "string"}, {"cs(Host)", "string"}, {"cs-uri-stem", "string"}, {"sc-status", "int"}, {"cs(Referer)", "string"},
	{"cs(User-Agent)", "string"}, {"cs-uri-query", "string"}, {"cs(Cookie)", "string"}, {"x-edge-result-type", "string"},
	{"x-edge-request-id", "string"}, {"x-host-header", "string"}, {"cs-protocol", "string"}, {"cs-bytes", "bigint"},
	{"time-taken", "double"}, {"x-forwarded-for", "string"}, {"ssl-protocol", "string"}, {"ssl-cipher", "string"},
	{"x-edge-response-result-type", "string"}, {"cs-protocol-version", "string"}, {"fle-status", "string"},
	{"fle-encrypted-fields", "int"}, {"c-port", "int"}, {"time-to-first-byte", "double"},
	{"x-edge-detailed-result-type", "string"}, {"sc-content-type", "string"}, {"sc-content-len", "bigint"},
	{"sc-range-start", "bigint"}, {"sc-range-end", "bigint"},
}

// secretField reports whether a field can hold a credential: a cookie or a signed
// URL plays videos until it expires. Standard logging v2 omits these fields. The
// legacy log cannot, except for the cookies.
func secretField(name string) bool { return name == "cs(Cookie)" || name == "cs-uri-query" }

// columnName is the name of a field's column: cs(User-Agent) is cs_user_agent.
func columnName(field string) string {
	return strings.NewReplacer("-", "_", "(", "_", ")", "").Replace(strings.ToLower(field))
}

// edgeLogName is the name of the delivery source and its destination. Names are
// unique in an account and region, as the stack's is.
func edgeLogName(s settings.Settings) string { return s.StackName + "-edge" }

// newEdgeLogDelivery delivers the distribution's log by standard logging v2 if
// the stack is in us-east-1, and turns the legacy log off there.
func newEdgeLogDelivery(stack *premiumHLS, s settings.Settings, distribution awscloudfront.Distribution, st storage) {
	inHome := stack.isUsEast1()
	config := distribution.Node().DefaultChild().(awscloudfront.CfnDistribution)
	if s.Links {
		// The legacy log would have the links' queries. checkRegion refuses links
		// with access logs elsewhere; should the region not be known then, there
		// is no log of the distribution.
		config.AddPropertyDeletionOverride(jsii.String("DistributionConfig.Logging"))
	} else {
		config.AddPropertyOverride(jsii.String("DistributionConfig.Logging"), awscdk.Fn_ConditionIf(inHome.LogicalId(), awscdk.Aws_NO_VALUE(), map[string]any{
			"Bucket":         st.logs.BucketRegionalDomainName(),
			"IncludeCookies": false,
			"Prefix":         edgeLogs + "/",
		}))
	}

	source := awslogs.NewCfnDeliverySource(stack, jsii.String("EdgeLogSource"), &awslogs.CfnDeliverySourceProps{
		Name:        jsii.String(edgeLogName(s)),
		LogType:     jsii.String("ACCESS_LOGS"),
		ResourceArn: distribution.DistributionArn(),
	})
	destination := awslogs.NewCfnDeliveryDestination(stack, jsii.String("EdgeLogDestination"), &awslogs.CfnDeliveryDestinationProps{
		Name:                   jsii.String(edgeLogName(s)),
		DestinationResourceArn: st.logs.BucketArn(),
		// Tab-separated without a header. The format of a destination cannot be
		// changed.
		OutputFormat: jsii.String("plain"),
	})
	var fields []*string
	for _, field := range edgeFields {
		if !secretField(field.name) {
			fields = append(fields, jsii.String(field.name))
		}
	}
	delivery := awslogs.NewCfnDelivery(stack, jsii.String("EdgeLogDelivery"), &awslogs.CfnDeliveryProps{
		DeliverySourceName:     source.Ref(),
		DeliveryDestinationArn: destination.AttrArn(),
		RecordFields:           &fields,
		FieldDelimiter:         jsii.String("\t"),
		// Never change the suffix of this logical id. When a delivery is
		// created, CloudFront writes below AWSLogs/{account-id}/CloudFront/; an
		// update of the suffix drops that prefix, so that the table finds no
		// more files (CloudFormation coverage roadmap, issue 2274). Nor can
		// another logical id take its place in one deploy, because a source has
		// one delivery to S3: a new suffix needs a deploy without accessLogs
		// before it.
		S3SuffixPath:               jsii.String(s.StackName + "/{yyyy}/{MM}/{dd}/{HH}"),
		S3EnableHiveCompatiblePath: jsii.Bool(false),
	})
	if st.logPolicy != nil {
		delivery.Node().AddDependency(st.logPolicy) // CloudWatch Logs checks it when the delivery is created
	}
	for _, resource := range []awscdk.CfnResource{source, destination, delivery} {
		resource.CfnOptions().SetCondition(inHome)
	}
}

// edgeLogStatement lets CloudWatch Logs deliver the distribution's log. It is
// the statement of the CloudWatch Logs user guide ("Logs sent to Amazon S3"):
// with another, CloudWatch Logs would add its own to the policy. In other
// regions there is no such source, and the statement grants nothing.
func edgeLogStatement(stack *premiumHLS, s settings.Settings, logs awss3.IBucket) awsiam.PolicyStatement {
	return awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid:        jsii.String("DeliverEdgeLog"),
		Principals: &[]awsiam.IPrincipal{awsiam.NewServicePrincipal(jsii.String("delivery.logs.amazonaws.com"), nil)},
		Actions:    jsii.Strings("s3:PutObject"),
		Resources:  &[]*string{logs.ArnForObjects(jsii.String(dailyLogs + "/" + *stack.Account() + "/*"))},
		Conditions: &map[string]any{
			"StringEquals": map[string]any{
				"aws:SourceAccount": stack.Account(),
				"s3:x-amz-acl":      "bucket-owner-full-control",
			},
			"ArnLike": map[string]any{
				"aws:SourceArn": jsii.Sprintf("arn:%s:logs:%s:%s:delivery-source:%s", *stack.Partition(), home, *stack.Account(), edgeLogName(s)),
			},
		},
	})
}

// edgeTable is the table of the legacy log: tab-separated with two header lines
// in each file. A "-" means no value; in a column of numbers it is read as
// null.
func edgeTable(logs awss3.IBucket) *awsglue.CfnTable_TableInputProperty {
	return &awsglue.CfnTable_TableInputProperty{
		Name:              jsii.String("edge"),
		Description:       jsii.String("Requests to CloudFront, from its standard log (legacy)"),
		Parameters:        map[string]any{"EXTERNAL": "TRUE", "skip.header.line.count": "2"},
		StorageDescriptor: edgeFiles(*logs.S3UrlForObject(jsii.String(edgeLogs + "/")), true),
	}
}

// dailyEdgeTable is the table of the log that newEdgeLogDelivery delivers. Days
// are found by partition projection: nobody has to add them, and a query reads
// the days that it asks for, with all their hours.
func dailyEdgeTable(stack *premiumHLS, s settings.Settings, logs awss3.IBucket) *awsglue.CfnTable_TableInputProperty {
	location := *logs.S3UrlForObject(jsii.String(dailyLogs + "/" + *stack.Account() + "/CloudFront/" + s.StackName + "/"))
	return &awsglue.CfnTable_TableInputProperty{
		Name:              jsii.String("edge_daily"),
		Description:       jsii.String("Requests to CloudFront, from its standard log (v2), by day"),
		Parameters:        dayProjection("yyyy/MM/dd", location+"${day}/"),
		PartitionKeys:     columns("day string"),
		StorageDescriptor: edgeFiles(location, false),
	}
}

// edgeFiles describes the files of either log. Only the legacy log has the secret
// fields.
func edgeFiles(location string, secrets bool) *awsglue.CfnTable_StorageDescriptorProperty {
	var made []any
	for _, field := range edgeFields {
		if secrets || !secretField(field.name) {
			made = append(made, &awsglue.CfnTable_ColumnProperty{Name: jsii.String(columnName(field.name)), Type: jsii.String(field.kind)})
		}
	}
	return textFiles(location, "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
		map[string]any{"field.delim": "\t", "serialization.format": "\t"}, made)
}

// edgeLogPolicy adds edgeLogStatement to a bucket that the stack, or its
// consumer, makes. The result is nil for an imported bucket.
func edgeLogPolicy(stack *premiumHLS, s settings.Settings, logs awss3.IBucket) constructs.IDependable {
	return logs.AddToResourcePolicy(edgeLogStatement(stack, s, logs)).PolicyDependable
}
