package cloudformation

import (
	"archive/zip"
	"context"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"premiumhls/local/s3"
)

// BucketDeployment is the provider of Custom::CDKBucketDeployment. It does the
// work of the CDK's function of that name with the local buckets. Files without
// markers are served from the cloud assembly and not copied.
type BucketDeployment struct {
	Assets *Assets
	// Bucket finds a bucket by its name.
	Bucket func(name string) (*s3.Bucket, error)
	// Invalidate, unless nil, removes paths from the cache of the distribution
	// that the deployment names.
	Invalidate func(ctx context.Context, distributionID string, paths []string) error
	// Authorize, unless nil, decides what the CDK's function may do with its
	// role.
	Authorize func(functionARN, action, resource string) error
}

// Create puts the sources into the bucket.
func (d BucketDeployment) Create(ctx context.Context, resource Resource) (State, error) {
	return d.deploy(ctx, resource, "aws.cdk.s3deployment."+newUUID())
}

// Update puts the sources into the bucket again.
func (d BucketDeployment) Update(ctx context.Context, resource Resource, state State) (State, error) {
	return d.deploy(ctx, resource, state.PhysicalID)
}

// Delete keeps the objects: RetainOnDelete is the CDK's default, and the only
// supported behavior.
func (BucketDeployment) Delete(context.Context, Resource, State) error { return nil }

// bucketProperties are the properties of a deployment, all as strings.
type bucketProperties struct {
	sources        []source
	bucket         string
	prefix         string
	prune          bool
	exclude        []string
	include        []string
	systemMetadata map[string]string
	userMetadata   map[string]string
	distributionID string
	paths          []string
}

type source struct {
	bucket    string
	objectKey string
	markers   map[string]string
	escape    bool
}

func (d BucketDeployment) deploy(ctx context.Context, resource Resource, physicalID string) (State, error) {
	properties, err := parseBucketProperties(resource.Properties)
	if err != nil {
		return State{}, err
	}
	destination, err := d.Bucket(properties.bucket)
	if err != nil {
		return State{}, fmt.Errorf("finding the bucket %s: %w", properties.bucket, err)
	}
	authorize := func(action, resourceARN string) error {
		if d.Authorize == nil {
			return nil
		}
		return d.Authorize(fmt.Sprint(resource.Properties["ServiceToken"]), action, resourceARN)
	}
	objects := map[string]s3.Object{} // by path relative to the prefix
	for _, source := range properties.sources {
		if err := authorize("s3:GetObject", "arn:aws:s3:::"+source.bucket+"/"+source.objectKey); err != nil {
			return State{}, err
		}
		asset, err := d.Assets.Find(source.objectKey)
		if err != nil {
			return State{}, err
		}
		files, err := asset.files()
		if err != nil {
			return State{}, fmt.Errorf("reading the source %s: %w", asset.Path, err)
		}
		for name, object := range files {
			if objects[name], err = source.replace(object); err != nil {
				return State{}, fmt.Errorf("reading the source %s: %w", asset.Path, err)
			}
		}
	}
	if err := properties.sync(destination, objects, authorize); err != nil {
		return State{}, err
	}
	if properties.distributionID != "" && d.Invalidate != nil {
		distribution := "arn:aws:cloudfront::111122223333:distribution/" + properties.distributionID
		for _, action := range []string{"cloudfront:CreateInvalidation", "cloudfront:GetInvalidation"} {
			if err := authorize(action, distribution); err != nil {
				return State{}, err
			}
		}
		if err := d.Invalidate(ctx, properties.distributionID, properties.paths); err != nil {
			return State{}, fmt.Errorf("invalidating %s: %w", properties.distributionID, err)
		}
	}
	attributes := map[string]any{"SourceObjectKeys": []any{}}
	if keys, ok := resource.Properties["SourceObjectKeys"]; ok && fmt.Sprint(resource.Properties["OutputObjectKeys"]) != "false" {
		attributes["SourceObjectKeys"] = keys
	}
	if arn, ok := resource.Properties["DestinationBucketArn"]; ok {
		attributes["DestinationBucketArn"] = arn
	}
	return State{PhysicalID: physicalID, Attributes: attributes}, nil
}

