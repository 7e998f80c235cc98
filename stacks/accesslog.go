package stacks

import (
	_ "embed"
	"strconv"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsathena"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsglue"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"premiumhls/internal/logfield"
	"premiumhls/stacks/settings"
)

// The folders of the log bucket.
const (
	edgeLogs    = "distribution" // CloudFront's legacy standard log
	bucketLogs  = "bucket"       // S3's server access log
	signerLogs  = "signer"       // the signer's log, by day
	failedLogs  = "signer-failed"
	queryOutput = "results"
)

const (
	logDaysKept    = 400
	resultDaysKept = 7 // also for overwritten objects
)

// newLogBucket makes the bucket of access logs, and returns it with its policy,
// which is nil for an imported bucket. CloudFront's legacy log is written with
// an access control list (ACL), so this is the only bucket that allows ACLs.
func newLogBucket(stack *premiumHLS, s settings.Settings) (awss3.IBucket, constructs.IDependable) {
	if existing := stack.existing.logBucket; existing != nil {
		if stack.existing.writesPolicyOf.logBucket {
			return existing, newRetainedLogBucketPolicy(stack, s, existing)
		}
		return existing, edgeLogPolicy(stack, s, existing)
	}
	bucket := awss3.NewBucket(stack, jsii.String("AccessLogs"), &awss3.BucketProps{
		Encryption:        awss3.BucketEncryption_S3_MANAGED,
		BlockPublicAccess: awss3.BlockPublicAccess_BLOCK_ALL(),
		ObjectOwnership:   awss3.ObjectOwnership_BUCKET_OWNER_PREFERRED,
		EnforceSSL:        jsii.Bool(true),
		MinimumTLSVersion: jsii.Number(1.2),
		Versioned:         jsii.Bool(true), // a writer cannot overwrite earlier logs
		RemovalPolicy:     removal(s),
		AutoDeleteObjects: jsii.Bool(!s.KeepData),
		LifecycleRules: &[]*awss3.LifecycleRule{
			{
				Id:                                  jsii.String("ExpireLogs"),
				Expiration:                          awscdk.Duration_Days(jsii.Number(logDaysKept)),
				NoncurrentVersionExpiration:         awscdk.Duration_Days(jsii.Number(resultDaysKept)),
				AbortIncompleteMultipartUploadAfter: awscdk.Duration_Days(jsii.Number(3)),
			},
			{
				Id:         jsii.String("ExpireQueryResults"),
				Prefix:     jsii.String(queryOutput + "/"),
				Expiration: awscdk.Duration_Days(jsii.Number(resultDaysKept)),
			},
		},
	})
	return bucket, edgeLogPolicy(stack, s, bucket)
}

// newLogQueries makes Athena's tables of the logs, a workgroup and saved
// queries. It returns the workgroup's name.
func newLogQueries(stack *premiumHLS, s settings.Settings, logs awss3.IBucket) *string {
	// Glue requires lower case, and Athena quotes around a hyphen.
	database := strings.ReplaceAll(strings.ToLower(s.StackName), "-", "_")
	catalog := awsglue.NewCfnDatabase(stack, jsii.String("LogDatabase"), &awsglue.CfnDatabaseProps{
		CatalogId: stack.Account(),
		DatabaseInput: &awsglue.CfnDatabase_DatabaseInputProperty{
			Name:        &database,
			Description: jsii.String("Logs of " + s.StackName),
		},
	})
	table := func(id string, input *awsglue.CfnTable_TableInputProperty) awsglue.CfnTable {
		input.TableType = jsii.String("EXTERNAL_TABLE")
		made := awsglue.NewCfnTable(stack, &id, &awsglue.CfnTableProps{
			CatalogId:    stack.Account(),
			DatabaseName: &database,
			TableInput:   input,
		})
		made.AddResourceDependency(catalog, nil)
		return made
	}
	// The legacy table is in us-east-1 too: a log bucket that is used again may
	// have files of a stack in another region.
	table("EdgeLogTable", edgeTable(logs))
	table("DailyEdgeLogTable", dailyEdgeTable(stack, s, logs)).CfnOptions().SetCondition(stack.isUsEast1())
	table("SignerLogTable", signerTable(logs))

	group := awsathena.NewCfnWorkGroup(stack, jsii.String("LogWorkGroup"), &awsathena.CfnWorkGroupProps{
		Name:                  &s.StackName,
		Description:           jsii.String("Queries of the logs of " + s.StackName),
		RecursiveDeleteOption: jsii.Bool(true), // delete its query history with it
		WorkGroupConfiguration: &awsathena.CfnWorkGroup_WorkGroupConfigurationProperty{
			// Nobody who runs a query can write its result elsewhere or
			// unencrypted.
			EnforceWorkGroupConfiguration: jsii.Bool(true),
			ResultConfiguration: &awsathena.CfnWorkGroup_ResultConfigurationProperty{
				OutputLocation:          logs.S3UrlForObject(jsii.String(queryOutput + "/")),
				ExpectedBucketOwner:     stack.Account(),
				EncryptionConfiguration: &awsathena.CfnWorkGroup_EncryptionConfigurationProperty{EncryptionOption: jsii.String("SSE_S3")},
			},
		},
	})
	for _, q := range logQueries(stack, s) {
		awsathena.NewCfnNamedQuery(stack, jsii.String(q.id), &awsathena.CfnNamedQueryProps{
			Name:        &q.name,
			Description: &q.description,
			Database:    &database,
			WorkGroup:   group.Ref(),
			QueryString: &q.text,
		}).AddResourceDependency(catalog, nil)
	}
	return group.Ref()
}

