// Command stripe is the Lambda function that turns purchases into grants.
//
//	POST /api/stripe     Stripe's events, known by their signature
//	POST /api/purchases  {"path":"course-1"}  a reference that stands for the signed-in viewer
//
// It runs behind the same HTTP API as the signer and is reached through the
// distribution only. The first route has no authorizer; the second has the
// JWT authorizer. The premium command invokes the function with kept events.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"premiumhls/internal/grants"
	"premiumhls/internal/metric"
	"premiumhls/internal/sales"
	"premiumhls/internal/stripesettings"
	"premiumhls/lambda/internal/awsjson"
)

func main() {
	logger := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	h, err := start(context.Background(), logger)
	if err != nil {
		logger.Error("stripe failed to start", "cause", err.Error())
		os.Exit(1)
	}
	lambda.Start(h.invoke)
}

func start(ctx context.Context, logger *slog.Logger) (*handler, error) {
	settings, err := stripesettings.Parse(os.Getenv(stripesettings.Variable))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", stripesettings.Variable, err)
	}
	parameters, err := awsjson.New(awsjson.SSM, "", os.Getenv)
	if err != nil {
		return nil, err
	}
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("loading the AWS configuration: %w", err)
	}
	database := dynamodb.NewFromConfig(cfg)
	table := sales.Table{Client: database, Name: settings.SalesTable}
	return &handler{
		settings: settings,
		secrets:  newSecretCache(parameters, settings, time.Now),
		book: sales.Book{
			Items: table, Grants: grants.Table{Client: database, Name: settings.GrantsTable},
			Grace: time.Duration(settings.Grace()) * 24 * time.Hour, Now: time.Now,
		},
		kept:    table,
		metrics: metric.New(settings.MetricsStack),
		logger:  logger,
		now:     time.Now,
	}, nil
}