// sync puts the objects under the prefix and deletes all others there, as
// `aws s3 sync --delete` does. It skips keys that the patterns exclude.
func (p bucketProperties) sync(destination *s3.Bucket, objects map[string]s3.Object, authorize func(action, resource string) error) error {
	if err := authorize("s3:ListBucket", destination.ARN()); err != nil { // to compare
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(objects)) {
		if !included(name, p.exclude, p.include) {
			continue
		}
		object := objects[name]
		object.ContentType = s3.ContentType(name)
		object.UserMetadata = p.userMetadata
		for field, value := range p.systemMetadata {
			switch field {
			case "content-type":
				object.ContentType = value
			case "cache-control":
				object.CacheControl = value
			case "content-disposition":
				object.ContentDisposition = value
			case "content-encoding":
				object.ContentEncoding = value
			case "content-language":
				object.ContentLanguage = value
			}
		}
		if err := authorize("s3:PutObject", destination.ARN()+"/"+p.prefix+name); err != nil {
			return err
		}
		if err := destination.Put(p.prefix+name, object); err != nil {
			return err
		}
	}
	if !p.prune {
		return nil
	}
	for _, key := range destination.List(p.prefix) {
		name := strings.TrimPrefix(key, p.prefix)
		if _, ok := objects[name]; !ok && included(name, p.exclude, p.include) {
			if err := authorize("s3:DeleteObject", destination.ARN()+"/"+key); err != nil {
				return err
			}
			destination.Delete(key)
		}
	}
	return nil
}

// replace replaces the source's markers by values.
func (s source) replace(object s3.Object) (s3.Object, error) {
	if len(s.markers) == 0 {
		return object, nil
	}
	content := object.Content
	if object.File != "" {
		file, err := os.OpenInRoot(object.Root, object.File)
		if err != nil {
			return s3.Object{}, err
		}
		defer file.Close()
		if content, err = io.ReadAll(file); err != nil {
			return s3.Object{}, err
		}
	}
	return s3.Object{Content: replaceMarkers(content, s.markers, s.escape)}, nil
}

// files are the files of an asset by slash-separated path.
func (a Asset) files() (map[string]s3.Object, error) {
	if a.Packaging == "zip" {
		return directoryFiles(a.Path)
	}
	return zipFiles(a.Path)
}

func directoryFiles(dir string) (map[string]s3.Object, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	files := map[string]s3.Object{}
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		info, err := root.Stat(name) // an error for a link out of dir
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() {
			return fmt.Errorf("%s is not a regular file", path)
		}
		files[filepath.ToSlash(name)] = s3.Object{Root: dir, File: name}
		return nil
	})
	return files, err
}

// maxUnzipped limits the unpacked size of a zip file, in bytes.
const maxUnzipped = 1 << 30

func zipFiles(name string) (map[string]s3.Object, error) {
	archive, err := zip.OpenReader(name)
	if err != nil {
		return nil, err
	}
	defer archive.Close()
	files := map[string]s3.Object{}
	left := int64(maxUnzipped)
	for _, entry := range archive.File {
		if strings.HasSuffix(entry.Name, "/") {
			continue
		}
		if !filepath.IsLocal(entry.Name) || path.Clean(entry.Name) != entry.Name || !entry.Mode().IsRegular() {
			return nil, fmt.Errorf("invalid entry %q: must be a file inside the archive", entry.Name)
		}
		content, err := readEntry(entry, left)
		if err != nil {
			return nil, fmt.Errorf("the entry %q: %w", entry.Name, err)
		}
		left -= int64(len(content))
		files[entry.Name] = s3.Object{Content: content}
	}
	return files, nil
}

func readEntry(entry *zip.File, most int64) ([]byte, error) {
	reader, err := entry.Open()
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	content, err := io.ReadAll(io.LimitReader(reader, most+1))
	if err == nil && int64(len(content)) > most {
		err = fmt.Errorf("the archive is too large: must unpack to at most %d bytes", maxUnzipped)
	}
	return content, err
}

// ignoredMetadata is system metadata without effect on responses to viewers.
var ignoredMetadata = []string{"acl", "sse", "sse-kms-key-id", "storage-class"}

