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
	"premiumhls/internal/localrun"
)

// target reads the distribution, which is that of the local run if no flag names
// one.
func (o *explainCommand) target(ctx context.Context) (target.Target, error) {
	if o.Stack == "" && o.Template == "" && len(o.PublicKey) == 0 {
		return fromLocalRun(o.local)
	}
	keys, err := o.keys()
	if err != nil {
		return target.Target{}, err
	}
	switch {
	case o.Stack != "":
		return fromStack(ctx, o.Stack)
	case o.Template != "":
		return target.FromTemplate(o.Template, keys)
	}
	pattern := o.Pattern
	if pattern == "" {
		pattern = "*"
	}
	return target.FromKeys(o.Host, pattern, keys)
}

func (o *explainCommand) keys() (keys []target.Key, err error) {
	for i, file := range o.PublicKey {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("reading the public key: %w", err)
		}
		key := target.Key{PEM: text}
		if len(o.KeyID) > 0 {
			key.ID = o.KeyID[i]
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func fromLocalRun(r localrun.Run) (target.Target, error) {
	t, err := target.FromResources(r.Resources, r.Site)
	if err != nil {
		return t, fmt.Errorf("local run %s: %w", r.Site, err)
	}
	return t, nil
}

func fromStack(ctx context.Context, name string) (target.Target, error) {
	c, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return target.Target{}, fmt.Errorf("finding AWS credentials: %w", err)
	}
	if c.Region == "" {
		return target.Target{}, fmt.Errorf("no AWS region: set AWS_REGION to the region of stack %s", name)
	}
	return target.FromStack(ctx, name, cloudformation.NewFromConfig(c), cloudfront.NewFromConfig(c))
}

// listed are the origins that a distribution allows by CORS.
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
