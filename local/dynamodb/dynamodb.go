// Package dynamodb serves Amazon DynamoDB on this machine, from memory. It
// starts the npm package dynalite, which checks expressions, keys, types and
// limits as the service does, and adds TransactWriteItems to it. It does not remove items after their time to live,
// verify signatures, or throttle.
package dynamodb

import (
	"bufio"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"premiumhls/stacks/assets/npm"
)

// startTime limits the start of the server, without the installation.
const startTime = 30 * time.Second

// The parts of the script: one file for node, which finds its packages in the
// folder that it runs in.
var (
	//go:embed transact.js
	transact string
	//go:embed serve.js
	serve string
)

// A Server is a running DynamoDB. Its tables end with it.
type Server struct {
	// URL is its endpoint, for AWS_ENDPOINT_URL_DYNAMODB.
	URL string

	client *dynamodb.Client
	keys   sync.Map // names of partition keys by table
	stop   func() error
}

// Start starts a server, which ends with [Server.Close] or with this process. dir
// has the package-lock.json of its packages; Start installs them there with npm
// if they are missing. ctx limits the start only.
func Start(ctx context.Context, dir string) (*Server, error) {
	if err := npm.Install(ctx, dir); err != nil {
		return nil, fmt.Errorf("installing DynamoDB for this machine: %w", err)
	}
	cmd := exec.Command("node", "-e", transact+serve)
	cmd.Dir = dir // where node finds the script's packages
	complaints := &tail{}
	cmd.Stderr = complaints
	detach(cmd)
	// Nothing is written to it; the process exits when it is closed.
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("starting DynamoDB: %w", err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("starting DynamoDB: %w", err)
	}
	if err := cmd.Start(); errors.Is(err, exec.ErrNotFound) {
		return nil, errors.New("node is not installed, or not on the PATH: install Node 20 or newer (https://nodejs.org)")
	} else if err != nil {
		return nil, fmt.Errorf("starting DynamoDB: %w", err)
	}
	s := &Server{stop: sync.OnceValue(func() error {
		_ = cmd.Process.Kill() // an error: it has ended
		_ = stdin.Close()
		_ = cmd.Wait() // an error: it was killed
		return nil
	})}

	port, err := readPort(ctx, stdout)
	if err != nil {
		s.Close()
		if text := complaints.String(); text != "" {
			err = fmt.Errorf("%w:\n%s", err, text)
		}
		return nil, fmt.Errorf("starting DynamoDB: %w", err)
	}
	s.URL = fmt.Sprintf("http://127.0.0.1:%d", port)
	s.client = dynamodb.New(dynamodb.Options{
		Region:       "local",
		BaseEndpoint: &s.URL,
		Credentials:  credentials.NewStaticCredentialsProvider("local", "local", ""),
	})
	return s, nil
}

// readPort reads the port, which the server prints when it is ready.
func readPort(ctx context.Context, stdout io.Reader) (uint16, error) {
	type result struct {
		line string
		err  error
	}
	lines := make(chan result, 1)
	go func() {
		line, err := bufio.NewReader(stdout).ReadString('\n')
		lines <- result{line, err}
	}()
	timer := time.NewTimer(startTime)
	defer timer.Stop()
	select {
	case r := <-lines:
		port, err := strconv.ParseUint(strings.TrimSpace(r.line), 10, 16)
		if r.err != nil || err != nil {
			return 0, errors.New("the server exited, or printed no port")
		}
		return uint16(port), nil
	case <-timer.C:
		return 0, fmt.Errorf("the server timed out after %v", startTime)
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
}

// Close ends the server and its tables.
func (s *Server) Close() error { return s.stop() }

// CreateTable creates an empty table of grants, with the partition key viewer and
// the sort key path.
func (s *Server) CreateTable(ctx context.Context, name string) error {
	return s.CreateKeyedTable(ctx, name, "viewer", "path")
}

// CreateKeyedTable creates an empty table with a partition key and a sort key,
// both strings.
func (s *Server) CreateKeyedTable(ctx context.Context, name, partition, sort string) error {
	_, err := s.client.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName:   &name,
		BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: &partition, AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: &sort, AttributeType: types.ScalarAttributeTypeS},
		},
		KeySchema: []types.KeySchemaElement{
			{AttributeName: &partition, KeyType: types.KeyTypeHash},
			{AttributeName: &sort, KeyType: types.KeyTypeRange},
		},
	})
	if err != nil {
		return fmt.Errorf("creating table %s: %w", name, err)
	}
	waiter := dynamodb.NewTableExistsWaiter(s.client, func(o *dynamodb.TableExistsWaiterOptions) {
		o.MinDelay, o.MaxDelay = 5*time.Millisecond, 100*time.Millisecond
	})
	if err := waiter.Wait(ctx, &dynamodb.DescribeTableInput{TableName: &name}, startTime); err != nil {
		return fmt.Errorf("waiting for table %s: %w", name, err)
	}
	return nil
}
