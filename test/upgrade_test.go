package test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"premiumhls/internal/cfn"
	"premiumhls/local/cloudformation"
)

// known are the types of resources that hold data, or that viewers' cookies,
// links and bookmarks name: an upgrade that replaces one loses data or refuses
// viewers.
var known = []string{
	"AWS::S3::Bucket", "AWS::DynamoDB::Table", "AWS::Cognito::UserPool", "AWS::Cognito::UserPoolClient", "AWS::Cognito::UserPoolDomain",
	"AWS::CloudFront::Distribution", "AWS::CloudFront::KeyGroup", "AWS::CloudFront::PublicKey", "AWS::KMS::Key",
}

// A stack of each release, in testdata/releases, is upgraded to this one while
// a viewer watches: nothing that holds data or is known to viewers is replaced,
// and nobody is refused.
func TestUpgrade(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: skipped in short mode")
	}
	releases, err := filepath.Glob("testdata/releases/*.json")
	if err != nil || len(releases) == 0 {
		t.Fatalf("there are no releases: %v", err)
	}
	for _, file := range releases {
		t.Run(filepath.Base(file), func(t *testing.T) {
			s := prepareSite(t, map[string]any{"viewerRequestsPerMinute": 0.0})
			if err := s.Deploy(t.Context(), release(t, file, s.Assembly.Template)); err != nil {
				t.Fatal(err)
			}
			before := len(s.Events())
			outputs, err := s.Outputs()
			if err != nil {
				t.Fatal(err)
			}

			var refused, served atomic.Int64
			stop := make(chan struct{})
			var watching sync.WaitGroup
			watching.Go(func() {
				cookies := s.Cookies("ada", "course-1")
				for {
					select {
					case <-stop:
						return
					case <-time.After(50 * time.Millisecond):
					}
					if r := s.Get("/premium/course-1/sample/360p/index.m3u8", cookies...); r.StatusCode == http.StatusOK {
						served.Add(1)
					} else {
						refused.Add(1)
						t.Logf("refused: %d %s", r.StatusCode, r.Bytes)
					}
				}
			})
			err = s.Deploy(t.Context(), s.Assembly.Template)
			time.Sleep(time.Second)
			close(stop)
			watching.Wait()
			if err != nil {
				t.Fatal(err)
			}
			if refused.Load() > 0 || served.Load() == 0 {
				t.Errorf("%d requests were served and %d refused", served.Load(), refused.Load())
			}

			types := map[string]string{} // of the release's resources
			for id, r := range release(t, file, s.Assembly.Template).Resources {
				types[id] = r.Type
			}
			for _, e := range s.Events()[before:] {
				if e.Action == cloudformation.Delete && slices.Contains(known, types[e.LogicalID]) {
					t.Errorf("the upgrade deletes or replaces %s, of type %s", e.LogicalID, types[e.LogicalID])
				}
			}
			now, err := s.Outputs()
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"Site", "Bucket", "Distribution", "DistributionDomain", "KeyGroup", "UserPool"} {
				if now[name] != outputs[name] || now[name] == "" {
					t.Errorf("output %s was %q, is %q", name, outputs[name], now[name])
				}
			}
		})
	}
}

// release reads a release's template. Its files are in no assembly any more:
// where it names an asset, it gets the one of today, and the uploader may write
// today's files.
func release(t *testing.T, file string, today *cfn.Template) *cfn.Template {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var document map[string]any
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	resources, _ := document["Resources"].(map[string]any)
	for id, r := range today.Resources {
		old, _ := resources[id].(map[string]any)
		properties, _ := old["Properties"].(map[string]any)
		if properties == nil || old["Type"] != r.Type {
			continue
		}
		if strings.HasPrefix(id, "UploaderRoleDefaultPolicy") {
			properties["PolicyDocument"] = r.Properties["PolicyDocument"]
		}
		for _, name := range []string{"Code", "SourceObjectKeys", "SourceBucketNames"} {
			if _, has := properties[name]; has {
				properties[name] = r.Properties[name]
			}
		}
	}
	if text, err = json.Marshal(document); err != nil {
		t.Fatal(err)
	}
	parsed, err := cfn.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}