func parseBucketProperties(properties map[string]any) (bucketProperties, error) {
	f := &fields{values: stringified(properties).(map[string]any)}
	p := bucketProperties{
		bucket:  f.text("DestinationBucketName", ""),
		prefix:  f.text("DestinationBucketKeyPrefix", ""),
		prune:   strings.EqualFold(f.text("Prune", "true"), "true"),
		exclude: f.texts("Exclude"), include: f.texts("Include"),
		userMetadata:   f.textMap("UserMetadata"),
		distributionID: f.text("DistributionId", ""),
		paths:          f.texts("DistributionPaths"),
	}
	metadata := f.textMap("SystemMetadata")
	keys, markers, config := f.texts("SourceObjectKeys"), f.maps("SourceMarkers"), f.maps("SourceMarkersConfig")
	for name, supported := range map[string]string{"Extract": "true", "RetainOnDelete": "true"} {
		if f.text(name, supported) != supported {
			f.fail("%s must be %s; nothing else is supported on this machine", name, supported)
		}
	}
	if p.bucket == "" {
		f.fail("DestinationBucketName is missing")
	}
	if len(keys) == 0 {
		f.fail("SourceObjectKeys is missing")
	}
	buckets := f.texts("SourceBucketNames")
	if buckets != nil && len(buckets) != len(keys) {
		f.fail("SourceBucketNames has %d entries for %d sources", len(buckets), len(keys))
	}
	for name, list := range map[string][]map[string]any{"SourceMarkers": markers, "SourceMarkersConfig": config} {
		if list != nil && len(list) != len(keys) {
			f.fail("%s has %d entries for %d sources", name, len(list), len(keys))
		}
	}
	if f.err != nil {
		return bucketProperties{}, f.err
	}
	for i, key := range keys {
		s := source{objectKey: key, markers: map[string]string{}}
		if buckets != nil {
			s.bucket = buckets[i]
		}
		if markers != nil {
			for name, value := range markers[i] {
				text, ok := value.(string)
				if !ok {
					return bucketProperties{}, fmt.Errorf("SourceMarkers[%d]: the value of %s is not a string", i, name)
				}
				s.markers[name] = text
			}
		}
		if config != nil {
			escape, _ := config[i]["jsonEscape"].(string)
			s.escape = strings.EqualFold(escape, "true")
		}
		p.sources = append(p.sources, s)
	}
	p.systemMetadata = map[string]string{}
	for name, value := range metadata {
		name = strings.ToLower(name)
		known := []string{"content-type", "cache-control", "content-disposition", "content-encoding", "content-language"}
		if !slices.Contains(known, name) && !slices.Contains(ignoredMetadata, name) {
			return bucketProperties{}, fmt.Errorf("SystemMetadata: %s is not supported on this machine", name)
		}
		p.systemMetadata[name] = value
	}
	if p.paths == nil {
		p.paths = []string{"/" + strings.TrimPrefix(strings.TrimSuffix(p.prefix, "/")+"/*", "/")}
	}
	// "/" is no prefix; any other ends in one slash, as the CLI makes it.
	if p.prefix == "/" {
		p.prefix = ""
	}
	if p.prefix != "" && !strings.HasSuffix(p.prefix, "/") {
		p.prefix += "/"
	}
	return p, nil
}

// fields reads properties and keeps the first error.
type fields struct {
	values map[string]any
	err    error
}

func (f *fields) fail(format string, args ...any) {
	if f.err == nil {
		f.err = fmt.Errorf(format, args...)
	}
}

func (f *fields) text(name, standard string) string {
	value, ok := f.values[name]
	if !ok {
		return standard
	}
	text, ok := value.(string)
	if !ok {
		f.fail("%s is not a string", name)
	}
	return text
}

func (f *fields) texts(name string) []string {
	var texts []string
	for _, value := range f.list(name) {
		text, ok := value.(string)
		if !ok {
			f.fail("%s is not a list of strings", name)
		}
		texts = append(texts, text)
	}
	return texts
}

func (f *fields) maps(name string) []map[string]any {
	var found []map[string]any
	for _, value := range f.list(name) {
		entry, ok := value.(map[string]any)
		if !ok {
			f.fail("%s is not a list of objects", name)
		}
		found = append(found, entry)
	}
	return found
}

func (f *fields) list(name string) []any {
	value, ok := f.values[name]
	if !ok {
		return nil
	}
	list, ok := value.([]any)
	if !ok {
		f.fail("%s is not a list", name)
	}
	return list
}

func (f *fields) textMap(name string) map[string]string {
	value, ok := f.values[name]
	if !ok {
		return nil
	}
	entries, ok := value.(map[string]any)
	if !ok {
		f.fail("%s is not an object", name)
	}
	texts := map[string]string{}
	for key, entry := range entries {
		text, ok := entry.(string)
		if !ok {
			f.fail("%s.%s is not a string", name, key)
		}
		texts[key] = text
	}
	return texts
}
