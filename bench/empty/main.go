// Command empty is a Lambda function that only writes one log line, as long as
// the signer's. It measures the runtime's loop, the log and the start of a Go
// process, which no Go function can save.
package main

import (
	"context"
	"encoding/json"
	"os"
	"strings"

	"github.com/aws/aws-lambda-go/lambda"
)

func main() {
	line := strings.Repeat("x", 800) + "\n"
	lambda.Start(func(context.Context, json.RawMessage) (json.RawMessage, error) {
		if _, err := os.Stdout.WriteString(line); err != nil {
			return nil, err
		}
		return json.RawMessage(`{"statusCode":200}`), nil
	})
}
