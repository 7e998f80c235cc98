package stacks

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"premiumhls/internal/catalog"
	"premiumhls/stacks/settings"
)

// publicFolder is the part of the bucket that the public behavior serves. Its
// origin begins there, so that no spelling of a public URL reaches a premium
// object.
const publicFolder = "public"

type storage struct {
	bucket       awss3.IBucket
	logs         awss3.IBucket          // nil without accessLogs
	logPolicy    constructs.IDependable // of logs; nil for an imported bucket
	mediaConvert awsiam.Role
}

func newStorage(stack *premiumHLS, s settings.Settings) storage {
	var st storage
	props := &awss3.BucketProps{
		// SSE-S3: with a KMS key, the key, the bucket and the distribution
		// would depend on each other.
		Encryption:        awss3.BucketEncryption_S3_MANAGED,
		BlockPublicAccess: awss3.BlockPublicAccess_BLOCK_ALL(),
		ObjectOwnership:   awss3.ObjectOwnership_BUCKET_OWNER_ENFORCED,
		EnforceSSL:        jsii.Bool(true),
		MinimumTLSVersion: jsii.Number(1.2),
		Versioned:         jsii.Bool(true),
		RemovalPolicy:     removal(s),
		AutoDeleteObjects: jsii.Bool(!s.KeepData),
		// Keep old versions 30 days; abort incomplete uploads.
		LifecycleRules: &[]*awss3.LifecycleRule{{
			Id:                                  jsii.String("ExpireOldVersions"),
			NoncurrentVersionExpiration:         awscdk.Duration_Days(jsii.Number(30)),
			AbortIncompleteMultipartUploadAfter: awscdk.Duration_Days(jsii.Number(3)),
			ExpiredObjectDeleteMarker:           jsii.Bool(true),
		}},
	}
	if s.Ingest && s.SourceDays > 0 {
		*props.LifecycleRules = append(*props.LifecycleRules, &awss3.LifecycleRule{
			Id: jsii.String("ExpireUploads"), Prefix: jsii.String(catalog.Prefix), Expiration: awscdk.Duration_Days(jsii.Number(s.SourceDays)),
			// Captions and posters are read again for each new version.
			ObjectSizeGreaterThan: jsii.Number(catalog.MaxBeside),
		})
	}
	if len(s.AllowedOrigins) > 0 {
		// With origins listed, S3 also sends Access-Control-Allow-Credentials,
		// without which a page of another origin could not use the cookies.
		props.Cors = &[]*awss3.CorsRule{{
			AllowedOrigins: jsii.Strings(s.AllowedOrigins...),
			AllowedMethods: &[]awss3.HttpMethods{awss3.HttpMethods_GET, awss3.HttpMethods_HEAD},
			AllowedHeaders: jsii.Strings("Range"),
			ExposedHeaders: jsii.Strings("Content-Length", "Content-Range"),
			MaxAge:         jsii.Number(3600),
		}}
	}
	if s.AccessLogs {
		st.logs, st.logPolicy = newLogBucket(stack, s)
		props.ServerAccessLogsBucket = st.logs
		props.ServerAccessLogsPrefix = jsii.String(bucketLogs + "/")
	}
	st.bucket = stack.existing.bucket
	if st.bucket == nil {
		st.bucket = awss3.NewBucket(stack, jsii.String("Videos"), props)
	}
	st.mediaConvert = newMediaConvertRole(stack, s, st.bucket)
	return st
}

// newMediaConvertRole makes a role for MediaConvert jobs of this account. It
// can write videos, but not the page, which is in the same bucket.
func newMediaConvertRole(stack *premiumHLS, s settings.Settings, bucket awss3.IBucket) awsiam.Role {
	role := awsiam.NewRole(stack, jsii.String("MediaConvertRole"), &awsiam.RoleProps{
		Description: jsii.String("MediaConvert writes videos for " + s.StackName),
		AssumedBy: awsiam.NewServicePrincipal(jsii.String("mediaconvert.amazonaws.com"), &awsiam.ServicePrincipalOpts{
			Conditions: &map[string]any{
				"StringEquals": map[string]any{"aws:SourceAccount": stack.Account()},
			},
		}),
	})
	role.AddToPolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid:     jsii.String("WriteVideos"),
		Actions: jsii.Strings("s3:AbortMultipartUpload", "s3:PutObject"),
		Resources: jsii.Strings(
			*bucket.ArnForObjects(jsii.String(s.PremiumPath + "/*")),
			*bucket.ArnForObjects(jsii.String(publicFolder + "/trailers/*")),
		),
	}))
	for _, input := range s.MediaConvertInputs {
		role.AddToPolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
			Actions:   jsii.Strings("s3:GetObject"),
			Resources: &[]*string{jsii.Sprintf("arn:%s:s3:::%s/*", *stack.Partition(), input)},
		}))
	}
	return role
}

// removal is the removal policy of resources that hold data.
func removal(s settings.Settings) awscdk.RemovalPolicy {
	if s.KeepData {
		return awscdk.RemovalPolicy_RETAIN
	}
	return awscdk.RemovalPolicy_DESTROY
}
