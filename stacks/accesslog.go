package stacks

import (
	_ "embed"
	"strconv"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsathena"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsglue"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"

	"premiumhls/internal/logfield"
	"premiumhls/stacks/settings"
)

// The folders of the log bucket.
const (
	edgeLogs    = "distribution" // CloudFront's standard logs
	bucketLogs  = "bucket"       // S3's server access logs
	signerLogs  = "signer"       // the signer's lines, by day
	failedLogs  = "signer-failed"
	queryOutput = "results"
)

const (
	logDaysKept    = 400
	resultDaysKept = 7 // and what was overwritten: copies of what has an end of its own
)

// newLogBucket holds access logs. CloudFront's standard logging writes with an
// access control list, so this bucket alone must allow them.
func newLogBucket(stack *premiumHLS, s settings.Settings) awss3.IBucket {
	if stack.existing.logBucket != nil {
		return stack.existing.logBucket
	}
	return awss3.NewBucket(stack, jsii.String("AccessLogs"), &awss3.BucketProps{
		Encryption:        awss3.BucketEncryption_S3_MANAGED,
		BlockPublicAccess: awss3.BlockPublicAccess_BLOCK_ALL(),
		ObjectOwnership:   awss3.ObjectOwnership_BUCKET_OWNER_PREFERRED,
		EnforceSSL:        jsii.Bool(true),
		MinimumTLSVersion: jsii.Number(1.2),
		Versioned:         jsii.Bool(true), // whoever writes cannot wipe out what was written
		RemovalPolicy:     removal(s),
		AutoDeleteObjects: jsii.Bool(!s.KeepData),
		LifecycleRules: &[]*awss3.LifecycleRule{
			{
				Id:                                  jsii.String("EndOldLogs"),
				Expiration:                          awscdk.Duration_Days(jsii.Number(logDaysKept)),
				NoncurrentVersionExpiration:         awscdk.Duration_Days(jsii.Number(resultDaysKept)),
				AbortIncompleteMultipartUploadAfter: awscdk.Duration_Days(jsii.Number(3)),
			},
			{
				Id:         jsii.String("EndResults"),
				Prefix:     jsii.String(queryOutput + "/"),
				Expiration: awscdk.Duration_Days(jsii.Number(resultDaysKept)),
			},
		},
	})
}

