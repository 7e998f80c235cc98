// Command ingest is the function that makes courses of what an owner uploads.
//
// EventBridge invokes it with S3's events for files below uploads/ and with
// MediaConvert's events for the jobs that it made; a schedule invokes it once a
// day to remove old versions; and the premium command invokes it with commands.
//
//	uploads/COURSE/LESSON.mp4   a film; a job encodes it below encoded/
//	ingest/COURSE/LESSON.json   the record: what was uploaded and what became of it
//	premium/COURSE/LESSON/      what viewers play, a folder for each version
//	public/catalog/COURSE.json  what everyone may see
//
// Everything that it does can be repeated: events come twice, late and in any
// order.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/mediaconvert"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"premiumhls/internal/ingestsettings"
)

func main() {
	logger := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	h, err := start(context.Background(), logger)
	if err != nil {
		logger.Error("ingest failed to start", "cause", err.Error())
		os.Exit(1)
	}
	lambda.Start(h.handle)
}

func start(ctx context.Context, logger *slog.Logger) (*handler, error) {
	settings, err := ingestsettings.Parse(os.Getenv(ingestsettings.Variable))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", ingestsettings.Variable, err)
	}
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("loading the AWS configuration: %w", err)
	}
	cfg.HTTPClient = awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.MaxIdleConnsPerHost = connections // the SDK's default is 10
	})
	return &handler{
		settings: settings,
		bucket: bucket{name: settings.Bucket, client: s3.NewFromConfig(cfg, func(o *s3.Options) {
			// A local endpoint has no host names of its own for buckets.
			o.UsePathStyle = os.Getenv("AWS_ENDPOINT_URL_S3") != ""
			// Films that are laid out at once share what a prefix takes: S3 asks to
			// slow down then.
			o.RetryMaxAttempts = 10
			// What was uploaded in parts has no checksum that the SDK could
			// check: a line of the log for each read.
			o.DisableLogOutputChecksumValidationSkipped = true
		})},
		convert: mediaconvert.NewFromConfig(cfg, func(o *mediaconvert.Options) {
			// Of many films at once some are throttled: the attempts last two
			// minutes, before Lambda's own begin.
			o.RetryMaxAttempts = 10
		}),
		edge:   cloudfront.NewFromConfig(cfg),
		logger: logger,
		now:    time.Now,
		pause:  invalidationPause,
	}, nil
}