// signerTable is the table of the signer's log, with one JSON object on each
// line. Its days are found by partition projection, as dailyEdgeTable's are.
func signerTable(logs awss3.IBucket) *awsglue.CfnTable_TableInputProperty {
	return &awsglue.CfnTable_TableInputProperty{
		Name:          jsii.String("signer"),
		Description:   jsii.String("Requests to the signer"),
		Parameters:    dayProjection("yyyy-MM-dd", *logs.S3UrlForObject(jsii.String(signerLogs + "/day=${day}/"))),
		PartitionKeys: columns("day string"),
		StorageDescriptor: textFiles(*logs.S3UrlForObject(jsii.String(signerLogs + "/")), "org.openx.data.jsonserde.JsonSerDe",
			map[string]any{"ignore.malformed.json": "true"},
			signerColumns()),
	}
}

// dayProjection are the parameters of a table with a partition for each day,
// written as format, at a location that contains ${day}.
func dayProjection(format, location string) map[string]any {
	return map[string]any{
		"EXTERNAL":                  "TRUE",
		"projection.enabled":        "true",
		"projection.day.type":       "date",
		"projection.day.format":     format,
		"projection.day.range":      "NOW-" + strconv.Itoa(logDaysKept) + "DAYS,NOW",
		"storage.location.template": location,
	}
}

// signerColumns are the fields of a line. Glue's names are in lower case.
func signerColumns() (made []any) {
	for _, column := range logfield.Columns() {
		made = append(made, &awsglue.CfnTable_ColumnProperty{Name: jsii.String(strings.ToLower(column.Name)), Type: jsii.String(column.Type)})
	}
	return made
}

func textFiles(location, serde string, parameters map[string]any, columns []any) *awsglue.CfnTable_StorageDescriptorProperty {
	return &awsglue.CfnTable_StorageDescriptorProperty{
		Location:     &location,
		InputFormat:  jsii.String("org.apache.hadoop.mapred.TextInputFormat"),
		OutputFormat: jsii.String("org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"),
		SerdeInfo: &awsglue.CfnTable_SerdeInfoProperty{
			SerializationLibrary: &serde,
			Parameters:           parameters,
		},
		Columns: columns,
	}
}

// columns reads names and types as they are in a CREATE TABLE statement.
func columns(list string) (made []any) {
	for item := range strings.SplitSeq(list, ",") {
		f := strings.Fields(item)
		made = append(made, &awsglue.CfnTable_ColumnProperty{Name: &f[0], Type: &f[1]})
	}
	return made
}

//go:embed queries/edge.sql
var edgeSQL string

//go:embed queries/edge_daily.sql
var edgeDailySQL string

//go:embed queries/grants.sql
var grantsSQL string

//go:embed queries/watched.sql
var watchedSQL string

//go:embed queries/unasked.sql
var unaskedSQL string

//go:embed queries/refused.sql
var refusedSQL string

// A logQuery is a saved query.
type logQuery struct{ id, name, description, text string }

// logQueries returns the saved queries. The files are written for the default
// premiumPath.
func logQueries(stack *premiumHLS, s settings.Settings) []logQuery {
	below := func(text string) string { return strings.ReplaceAll(text, "/premium/", "/"+s.PremiumPath+"/") }
	// A query of CloudFront's log reads the tables that the region has.
	ofEdge := func(text string) string {
		return *awscdk.Fn_ConditionIf(stack.isUsEast1().LogicalId(), below(edgeDailySQL+text), below(edgeSQL+text)).ToString()
	}
	return []logQuery{
		{"WatchedQuery", "Who watched what", "Viewers, the folders they got segments from, when and how much", ofEdge(grantsSQL + watchedSQL)},
		{"UnaskedQuery", "Watched without asking", "Addresses that got segments and never requested cookies", ofEdge(grantsSQL + unaskedSQL)},
		{"RefusedQuery", "Who was refused", "Viewers who got no cookies from the signer, and why", below(refusedSQL)},
	}
}