// newLogQueries lets Athena read the logs: tables, a workgroup and queries
// that are there to be run. It returns the workgroup's name.
func newLogQueries(stack *premiumHLS, s settings.Settings, logs awss3.IBucket) *string {
	// Glue and Athena want lower case, and no hyphens without quotes.
	database := strings.ReplaceAll(strings.ToLower(s.StackName), "-", "_")
	catalog := awsglue.NewCfnDatabase(stack, jsii.String("LogDatabase"), &awsglue.CfnDatabaseProps{
		CatalogId: stack.Account(),
		DatabaseInput: &awsglue.CfnDatabase_DatabaseInputProperty{
			Name:        &database,
			Description: jsii.String("Logs of " + s.StackName),
		},
	})
	table := func(id string, input *awsglue.CfnTable_TableInputProperty) {
		input.TableType = jsii.String("EXTERNAL_TABLE")
		awsglue.NewCfnTable(stack, &id, &awsglue.CfnTableProps{
			CatalogId:    stack.Account(),
			DatabaseName: &database,
			TableInput:   input,
		}).AddResourceDependency(catalog, nil)
	}
	table("EdgeLogTable", edgeTable(logs))
	table("SignerLogTable", signerTable(logs))

	group := awsathena.NewCfnWorkGroup(stack, jsii.String("LogWorkGroup"), &awsathena.CfnWorkGroupProps{
		Name:                  &s.StackName,
		Description:           jsii.String("Queries of the logs of " + s.StackName),
		RecursiveDeleteOption: jsii.Bool(true), // what it remembers of queries goes with it
		WorkGroupConfiguration: &awsathena.CfnWorkGroup_WorkGroupConfigurationProperty{
			// Whoever runs a query cannot send its result elsewhere, or leave
			// it in the clear.
			EnforceWorkGroupConfiguration: jsii.Bool(true),
			ResultConfiguration: &awsathena.CfnWorkGroup_ResultConfigurationProperty{
				OutputLocation:          logs.S3UrlForObject(jsii.String(queryOutput + "/")),
				ExpectedBucketOwner:     stack.Account(),
				EncryptionConfiguration: &awsathena.CfnWorkGroup_EncryptionConfigurationProperty{EncryptionOption: jsii.String("SSE_S3")},
			},
		},
	})
	for _, q := range logQueries(s) {
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

// edgeTable is CloudFront's standard log: tab-separated, two lines of header,
// 33 fields (CloudFront developer guide, "Standard log file fields"). A "-"
// stands for nothing, also in a field of numbers, where it is read as null.
func edgeTable(logs awss3.IBucket) *awsglue.CfnTable_TableInputProperty {
	return &awsglue.CfnTable_TableInputProperty{
		Name:        jsii.String("edge"),
		Description: jsii.String("Every request at the edge, as CloudFront's standard log has it"),
		Parameters:  map[string]any{"EXTERNAL": "TRUE", "skip.header.line.count": "2"},
		StorageDescriptor: textFiles(logs, edgeLogs, "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
			map[string]any{"field.delim": "\t", "serialization.format": "\t"},
			columns(`date date, time string, x_edge_location string, sc_bytes bigint, c_ip string, cs_method string,
				cs_host string, cs_uri_stem string, sc_status int, cs_referer string, cs_user_agent string,
				cs_uri_query string, cs_cookie string, x_edge_result_type string, x_edge_request_id string,
				x_host_header string, cs_protocol string, cs_bytes bigint, time_taken double, x_forwarded_for string,
				ssl_protocol string, ssl_cipher string, x_edge_response_result_type string, cs_protocol_version string,
				fle_status string, fle_encrypted_fields int, c_port int, time_to_first_byte double,
				x_edge_detailed_result_type string, sc_content_type string, sc_content_len bigint,
				sc_range_start bigint, sc_range_end bigint`)),
	}
}

// signerTable is the signer's log, a JSON object a line. Its days are found by
// projection, so that nobody has to add them and a query reads only those it
// asks for.
func signerTable(logs awss3.IBucket) *awsglue.CfnTable_TableInputProperty {
	return &awsglue.CfnTable_TableInputProperty{
		Name:        jsii.String("signer"),
		Description: jsii.String("Every request that the signer answered"),
		Parameters: map[string]any{
			"EXTERNAL":                  "TRUE",
			"projection.enabled":        "true",
			"projection.day.type":       "date",
			"projection.day.format":     "yyyy-MM-dd",
			"projection.day.range":      "NOW-" + strconv.Itoa(logDaysKept) + "DAYS,NOW",
			"storage.location.template": *logs.S3UrlForObject(jsii.String(signerLogs + "/day=${day}/")),
		},
		PartitionKeys: columns("day string"),
		StorageDescriptor: textFiles(logs, signerLogs, "org.openx.data.jsonserde.JsonSerDe",
			map[string]any{"ignore.malformed.json": "true"},
			signerColumns()),
	}
}

// signerColumns are the fields of a line, whose names Glue has in lower case.
func signerColumns() (made []any) {
	for _, column := range logfield.Columns() {
		made = append(made, &awsglue.CfnTable_ColumnProperty{Name: jsii.String(strings.ToLower(column.Name)), Type: jsii.String(column.Type)})
	}
	return made
}

func textFiles(logs awss3.IBucket, folder, serde string, parameters map[string]any, columns []any) *awsglue.CfnTable_StorageDescriptorProperty {
	return &awsglue.CfnTable_StorageDescriptorProperty{
		Location:     logs.S3UrlForObject(jsii.String(folder + "/")),
		InputFormat:  jsii.String("org.apache.hadoop.mapred.TextInputFormat"),
		OutputFormat: jsii.String("org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"),
		SerdeInfo: &awsglue.CfnTable_SerdeInfoProperty{
			SerializationLibrary: &serde,
			Parameters:           parameters,
		},
		Columns: columns,
	}
}

// columns reads names and types as a CREATE TABLE has them.
func columns(list string) (made []any) {
	for item := range strings.SplitSeq(list, ",") {
		f := strings.Fields(item)
		made = append(made, &awsglue.CfnTable_ColumnProperty{Name: &f[0], Type: &f[1]})
	}
	return made
}

//go:embed queries/grants.sql
var grantsSQL string

//go:embed queries/watched.sql
var watchedSQL string

//go:embed queries/unasked.sql
var unaskedSQL string

//go:embed queries/refused.sql
var refusedSQL string

// A logQuery is a query that is there to be run.
type logQuery struct{ id, name, description, text string }

// logQueries are written for the default premiumPath.
func logQueries(s settings.Settings) []logQuery {
	queries := []logQuery{
		{"WatchedQuery", "Who watched what", "Viewers, the folders that they got segments of, when and how much", grantsSQL + watchedSQL},
		{"UnaskedQuery", "Watched without asking", "Addresses that got segments and never asked for cookies", grantsSQL + unaskedSQL},
		{"RefusedQuery", "Who was refused", "Viewers whom the signer gave no cookies, and why", refusedSQL},
	}
	for i := range queries {
		queries[i].text = strings.ReplaceAll(queries[i].text, "/premium/", "/"+s.PremiumPath+"/")
	}
	return queries
}
