// Command function is a Lambda function that does what its event says.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type event struct {
	Do   string // what
	Text string
	Size int
}

type response struct {
	Text        string
	PID         int
	Invocations int
	RequestID   string
	ARN         string
	Left        time.Duration // until the deadline
	Env         []string
	Dir, Tmp    string
}

var invocations int

func handle(ctx context.Context, e event) (response, error) {
	invocations++
	fmt.Println("did", e.Do)
	switch e.Do {
	case "echo", "describe":
	case "error":
		return response{}, errors.New(e.Text)
	case "panic":
		panic(e.Text)
	case "exit":
		os.Exit(e.Size)
	case "call":
		call(e.Text)
	case "fill":
		return response{Text: strings.Repeat("x", e.Size)}, nil
	case "child":
		// A process that outlives this one and holds its output.
		cmd := exec.Command("sleep", "60")
		cmd.Stdout = os.Stdout
		if err := cmd.Start(); err != nil {
			return response{}, err
		}
	default:
		return response{}, fmt.Errorf("unknown: %q", e.Do)
	}
	r := response{Text: e.Text, PID: os.Getpid(), Invocations: invocations}
	if e.Do == "describe" {
		lc, _ := lambdacontext.FromContext(ctx)
		deadline, _ := ctx.Deadline()
		r.RequestID, r.ARN, r.Left = lc.AwsRequestID, lc.InvokedFunctionArn, time.Until(deadline)
		r.Env, r.Tmp = os.Environ(), os.TempDir()
		r.Dir, _ = os.Getwd()
	}
	return r, nil
}

func call(url string) {
	answer, err := http.Get(url)
	if err != nil {
		panic(err)
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	answer.Body.Close()
}

func main() {
	switch os.Getenv("AT_START") {
	case "exit":
		fmt.Fprint(os.Stderr, "last words")
		os.Exit(3)
	case "report":
		url := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/init/error"
		_, err := http.Post(url, "application/json", strings.NewReader(`{"errorType":"Config","errorMessage":"no settings"}`))
		fmt.Println(err)
		os.Exit(1)
	}
	lambda.Start(handle)
}
