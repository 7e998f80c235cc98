// Package awsjson calls AWS services with a JSON API, and reads objects of S3.
//
// The SDK's client of a service makes a function larger and its cold start
// longer, even for two operations: DynamoDB's and Lambda's together are 1.5 MB.
// Without them a call is a signed POST request. The SDK signs it.
package awsjson

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// maxAnswer is the largest response in bytes. A page of DynamoDB has a megabyte; a
// function's response at most six.
const maxAnswer = 8 << 20

// maxSkew is how far the clock may be from the service's. AWS accepts signatures
// that are five minutes off.
const maxSkew = 4 * time.Minute

// A Service says how to call an AWS service.
type Service struct {
	id      string // in endpoints, signatures and the names of variables
	target  string // prefix of X-Amz-Target; empty: the service has a REST API
	version string // of the JSON protocol
}

// ErrTooLarge reports a response that is not read to its end.
var ErrTooLarge = errors.New("response is larger than 8388608 bytes")

// The services that the functions call.
var (
	DynamoDB = Service{id: "dynamodb", target: "DynamoDB_20120810.", version: "1.0"}
	KMS      = Service{id: "kms", target: "TrentService.", version: "1.1"}
	Lambda   = Service{id: "lambda"}
	SSM      = Service{id: "ssm", target: "AmazonSSM.", version: "1.1"}
)

// A Client calls one service in one region. It does not retry, except once on
// clock skew. It is safe for concurrent use.
type Client struct {
	service     Service
	region      string
	endpoint    string
	credentials aws.CredentialsProvider
	signer      *v4.Signer
	http        *http.Client
	skew        atomic.Int64 // nanoseconds to add to the clock
}

// New returns a Client. The variables of the environment are those that Lambda
// sets; AWS_ENDPOINT_URL_DYNAMODB (and so on) and AWS_ENDPOINT_URL name
// another endpoint, as they do for every SDK. An empty region is the
// function's own.
func New(service Service, region string, getenv func(string) string) (*Client, error) {
	region = cmp.Or(region, getenv("AWS_REGION"))
	if region == "" {
		return nil, errors.New("AWS_REGION is not set")
	}
	variable := "AWS_ENDPOINT_URL_" + strings.ToUpper(service.id)
	endpoint := cmp.Or(getenv(variable), getenv("AWS_ENDPOINT_URL"), "https://"+service.id+"."+region+"."+domain(region))
	if u, err := url.Parse(endpoint); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, fmt.Errorf("%s or AWS_ENDPOINT_URL: invalid value %q: must be a URL", variable, endpoint)
	}
	return &Client{
		service:     service,
		region:      region,
		endpoint:    strings.TrimSuffix(endpoint, "/"),
		credentials: EnvironmentCredentials(getenv),
		signer:      v4.NewSigner(),
		http:        NewHTTPClient(),
	}, nil
}

// domain returns the domain of a region's endpoints. CloudFront exists in these
// two partitions only.
func domain(region string) string {
	if strings.HasPrefix(region, "cn-") {
		return "amazonaws.com.cn"
	}
	return "amazonaws.com"
}

// EnvironmentCredentials returns the credentials that Lambda gives a function.
func EnvironmentCredentials(getenv func(string) string) aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		credentials := aws.Credentials{
			AccessKeyID:     getenv("AWS_ACCESS_KEY_ID"),
			SecretAccessKey: getenv("AWS_SECRET_ACCESS_KEY"),
			SessionToken:    getenv("AWS_SESSION_TOKEN"),
			Source:          "environment",
		}
		if !credentials.HasKeys() {
			return aws.Credentials{}, errors.New("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set")
		}
		return credentials, nil
	})
}

// Call calls an operation, such as Query. An error response of the service is an
// [*Error].
func (c *Client) Call(ctx context.Context, operation string, input, output any) error {
	body, err := json.Marshal(input)
	if err != nil {
		return fmt.Errorf("encoding the request: %w", err)
	}
	header := http.Header{
		"Content-Type": {"application/x-amz-json-" + c.service.version},
		"X-Amz-Target": {c.service.target + operation},
	}
	answer, _, err := c.post(ctx, "/", header, body)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(answer, output); err != nil {
		return fmt.Errorf("reading the response: %w", err)
	}
	return nil
}

// Invoke calls a Lambda function by its ARN or name and returns its response. A
// function that failed is a [*FunctionError].
func (c *Client) Invoke(ctx context.Context, function string, payload []byte) ([]byte, error) {
	header := http.Header{
		"Content-Type":          {"application/json"},
		"X-Amz-Invocation-Type": {"RequestResponse"},
	}
	// Escape the colons of the ARN, as the SDK does.
	path := "/2015-03-31/functions/" + strings.ReplaceAll(url.PathEscape(function), ":", "%3A") + "/invocations"
	answer, got, err := c.post(ctx, path, header, payload)
	if err != nil {
		return nil, err
	}
	if kind := got.Get("X-Amz-Function-Error"); kind != "" {
		return nil, functionError(kind, answer)
	}
	return answer, nil
}

// post sends a signed request and returns the body and header of a successful
// response.
func (c *Client) post(ctx context.Context, path string, header http.Header, body []byte) ([]byte, http.Header, error) {
	response, answer, err := c.request(ctx, http.MethodPost, path, header, body)
	if err != nil {
		return nil, nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, nil, serviceError(response, answer)
	}
	return answer, response.Header, nil
}

// request sends a signed request. If the service rejects it and the clock is
// wrong, request sends it once more with the service's time.
func (c *Client) request(ctx context.Context, method, path string, header http.Header, body []byte) (*http.Response, []byte, error) {
	response, answer, err := c.send(ctx, method, path, header, body)
	if err == nil && response.StatusCode >= 400 && response.StatusCode < 500 && c.correct(response.Header.Get("Date")) {
		response, answer, err = c.send(ctx, method, path, header, body)
	}
	return response, answer, err
}

// correct stores how far the clock is from the service's, whose response has the
// given Date, and reports whether the stored value was wrong.
func (c *Client) correct(date string) bool {
	at, err := http.ParseTime(date)
	if err != nil {
		return false
	}
	skew := time.Until(at)
	if (skew - time.Duration(c.skew.Load())).Abs() <= maxSkew {
		return false
	}
	c.skew.Store(int64(skew))
	return true
}

// send sends a signed request and reads the response.
func (c *Client) send(ctx context.Context, method, path string, header http.Header, body []byte) (*http.Response, []byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.endpoint+path, bytes.NewReader(body))
	if err != nil {
		return nil, nil, fmt.Errorf("making the request: %w", err)
	}
	request.Header = header.Clone()
	credentials, err := c.credentials.Retrieve(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("finding credentials: %w", err)
	}
	sum := sha256.Sum256(body)
	now := time.Now().Add(time.Duration(c.skew.Load()))
	if err := c.signer.SignHTTP(ctx, credentials, request, hex.EncodeToString(sum[:]), c.service.id, c.region, now); err != nil {
		return nil, nil, fmt.Errorf("signing the request: %w", err)
	}
	// Every call here can be repeated. This header, which is not sent, lets the
	// transport repeat it if a kept connection turns out to be closed.
	request.Header["Idempotency-Key"] = nil
	response, err := c.http.Do(request)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil {
		return nil, nil, fmt.Errorf("reading the response: %w", err)
	}
	if len(answer) > maxAnswer {
		return nil, nil, ErrTooLarge
	}
	return response, answer, nil
}
