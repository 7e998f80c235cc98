package local

import (
	"net"
	"net/http"
	"os"
	"time"

	"premiumhls/internal/localrun"
	"premiumhls/local/cloud"
	"premiumhls/local/iam"
	"premiumhls/stacks/settings"
)

// announce writes the file by which other commands find this run. The returned
// function removes it.
func announce(place place, settings settings.Settings, c *cloud.Cloud, viewers []viewer, s *refusals) (end func(), err error) {
	outputs, err := c.Outputs()
	if err != nil {
		return nil, err
	}
	resources := c.CloudFront()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	server := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	go server.Serve(listener) // until end
	run := localrun.Run{
		PID: os.Getpid(), Started: time.Now(), Site: place.url + "/", Stack: settings.StackName, Authority: place.authority,
		Region: "us-east-1", AccessKeyID: iam.Owner.AccessKeyID, SecretAccessKey: iam.Owner.SecretAccessKey,
		Endpoints: c.Endpoints(), Outputs: outputs, Resources: resources,
		Viewers: map[string]string{}, Refusals: "http://" + listener.Addr().String() + "/",
	}
	if endpoint, table := c.Table(); table != "" {
		run.Endpoints["DYNAMODB"] = endpoint
	}
	run.Stripe = stripeRun(c, settings)
	for _, v := range viewers {
		run.Viewers[v.Username] = v.Subject
	}
	remove, err := localrun.Write(run)
	if err != nil {
		server.Close()
		return nil, err
	}
	return func() {
		remove() // if it fails, the next reader removes the file
		server.Close()
	}, nil
}
