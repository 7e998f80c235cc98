package test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"premiumhls/test/sitetest"

	"github.com/aws/aws-lambda-go/events"
)

// The built signer runs in AWS's own emulator of the Lambda runtime, which
// shares no code with the one of local/lambda.
func TestSignerInRuntimeEmulator(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: skipped in short mode")
	}
	emulator := filepath.Join(t.TempDir(), "aws-lambda-rie")
	build := exec.Command("go", "build", "-o", emulator, "github.com/aws/aws-lambda-runtime-interface-emulator/cmd/aws-lambda-rie")
	build.Dir = "rie"
	if output, err := build.CombinedOutput(); err != nil {
		t.Skipf("to run this test, let Go download the modules of test/rie: %v\n%s", err, output)
	}
	s := newSite(t, nil)
	s.Cookies("ada", "course-1") // starts the signer
	binary, environment := signerProcess(t, s)
	address := "127.0.0.1:" + sitetest.FreePort(t)
	command := exec.Command(emulator, "--runtime-interface-emulator-address", address,
		"--runtime-api-address", "127.0.0.1:"+sitetest.FreePort(t), binary)
	command.Env = append(environment, "PATH="+os.Getenv("PATH"))
	command.Stdout, command.Stderr = t.Output(), t.Output()
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		command.Process.Signal(os.Interrupt)
		command.Wait()
	})

	event := events.APIGatewayV2HTTPRequest{
		Version: "2.0", RouteKey: "POST /api/cookies", RawPath: "/api/cookies",
		Headers: map[string]string{"x-origin-secret": s.OriginSecret(), "content-type": "application/json"},
		Body:    `{"path":"course-1"}`,
	}
	event.RequestContext.RequestID = "emulator"
	event.RequestContext.TimeEpoch = time.Now().UnixMilli()
	event.RequestContext.HTTP = events.APIGatewayV2HTTPRequestContextHTTPDescription{Method: "POST", Path: "/api/cookies"}
	event.RequestContext.Authorizer = &events.APIGatewayV2HTTPRequestContextAuthorizerDescription{
		JWT: &events.APIGatewayV2HTTPRequestContextAuthorizerJWTDescription{
			Claims: map[string]string{"sub": "subject-ada", "token_use": "id"},
		},
	}

	granted := invoke(t, address, event)
	if granted.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", granted.StatusCode, granted.Body)
	}
	var cookies []*http.Cookie
	for _, line := range granted.Cookies {
		c, err := http.ParseSetCookie(line)
		if err != nil {
			t.Fatal(err)
		}
		cookies = append(cookies, c)
	}
	watch(s, "/premium/course-1/sample/master.m3u8", "premium/course-1/sample", cookies)

	event.Headers["x-origin-secret"] = "wrong"
	if refused := invoke(t, address, event); refused.StatusCode != http.StatusForbidden {
		t.Errorf("with a wrong origin secret: %d %s", refused.StatusCode, refused.Body)
	}
}

// invoke sends an event to the emulator, which may still be starting.
func invoke(t *testing.T, address string, event any) (response events.APIGatewayV2HTTPResponse) {
	t.Helper()
	payload, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		r, err := http.Post("http://"+address+"/2015-03-31/functions/function/invocations", "application/json", bytes.NewReader(payload))
		if err != nil {
			time.Sleep(100 * time.Millisecond)
			continue
		}
		defer r.Body.Close()
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = json.Unmarshal(body, &response)
		}
		if err != nil || response.StatusCode == 0 {
			t.Fatalf("the emulator returned %s: %v", body, err)
		}
		return response
	}
	t.Fatal("the emulator failed to start")
	return response
}

// signerProcess returns the binary of the running signer and its environment
// without the address of the local runtime API.
func signerProcess(t *testing.T, s *site) (binary string, environment []string) {
	t.Helper()
	for _, id := range s.Processes() {
		folder := filepath.Join("/proc", strconv.Itoa(id))
		raw, err := os.ReadFile(filepath.Join(folder, "environ"))
		if err != nil {
			continue
		}
		environment = strings.Split(strings.Trim(string(raw), "\x00"), "\x00")
		if !slices.ContainsFunc(environment, func(v string) bool {
			name, ok := strings.CutPrefix(v, "AWS_LAMBDA_FUNCTION_NAME=")
			return ok && strings.Contains(name, "Signer") && !strings.Contains(name, "Check")
		}) {
			continue
		}
		if binary, err = os.Readlink(filepath.Join(folder, "exe")); err != nil {
			t.Fatal(err)
		}
		return binary, slices.DeleteFunc(environment, func(v string) bool {
			return strings.HasPrefix(v, "AWS_LAMBDA_RUNTIME_API=") || strings.HasPrefix(v, "PATH=")
		})
	}
	t.Skip("to run this test, use Linux: it reads the signer's environment from /proc")
	return "", nil
}
