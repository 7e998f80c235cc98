package s3_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"premiumhls/local/s3"
)

// newClient starts a service with one bucket, videos, and returns the SDK's
// client of it. Over TLS the SDK sends what it writes in chunks.
func newClient(t *testing.T, service *s3.Service, tls bool) *awss3.Client {
	t.Helper()
	bucket := s3.New("videos", nil)
	service.Bucket = func(name string) (*s3.Bucket, bool) { return bucket, name == "videos" }
	service.Dir = t.TempDir()
	start := httptest.NewServer
	if tls {
		start = httptest.NewTLSServer
	}
	server := start(service)
	t.Cleanup(server.Close)
	return awss3.NewFromConfig(aws.Config{
		Region:       "us-east-1",
		Credentials:  credentials.NewStaticCredentialsProvider("x", "x", ""),
		HTTPClient:   server.Client(),
		BaseEndpoint: &server.URL,
		Retryer:      func() aws.Retryer { return aws.NopRetryer{} },
	}, func(o *awss3.Options) { o.UsePathStyle = true })
}

func code(err error) string {
	if err == nil {
		return ""
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return err.Error()
}

func put(t *testing.T, c *awss3.Client, key, content string, options ...func(*awss3.PutObjectInput)) (etag string, err error) {
	t.Helper()
	in := &awss3.PutObjectInput{Bucket: aws.String("videos"), Key: &key, Body: strings.NewReader(content)}
	for _, option := range options {
		option(in)
	}
	out, err := c.PutObject(t.Context(), in)
	if err != nil {
		return "", err
	}
	return *out.ETag, nil
}

func TestObjects(t *testing.T) {
	for _, tls := range []bool{false, true} {
		t.Run(fmt.Sprintf("tls=%t", tls), func(t *testing.T) {
			var made []s3.Created
			c := newClient(t, &s3.Service{Created: func(e s3.Created) { made = append(made, e) }}, tls)
			ctx, bucket := t.Context(), aws.String("videos")
			const key = "uploads/A b/ü+%?.mp4"
			for _, content := range []string{"hello", "", strings.Repeat("0123456789abcdef", 200_000)} {
				if _, err := put(t, c, key, content, func(in *awss3.PutObjectInput) {
					in.ContentType, in.CacheControl, in.Metadata = aws.String("video/mp4"), aws.String("max-age=5"), map[string]string{"Name": "x"}
				}); err != nil {
					t.Fatal(err)
				}
				out, err := c.GetObject(ctx, &awss3.GetObjectInput{Bucket: bucket, Key: aws.String(key)})
				if err != nil {
					t.Fatal(err)
				}
				got, err := io.ReadAll(out.Body)
				if err != nil || string(got) != content || aws.ToString(out.ContentType) != "video/mp4" || aws.ToString(out.CacheControl) != "max-age=5" ||
					aws.ToString(out.ContentEncoding) != "" || out.Metadata["name"] != "x" {
					t.Errorf("%d bytes, %+v, %v", len(got), out, err)
				}
				last := made[len(made)-1]
				if last.Bucket != "videos" || last.Key != key || last.Size != int64(len(content)) || last.Reason != "PutObject" || `"`+last.ETag+`"` != *out.ETag {
					t.Errorf("told of %+v", last)
				}
				if n := len(made); n > 1 && made[n-1].Sequencer <= made[n-2].Sequencer {
					t.Errorf("sequencers %s, %s", made[n-2].Sequencer, made[n-1].Sequencer)
				}
			}
			ranged, err := c.GetObject(ctx, &awss3.GetObjectInput{Bucket: bucket, Key: aws.String(key), Range: aws.String("bytes=16-19")})
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := io.ReadAll(ranged.Body); string(got) != "0123" {
				t.Errorf("range %q", got)
			}

			copied := aws.String("premium/copy.mp4")
			if _, err := c.CopyObject(ctx, &awss3.CopyObjectInput{Bucket: bucket, Key: copied, CopySource: aws.String("videos/uploads/A%20b/%C3%BC%2B%25%3F.mp4"),
				MetadataDirective: types.MetadataDirectiveReplace, CacheControl: aws.String("max-age=9"), ContentType: aws.String("video/iso.segment")}); err != nil {
				t.Fatal(err)
			}
			head, err := c.HeadObject(ctx, &awss3.HeadObjectInput{Bucket: bucket, Key: copied})
			if err != nil || *head.ContentLength != 3_200_000 || *head.CacheControl != "max-age=9" || *head.ContentType != "video/iso.segment" || len(head.Metadata) != 0 {
				t.Errorf("copy %+v, %v", head, err)
			}
			if _, err := c.CopyObject(ctx, &awss3.CopyObjectInput{Bucket: bucket, Key: copied, CopySource: aws.String("videos/missing")}); code(err) != "NoSuchKey" {
				t.Errorf("copy of nothing: %v", err)
			}

			if _, err := c.DeleteObject(ctx, &awss3.DeleteObjectInput{Bucket: bucket, Key: aws.String(key)}); err != nil {
				t.Error(err)
			}
			if _, err := c.GetObject(ctx, &awss3.GetObjectInput{Bucket: bucket, Key: aws.String(key)}); code(err) != "NoSuchKey" {
				t.Errorf("after deletion: %v", err)
			}
			if _, err := c.GetObjectTagging(ctx, &awss3.GetObjectTaggingInput{Bucket: bucket, Key: copied}); err == nil {
				t.Error("an operation that does not exist here succeeded")
			}
		})
	}
}

func TestConditionalWrites(t *testing.T) {
	c := newClient(t, &s3.Service{}, false)
	create := func(in *awss3.PutObjectInput) { in.IfNoneMatch = aws.String("*") }
	match := func(etag string) func(*awss3.PutObjectInput) {
		return func(in *awss3.PutObjectInput) { in.IfMatch = &etag }
	}
	if _, err := put(t, c, "a", "1", match(`"x"`)); code(err) != "NoSuchKey" {
		t.Errorf("If-Match of a missing object: %v", err)
	}
	var won atomic.Int32
	var wait sync.WaitGroup
	for range 20 {
		wait.Go(func() {
			if _, err := put(t, c, "a", "1", create); err == nil {
				won.Add(1)
			} else if code(err) != "PreconditionFailed" {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if won.Load() != 1 {
		t.Errorf("%d writers created the object", won.Load())
	}
	// Writers who read, add one and write if nothing changed lose nothing.
	for range 10 {
		wait.Go(func() {
			for {
				out, err := c.GetObject(context.Background(), &awss3.GetObjectInput{Bucket: aws.String("videos"), Key: aws.String("a")})
				if err != nil {
					t.Error(err)
					return
				}
				was, _ := io.ReadAll(out.Body)
				if _, err := put(t, c, "a", string(was)+"1", match(*out.ETag)); err == nil {
					return
				} else if code(err) != "PreconditionFailed" {
					t.Error(err)
					return
				}
			}
		})
	}
	wait.Wait()
	out, err := c.GetObject(t.Context(), &awss3.GetObjectInput{Bucket: aws.String("videos"), Key: aws.String("a")})
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := io.ReadAll(out.Body); len(got) != 11 {
		t.Errorf("%d of 11 writes are there", len(got))
	}
}

func TestListing(t *testing.T) {
	c := newClient(t, &s3.Service{}, false)
	want := map[string]bool{}
	for i := range 25 {
		key := fmt.Sprintf("x/%d/file %02d+é", i%3, i)
		want[key] = true
		if _, err := put(t, c, key, "x"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := put(t, c, "y", "x"); err != nil {
		t.Fatal(err)
	}
	pages := awss3.NewListObjectsV2Paginator(c, &awss3.ListObjectsV2Input{Bucket: aws.String("videos"), Prefix: aws.String("x/"), MaxKeys: aws.Int32(7)})
	var got []string
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range page.Contents {
			got = append(got, *o.Key)
			if *o.Size != 1 || *o.ETag == "" {
				t.Errorf("%+v", o)
			}
		}
	}
	if !slices.Equal(got, slices.Sorted(maps.Keys(want))) {
		t.Errorf("%q", got)
	}
	folders := awss3.NewListObjectsV2Paginator(c, &awss3.ListObjectsV2Input{Bucket: aws.String("videos"), Prefix: aws.String("x/"), Delimiter: aws.String("/"), MaxKeys: aws.Int32(1)})
	var prefixes []string
	for folders.HasMorePages() {
		page, err := folders.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range page.CommonPrefixes {
			prefixes = append(prefixes, *p.Prefix)
		}
	}
	if !slices.Equal(prefixes, []string{"x/0/", "x/1/", "x/2/"}) {
		t.Errorf("%q", prefixes)
	}
	deleted, err := c.DeleteObjects(t.Context(), &awss3.DeleteObjectsInput{Bucket: aws.String("videos"), Delete: &types.Delete{
		Objects: []types.ObjectIdentifier{{Key: &got[0]}, {Key: aws.String("never there")}}}})
	if err != nil || len(deleted.Deleted) != 2 {
		t.Errorf("%+v, %v", deleted, err)
	}
}

func TestMultipart(t *testing.T) {
	var made []s3.Created
	c := newClient(t, &s3.Service{Created: func(e s3.Created) { made = append(made, e) }}, false)
	ctx, bucket, key := t.Context(), aws.String("videos"), aws.String("film.mp4")
	content := make([]byte, 17<<20+5)
	source := rand.NewChaCha8([32]byte{1})
	_, _ = source.Read(content)
	if _, err := transfermanager.New(c).UploadObject(ctx, &transfermanager.UploadObjectInput{Bucket: bucket, Key: key, Body: bytes.NewReader(content), ContentType: aws.String("video/mp4")}); err != nil {
		t.Fatal(err)
	}
	out, err := c.GetObject(ctx, &awss3.GetObjectInput{Bucket: bucket, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(out.Body); err != nil || !bytes.Equal(got, content) {
		t.Errorf("%d bytes came back, %v", len(got), err)
	}
	if len(made) != 1 || made[0].Reason != "CompleteMultipartUpload" || !strings.HasSuffix(made[0].ETag, "-3") || made[0].Size != int64(len(content)) {
		t.Errorf("told of %+v", made)
	}

	begun, err := c.CreateMultipartUpload(ctx, &awss3.CreateMultipartUploadInput{Bucket: bucket, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	upload := func(number int32, size int) types.CompletedPart {
		out, err := c.UploadPart(ctx, &awss3.UploadPartInput{Bucket: bucket, Key: key, UploadId: begun.UploadId, PartNumber: &number, Body: bytes.NewReader(content[:size])})
		if err != nil {
			t.Fatal(err)
		}
		return types.CompletedPart{PartNumber: &number, ETag: out.ETag}
	}
	one, two := upload(1, 100), upload(2, 100)
	parts, err := c.ListParts(ctx, &awss3.ListPartsInput{Bucket: bucket, Key: key, UploadId: begun.UploadId})
	if err != nil || len(parts.Parts) != 2 || *parts.Parts[0].Size != 100 || *parts.Parts[1].ETag != *two.ETag {
		t.Errorf("%+v, %v", parts, err)
	}
	uploads, err := c.ListMultipartUploads(ctx, &awss3.ListMultipartUploadsInput{Bucket: bucket, Prefix: aws.String("film")})
	if err != nil || len(uploads.Uploads) != 1 || *uploads.Uploads[0].UploadId != *begun.UploadId {
		t.Errorf("%+v, %v", uploads, err)
	}
	wrong := types.CompletedPart{PartNumber: one.PartNumber, ETag: aws.String(`"00"`)}
	for want, list := range map[string][]types.CompletedPart{
		"EntityTooSmall": {one, two}, "InvalidPartOrder": {two, one}, "InvalidPart": {wrong}, "MalformedXML": {},
	} {
		_, err := c.CompleteMultipartUpload(ctx, &awss3.CompleteMultipartUploadInput{Bucket: bucket, Key: key, UploadId: begun.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: list}})
		if code(err) != want {
			t.Errorf("want %s: %v", want, err)
		}
	}
	if _, err := c.AbortMultipartUpload(ctx, &awss3.AbortMultipartUploadInput{Bucket: bucket, Key: key, UploadId: begun.UploadId}); err != nil {
		t.Error(err)
	}
	if _, err := c.ListParts(ctx, &awss3.ListPartsInput{Bucket: bucket, Key: key, UploadId: begun.UploadId}); code(err) != "NoSuchUpload" {
		t.Errorf("after the end: %v", err)
	}
}

func TestAuthorize(t *testing.T) {
	var asked []string
	service := &s3.Service{Authorize: func(_ *http.Request, action string, resources ...string) error {
		asked = append(asked, action+" "+strings.Join(resources, " "))
		return errors.New("no")
	}}
	c := newClient(t, service, false)
	ctx, bucket, key := t.Context(), aws.String("videos"), aws.String("a")
	calls := map[string]func() error{
		"s3:PutObject arn:aws:s3:::videos/a": func() error { _, err := put(t, c, "a", "x"); return err },
		"s3:GetObject arn:aws:s3:::videos/a": func() error { _, err := c.GetObject(ctx, &awss3.GetObjectInput{Bucket: bucket, Key: key}); return err },
		"s3:DeleteObject arn:aws:s3:::videos/a": func() error {
			_, err := c.DeleteObject(ctx, &awss3.DeleteObjectInput{Bucket: bucket, Key: key})
			return err
		},
		"s3:ListBucket arn:aws:s3:::videos": func() error { _, err := c.ListObjectsV2(ctx, &awss3.ListObjectsV2Input{Bucket: bucket}); return err },
	}
	for want, call := range calls {
		asked = nil
		if err := call(); code(err) != "AccessDenied" || len(asked) != 1 || asked[0] != want {
			t.Errorf("%s: asked %q, %v", want, asked, err)
		}
	}
}

// A body that is not what it says is refused.
func TestBrokenBodies(t *testing.T) {
	c := newClient(t, &s3.Service{}, false)
	base := aws.ToString(c.Options().BaseEndpoint)
	for name, tt := range map[string]struct {
		body   string
		header map[string]string
		status int
	}{
		"a wrong checksum":       {"hello", map[string]string{"X-Amz-Checksum-Crc32": "AAAAAA=="}, 400},
		"the right checksum":     {"hello", map[string]string{"X-Amz-Checksum-Crc32": "NhCmhg=="}, 200},
		"chunks":                 {"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n", map[string]string{"X-Amz-Content-Sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "X-Amz-Decoded-Content-Length": "5"}, 200},
		"a wrong trailer":        {"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n", map[string]string{"X-Amz-Content-Sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER"}, 400},
		"another decoded length": {"5\r\nhello\r\n0\r\n\r\n", map[string]string{"X-Amz-Content-Sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "X-Amz-Decoded-Content-Length": "6"}, 400},
		"a chunk cut off":        {"9\r\nhello", map[string]string{"X-Amz-Content-Sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER"}, 400},
		"no chunks":              {"hello", map[string]string{"X-Amz-Content-Sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER"}, 400},
		"signed chunks":          {"5;chunk-signature=0\r\nhello\r\n0;chunk-signature=0\r\n\r\n", map[string]string{"X-Amz-Content-Sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"}, 501},
	} {
		t.Run(name, func(t *testing.T) {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, base+"/videos/"+strings.ReplaceAll(name, " ", "-"), strings.NewReader(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			for k, v := range tt.header {
				request.Header.Set(k, v)
			}
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			body, _ := io.ReadAll(response.Body)
			if response.StatusCode != tt.status {
				t.Errorf("%d %s", response.StatusCode, body)
			}
		})
	}
}
