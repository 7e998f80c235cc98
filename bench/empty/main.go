// Command empty is a Lambda function that does nothing: what the runtime's
// loop and the start of a Go process take is the floor of any other.
package main

import (
	"context"
	"encoding/json"

	"github.com/aws/aws-lambda-go/lambda"
)

func main() {
	lambda.Start(func(context.Context, json.RawMessage) (json.RawMessage, error) {
		return json.RawMessage(`{"statusCode":200}`), nil
	})
}
