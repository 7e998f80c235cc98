package stacks

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3deployment"
	"github.com/aws/jsii-runtime-go"

	"premiumhls/stacks/assets"
	"premiumhls/stacks/settings"
)

// An uploader puts files into the bucket. Nothing is ever removed from it: it
// holds other people's videos.
type uploader func(id string, props awss3deployment.BucketDeploymentProps) awss3deployment.BucketDeployment

func newUploader(stack awscdk.Stack, s settings.Settings, st storage) uploader {
	logs := newLogGroup(stack, s, "UploadLog")
	return func(id string, props awss3deployment.BucketDeploymentProps) awss3deployment.BucketDeployment {
		props.DestinationBucket = st.bucket
		props.Prune = jsii.Bool(false)
		props.LogGroup = logs
		props.MemoryLimit = jsii.Number(256)
		return awss3deployment.NewBucketDeployment(stack, &id, &props)
	}
}

// newPage puts the web page, and the sample videos where they are wanted, into
// the bucket.
func newPage(upload uploader, s settings.Settings, p assets.Assets, c client) {
	config := map[string]any{"premiumPath": s.PremiumPath, "signIn": c.page}
	upload("Page", awss3deployment.BucketDeploymentProps{
		Sources: &[]awss3deployment.ISource{
			awss3deployment.Source_Asset(&p.Page, nil),
			awss3deployment.Source_JsonData(jsii.String("config.json"), config, nil),
		},
		DestinationKeyPrefix: jsii.String(publicFolder),
		// A browser asks each time, so a deploy is seen at once.
		CacheControl: &[]awss3deployment.CacheControl{awss3deployment.CacheControl_NoCache()},
	})
	if !s.Sample {
		return
	}
	sample := &[]awss3deployment.ISource{awss3deployment.Source_Asset(&p.Sample, nil)}
	// Media types are named, not guessed: the uploader knows neither.
	for _, media := range []struct{ id, files, contentType string }{
		{"SamplePlaylists", "*.m3u8", "application/vnd.apple.mpegurl"},
		{"SampleSegments", "*.ts", "video/mp2t"},
	} {
		upload(media.id, awss3deployment.BucketDeploymentProps{
			Sources:     sample,
			Exclude:     jsii.Strings("*"),
			Include:     jsii.Strings(media.files),
			ContentType: &media.contentType,
		})
	}
	upload("SampleCatalog", awss3deployment.BucketDeploymentProps{
		Sources:      sample,
		Exclude:      jsii.Strings("*.m3u8", "*.ts"),
		CacheControl: &[]awss3deployment.CacheControl{awss3deployment.CacheControl_NoCache()},
	})
}
