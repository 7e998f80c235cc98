package stacks

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3assets"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3deployment"
	"github.com/aws/jsii-runtime-go"

	"premiumhls/internal/deploycheck"
	"premiumhls/stacks/assets"
	"premiumhls/stacks/settings"
)

// Objects carry their caching rule, because CloudFront's managed policies would
// cache one without a rule for a day. Browsers always ask CloudFront again, so
// that an expired cookie counts.
const (
	// For what never changes under its name.
	cacheForever = "max-age=0, must-revalidate, s-maxage=31536000"
	// For what names other files.
	cacheForSeconds = "max-age=0, must-revalidate, s-maxage=10"
	// For the page itself, so that a deploy is visible at once.
	cacheNever = "no-cache"
)

// sampleFolders are the sample's folders in the public part of the bucket. The
// page reads the sample's catalog only if there is no public/catalog.json,
// which is the owner's: nothing here ever writes it.
var sampleFolders = []string{"sample/", "trailers/sample/"}

// The CDK makes one function for all BucketDeployments of a stack with the same
// memory limit, in MB, with the role of the first.
const (
	uploaderMemory = 256
	uploaderID     = "Custom::CDKBucketDeployment8693BB64968944B69AAFB0CC9EB8756C256MiB"
)

// An uploader copies files into the bucket. It removes nothing.
type uploader func(id string, props awss3deployment.BucketDeploymentProps) awss3deployment.BucketDeployment

func newUploader(stack *premiumHLS, s settings.Settings, st storage, p assets.Assets) uploader {
	logs := newLogGroup(stack, s, "UploadLog")
	role := newUploaderRole(stack, st, p, uploadedKeys(s, p))
	logs.GrantWrite(role)
	// The CDK would let the function write and delete everything in the bucket.
	fixed := role.WithoutPolicyUpdates(nil)
	return func(id string, props awss3deployment.BucketDeploymentProps) awss3deployment.BucketDeployment {
		props.DestinationBucket = st.bucket
		props.Prune = jsii.Bool(false)
		props.LogGroup = logs
		props.MemoryLimit = jsii.Number(uploaderMemory)
		props.Role = fixed
		deployment := awss3deployment.NewBucketDeployment(stack, &id, &props)
		deployment.Node().AddDependency(role)
		return deployment
	}
}

// newUploaderRole lets the CDK's function read this deploy's assets and write
// the objects with the given keys. What an owner copied into the bucket has
// other keys, and no setting or mistake can make the function write over it.
func newUploaderRole(stack *premiumHLS, st storage, p assets.Assets, keys []string) awsiam.Role {
	role := awsiam.NewRole(stack, jsii.String("UploaderRole"), &awsiam.RoleProps{
		AssumedBy: awsiam.NewServicePrincipal(jsii.String("lambda.amazonaws.com"), nil),
	})
	// All assets are in the one bucket of the CDK's bootstrap stack.
	staged := awss3assets.NewAsset(stack, jsii.String("StagedPage"), &awss3assets.AssetProps{Path: &p.Page}).Bucket()
	role.AddToPolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid:       jsii.String("ReadAssets"),
		Actions:   jsii.Strings("s3:GetObject"),
		Resources: &[]*string{staged.ArnForObjects(jsii.String("*"))},
	}))
	role.AddToPolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid:       jsii.String("CompareObjects"), // with what is to be copied
		Actions:   jsii.Strings("s3:ListBucket"),
		Resources: &[]*string{st.bucket.BucketArn()},
	}))
	var objects []*string
	for _, key := range keys {
		objects = append(objects, st.bucket.ArnForObjects(jsii.String(key)))
	}
	role.AddToPolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid:       jsii.String("WriteOwnObjects"),
		Actions:   jsii.Strings("s3:PutObject"), // lifecycle rules abort what an upload leaves unfinished
		Resources: &objects,
	}))
	return role
}

// uploadedKeys are the keys of the objects that a deploy writes: the page's
// files, its folders, the probe and the sample.
func uploadedKeys(s settings.Settings, p assets.Assets) []string {
	keys := []string{publicFolder + "/config.json"}
	add := func(prefix string, names []string) {
		for _, name := range names {
			if strings.HasSuffix(name, "/") {
				name += "*"
			}
			keys = append(keys, prefix+"/"+name)
		}
	}
	add(publicFolder, p.PageFiles)
	if s.DeployCheck {
		keys = append(keys, s.PremiumPath+"/"+deploycheck.Folder+"/"+deploycheck.Name)
	}
	if s.Sample {
		add(publicFolder, sampleFolders)
		add(s.PremiumPath, p.SampleFolders)
	}
	return keys
}

func cacheControl(rule string) *[]awss3deployment.CacheControl {
	return &[]awss3deployment.CacheControl{awss3deployment.CacheControl_FromString(&rule)}
}

// newPage uploads the web page and, if the setting sample is true, the sample
// videos.
func newPage(upload uploader, s settings.Settings, p assets.Assets, c client) {
	config := map[string]any{"premiumPath": s.PremiumPath, "signIn": c.page, "sample": s.Sample}
	if s.SiteName != "" {
		config["siteName"] = s.SiteName
	}
	if len(s.AllowedOrigins) > 0 {
		config["allowedOrigins"] = s.AllowedOrigins
	}
	if s.EmailGrants {
		config["emailGrants"] = true // premium doctor reads it
	}
	if s.Stripe.On() {
		config["stripe"] = true // the page gets references for its payment links
	}
	if s.Links {
		config["links"] = true
	}
	upload("Page", awss3deployment.BucketDeploymentProps{
		Sources: &[]awss3deployment.ISource{
			awss3deployment.Source_Asset(&p.Page, nil),
			awss3deployment.Source_JsonData(jsii.String("config.json"), config, nil),
		},
		DestinationKeyPrefix: jsii.String(publicFolder),
		CacheControl:         cacheControl(cacheNever),
	})
	if !s.Sample {
		return
	}
	sample := &[]awss3deployment.ISource{awss3deployment.Source_Asset(&p.Sample, nil)}
	// The function does not know these media types.
	for _, media := range []struct{ id, files, contentType string }{
		{"SamplePlaylists", "*.m3u8", "application/vnd.apple.mpegurl"},
		{"SampleSegments", "*.ts", "video/mp2t"},
	} {
		upload(media.id, awss3deployment.BucketDeploymentProps{
			Sources:      sample,
			Exclude:      jsii.Strings("*"),
			Include:      jsii.Strings(media.files),
			ContentType:  &media.contentType,
			CacheControl: cacheControl(cacheForever),
		})
	}
	upload("SampleCatalog", awss3deployment.BucketDeploymentProps{
		Sources:      sample,
		Exclude:      jsii.Strings("*.m3u8", "*.ts"),
		CacheControl: cacheControl(cacheForSeconds),
	})
}
