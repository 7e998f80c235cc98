// Command signer is the Lambda function behind the API: it issues signed cookies,
// with which CloudFront serves premium video, to signed-in, entitled viewers.
//
//	POST   /api/cookies   {"path":"course-1"}   sets the cookies for a path
//	DELETE /api/cookies   {"path":"course-1"}   clears them
//	POST   /api/links     {"path":"course-1"}   returns a URL that plays by itself, if there are links
//	GET    /api/entitlements                    lists what the viewer may watch
//
// It runs behind an HTTP API with a JWT authorizer (payload format 2.0), and
// is reached through the distribution only. Only the deploy check invokes it
// directly, and gets cookies for the folder of its probe.
package main

import (
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"premiumhls/lambda/internal/awsjson"
	"premiumhls/lambda/internal/entitlement"
	"premiumhls/lambda/internal/keyring"
)

func main() {
	logger := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	slog.SetDefault(logger)
	h, err := start(logger)
	if err != nil {
		logger.Error("signer failed to start", "cause", err.Error())
		os.Exit(1)
	}
	lambda.Start(h.invoke)
}

// start makes the handler and starts to read the keys, while the runtime fetches
// the first request.
func start(logger *slog.Logger) (*handler, error) {
	settings, err := parseSettings(os.Getenv)
	if err != nil {
		return nil, err
	}
	// An invalid rule must not become the rule that lets everyone in.
	var h *handler // set before Now is called
	entitlements, err := entitlement.New(string(settings.Entitlements), entitlement.Config{
		Getenv: os.Getenv, Logger: logger, Now: func() time.Time { return h.time() },
	})
	if err != nil {
		return nil, fmt.Errorf("entitlements: %w", err)
	}
	client, err := awsjson.New(awsjson.SSM, "", os.Getenv)
	if err != nil {
		return nil, err
	}
	parameters := keyring.NewParameterStore(client, settings.ParameterPrefix, settings.SigningKeys)
	if settings.LogViewers != "plain" {
		parameters.WithViewerHashKey(settings.ParameterPrefix)
	}
	ring := keyring.New(
		parameters,
		keyring.Config{RefreshEvery: settings.Refresh(), KMS: newKMS(os.Getenv), Logger: logger, Metrics: settings.metrics},
	)
	ring.Start()
	h = newHandler(settings, ring, entitlements, logger)
	return h, nil
}
