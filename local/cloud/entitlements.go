package cloud

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"premiumhls/local/cloudformation"
	"premiumhls/local/dynamodb"
)

// Shop replaces the Lambda function in the settings that decides viewers'
// entitlements: it is outside the stack, so not on this machine.
type Shop func(ctx context.Context, functionARN string, payload []byte) ([]byte, error)

// tableProvider creates tables. The first one starts DynamoDB.
type tableProvider struct {
	cloudformation.Generic
	cloud *Cloud
}

func (p tableProvider) Create(ctx context.Context, r cloudformation.Resource) (cloudformation.State, error) {
	state, err := p.Generic.Create(ctx, r)
	if err != nil {
		return state, err
	}
	keys := map[string]string{}
	schema, _ := r.Properties["KeySchema"].([]any)
	for _, item := range schema {
		key, _ := item.(map[string]any)
		name, _ := key["AttributeName"].(string)
		kind, _ := key["KeyType"].(string)
		keys[kind] = name
	}
	return state, p.cloud.tables.CreateKeyedTable(ctx, state.PhysicalID, keys["HASH"], keys["RANGE"])
}

// startTables starts DynamoDB on this machine, behind IAM for the functions.
func (c *Cloud) startTables(ctx context.Context) (err error) {
	if c.tables, err = dynamodb.Start(ctx, filepath.Join(c.options.Root, "local")); err != nil {
		return fmt.Errorf("starting DynamoDB on this machine: %w", err)
	}
	guarded, err := c.tables.Guarded(c.authority.AuthorizeWith)
	if err != nil {
		return err
	}
	c.functions.environment["AWS_ENDPOINT_URL_DYNAMODB"], err = c.listen(guarded)
	return err
}

func (tableProvider) Update(_ context.Context, _ cloudformation.Resource, state cloudformation.State) (cloudformation.State, error) {
	return state, nil
}

// Table returns the endpoint and name of the stack's table of entitlements; both
// are empty if there is no table.
func (c *Cloud) Table() (endpoint, name string) {
	outputs, err := c.Outputs()
	if err != nil || c.tables == nil {
		return "", ""
	}
	return c.tables.URL, outputs["EntitlementsTable"]
}

// Grant grants a path to a viewer, if the stack has a table.
func (c *Cloud) Grant(ctx context.Context, viewer, path string) error {
	_, table := c.Table()
	if table == "" {
		return errors.New("the stack has no table of entitlements")
	}
	return c.tables.Grant(ctx, table, viewer, path)
}
