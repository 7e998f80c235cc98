// Command links is the Lambda function that rewrites playlists for viewers who
// hold a link: a signed URL that plays in anything that plays HLS, with cookies
// or without.
//
//	GET /premium/COURSE/LESSON/lesson.link.m3u8?…   the lesson's playlist
//	GET /premium/COURSE/LESSON/NAME.link.m3u8?…     the playlist NAME.m3u8
//
// It adds the link's own signature to each URI that the link opens. It has no
// key, gives no viewer more than the link does, and neither reads nor logs
// cookies or the query, in which the signature is. What the playlists name,
// CloudFront serves from the bucket.
//
// It runs behind an HTTP API (payload format 2.0) without an authorizer, and is
// reached through the distribution only, whose behavior for these names checks
// the link's signature.
package main

import (
	"fmt"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"premiumhls/internal/linksettings"
	"premiumhls/internal/signingkey"
	"premiumhls/lambda/internal/awsjson"
	"premiumhls/lambda/internal/originsecret"
)

func main() {
	logger := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	slog.SetDefault(logger)
	h, err := start(logger)
	if err != nil {
		logger.Error("links failed to start", "cause", err.Error())
		os.Exit(1)
	}
	lambda.Start(h.handle)
}

func start(logger *slog.Logger) (*handler, error) {
	settings, err := linksettings.Parse(os.Getenv(linksettings.Variable))
	if err != nil {
		return nil, fmt.Errorf("environment variable %s: %w", linksettings.Variable, err)
	}
	parameters, err := awsjson.New(awsjson.SSM, "", os.Getenv)
	if err != nil {
		return nil, err
	}
	bucket, err := awsjson.NewBucket(settings.Bucket, os.Getenv)
	if err != nil {
		return nil, err
	}
	name := signingkey.Parameters(settings.ParameterPrefix).OriginSecret()
	secrets := originsecret.NewReader(parameters, name, settings.Refresh(), logger)
	return newHandler(settings, secrets, bucket, logger)
}
