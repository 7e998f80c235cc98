// Command empty is a Lambda function that does nothing but write a line to its
// log, as long as the signer's: what the runtime's loop, the log and the start
// of a Go process take is the floor of any other that logs.
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
