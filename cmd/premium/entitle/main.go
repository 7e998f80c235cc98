// Command entitle writes and reads the table of who may watch what. See
// `go run ./entitle -h`.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

const usage = `Usage:

  go run ./entitle grant  -table NAME|-stack NAME [-until WHEN] VIEWER PATH
  go run ./entitle revoke -table NAME|-stack NAME VIEWER PATH
  go run ./entitle list   -table NAME|-stack NAME [VIEWER]

grant lets a viewer watch a path and everything below it, at once; it replaces
the end of a grant that is there. revoke takes one grant back; another grant
that covers the path stays, and so do cookies that were given out, until they
end. list shows the grants of a viewer, or of everyone.

VIEWER is the sub claim of the viewer's token: in a Cognito user pool the
user's ID, which is not the email address.
PATH is a path below the premium path, such as course-1 or course-1/lesson-2,
or '*' for everything (in quotes, so that the shell leaves it alone).

  -table NAME   the table
  -stack NAME   the CloudFormation stack that has the table
  -until WHEN   when the grant ends: a day (2027-01-31, to its end in UTC), a
                time (2027-01-31T12:00:00Z), or a while from now (30d, 12h).
                Without it the grant does not end.

Region and credentials are found as the AWS CLI finds them (AWS_REGION,
AWS_PROFILE and so on). AWS_ENDPOINT_URL_DYNAMODB names another DynamoDB, such
as that of the local run. The credentials need dynamodb:UpdateItem to grant,
dynamodb:DeleteItem to revoke, dynamodb:Query and dynamodb:Scan to list, and
with -stack cloudformation:DescribeStacks.
`

// timeout is how long a command may take. A list of a large table takes the
// longest.
const timeout = 5 * time.Minute

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run returns the exit code: 2 of a command that is not understood, 1 of one
// that failed.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	c, err := parse(args, time.Now())
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stdout, usage)
		return 0
	case err != nil:
		fmt.Fprintf(stderr, "%v.\nSee go run ./entitle -h.\n", err)
		return 2
	}
	if err := c.run(ctx, stdout); err != nil {
		fmt.Fprintf(stderr, "%v.\n", err)
		return 1
	}
	return 0
}
