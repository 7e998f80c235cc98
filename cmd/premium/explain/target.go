package main

import (
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"

	"premiumhls/internal/explain/target"
)

// target finds the distribution.
func (o *options) target(ctx context.Context) (target.Target, error) {
	if o.site != "" {
		return target.Target{}, nil
	}
	keys, err := o.keys()
	if err != nil {
		return target.Target{}, err
	}
	switch {
	case o.stack != "":
		return fromStack(ctx, o.stack)
	case o.template != "":
		return target.FromTemplate(o.template, keys)
	}
	pattern := o.pattern
	if pattern == "" {
		pattern = "*"
	}
	return target.FromKeys(o.host, pattern, keys)
}

func (o *options) keys() (keys []target.Key, err error) {
	for i, file := range o.publicKeys {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("reading the public key: %w", err)
		}
		key := target.Key{PEM: text}
		if len(o.keyIDs) > 0 {
			key.ID = o.keyIDs[i]
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func fromStack(ctx context.Context, name string) (target.Target, error) {
	c, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return target.Target{}, fmt.Errorf("finding AWS credentials: %w", err)
	}
	if c.Region == "" {
		return target.Target{}, fmt.Errorf("no AWS region is set: set AWS_REGION to the one of the stack %s", name)
	}
	return target.FromStack(ctx, name, cloudformation.NewFromConfig(c), cloudfront.NewFromConfig(c))
}

// listed are the origins of the pages that a distribution lets in.
func listed(t target.Target) (origins []string) {
	for _, b := range t.Behaviors {
		if b.ResponseHeaders == nil || b.ResponseHeaders.CORS == nil {
			continue
		}
		for _, origin := range b.ResponseHeaders.CORS.Origins {
			if !slices.Contains(origins, origin) {
				origins = append(origins, origin)
			}
		}
	}
	return origins
}
