package assembly

import (
	"bytes"
	"encoding/json"
	"flag"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"premiumhls/stacks/assets"
	"premiumhls/stacks/stacktest"
)

var update = flag.Bool("update", false, "replace the committed cloud assembly by what the CDK synthesizes now")

func TestMain(m *testing.M) { stacktest.Main(m) }

// The committed assembly is what the CDK synthesizes, and its digest is that of
// this source. Run go generate ./local/assembly to take it as it is.
func TestCommittedAssemblyIsCurrent(t *testing.T) {
	noRegion(t)
	root, values, s, err := read(nil, localDefaults)
	if err != nil {
		t.Fatal(err)
	}
	synthesized := stacktest.SynthesizeExactly(t, values)
	want := reduced(t, synthesized, s.StackName)
	sum, err := digest(root, values)
	if err != nil {
		t.Fatal(err)
	}
	want[digestFile] = []byte(sum + "\n")
	folder := filepath.Join(root, committed)
	if *update {
		if err := os.RemoveAll(folder); err != nil {
			t.Fatal(err)
		}
		for name, content := range want {
			file := filepath.Join(folder, name)
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, content, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	compare(t, files(t, folder), want)
	if !isCurrent(root, values) {
		t.Error("the committed assembly is not used")
	}
	if t.Failed() {
		t.Log("If the change is meant, run go generate ./local/assembly")
	}
}

// A local run with default settings gets the committed template, and the page
// and the sample that a synthesis stages.
func TestPrepareTakesTheCommittedAssembly(t *testing.T) {
	noRegion(t)
	root, values, s, err := read(nil, localDefaults)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	file, _, err := Prepare(t.Context(), folder, nil, quietly)
	if err != nil {
		t.Fatal(err)
	}
	got := files(t, folder)
	if got["cdk.out"] != nil { // as every synthesis writes
		t.Fatal("it is synthesized")
	}
	if name, err := filepath.Rel(folder, file); err != nil || got[name] == nil {
		t.Errorf("there is no template %s: %v", file, err)
	}
	for name, content := range files(t, filepath.Join(root, committed)) {
		if !bytes.Equal(got[name], content) {
			t.Errorf("%s is not the committed one", name)
		}
	}
	synthesized := stacktest.SynthesizeExactly(t, values)
	for _, a := range manifest(t, filepath.Join(synthesized.Dir, s.StackName+".assets.json")).Files {
		if at := laidOut[a.DisplayName]; at != "" {
			compare(t, files(t, filepath.Join(folder, at)), files(t, filepath.Join(synthesized.Dir, a.Source.Path)))
		}
	}
}

func TestPrepareSynthesizesOtherSettings(t *testing.T) {
	noRegion(t)
	folder := t.TempDir()
	file, s, err := Prepare(t.Context(), folder, Changes{"cookieMinutes": "17"}, quietly)
	if err != nil {
		t.Fatal(err)
	}
	template, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if s.CookieMinutes != 17 || !bytes.Contains(template, []byte(`\"cookieMinutes\":17`)) || !s.Entitlements.Table {
		t.Errorf("settings %+v, and the template has cookieMinutes 17: %t", s, bytes.Contains(template, []byte(`\"cookieMinutes\":17`)))
	}
}

// Whatever the template follows from, a change of it is noticed.
func TestChangeIsNotServedFromTheCommittedAssembly(t *testing.T) {
	noRegion(t)
	from, values, _, err := read(nil, localDefaults)
	if err != nil {
		t.Fatal(err)
	}
	names, err := sources(from)
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	put := func(t *testing.T, name string, content []byte) {
		t.Helper()
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range names {
		content, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			t.Fatal(err)
		}
		put(t, name, content)
	}
	for _, folder := range listed {
		if err := os.CopyFS(filepath.Join(root, folder), os.DirFS(filepath.Join(from, folder))); err != nil {
			t.Fatal(err)
		}
	}
	sum, err := digest(root, values)
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(committed, digestFile), []byte(sum+"\n"))
	if !isCurrent(root, values) {
		t.Fatal("a copy of the source is not current")
	}
	for _, name := range []string{"app.go", "go.mod", "go.sum", "player/vendor.json", "stacks/signer.go", "stacks/queries/grants.sql", "stacks/settings/settings.go", "internal/signersettings/settings.go", "signedcookie/key.go",
		"stacks/new.go", "player/page/new.js", "player/sample/premium/course-3/new.ts"} {
		t.Run("changed "+name, func(t *testing.T) {
			was, err := os.ReadFile(filepath.Join(root, name))
			put(t, name, append(slices.Clone(was), "// changed\n"...))
			if isCurrent(root, values) {
				t.Error("the committed assembly is used")
			}
			if err == nil {
				put(t, name, was)
			} else if err := os.RemoveAll(filepath.Join(root, name)); err != nil {
				t.Fatal(err)
			}
		})
	}
	if err := os.RemoveAll(filepath.Join(root, "player/sample/premium/course-3")); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]any{"cookieMinutes": 17.0, "signingKeys": []any{"2026-12"}, "entitlements": "claim", "@aws-cdk/core:newStyleStackSynthesis": false} {
		t.Run("set "+name, func(t *testing.T) {
			changed := maps.Clone(values)
			changed[name] = value
			if isCurrent(root, changed) {
				t.Error("the committed assembly is used")
			}
		})
	}
	t.Run("a region of the environment", func(t *testing.T) {
		t.Setenv("CDK_DEFAULT_REGION", "eu-central-1")
		if isCurrent(root, values) {
			t.Error("the committed assembly is used")
		}
	})
	for name, content := range map[string][]byte{"the page's content": []byte("<p>"), "a test": []byte("package stacks")} {
		t.Run("same with "+name, func(t *testing.T) {
			put(t, map[string]string{"the page's content": "player/page/index.html", "a test": "stacks/new_test.go"}[name], content)
			if !isCurrent(root, values) {
				t.Error("the committed assembly is not used")
			}
		})
	}
	if err := os.Remove(filepath.Join(root, committed, digestFile)); err != nil {
		t.Fatal(err)
	}
	if isCurrent(root, values) {
		t.Error("without a digest, the committed assembly is used")
	}
}

// Every file of this module that the app is compiled from is in the digest.
func TestDigestCoversTheApp(t *testing.T) {
	root, err := assets.Root(".")
	if err != nil {
		t.Fatal(err)
	}
	covered, err := sources(root)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "list", "-deps", "-json=Dir,Module,GoFiles,OtherFiles,EmbedFiles", ".")
	cmd.Dir = root
	output, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for decoder := json.NewDecoder(bytes.NewReader(output)); decoder.More(); {
		var p struct {
			Dir                             string
			Module                          *struct{ Main bool }
			GoFiles, OtherFiles, EmbedFiles []string
		}
		if err := decoder.Decode(&p); err != nil {
			t.Fatal(err)
		}
		if p.Module == nil || !p.Module.Main {
			continue
		}
		for _, name := range slices.Concat(p.GoFiles, p.OtherFiles, p.EmbedFiles) {
			file, err := filepath.Rel(root, filepath.Join(p.Dir, name))
			if err != nil {
				t.Fatal(err)
			}
			if checked++; !slices.Contains(covered, file) {
				t.Errorf("%s is not in the digest", file)
			}
			content, err := os.ReadFile(filepath.Join(root, file))
			if err != nil {
				t.Fatal(err)
			}
			for _, match := range getenv.FindAllSubmatch(content, -1) {
				if !slices.Contains(environment, string(match[1])) {
					t.Errorf("%s reads the variable %q, which is not in the digest", file, match[1])
				}
			}
		}
	}
	if checked == 0 {
		t.Error("no file was checked")
	}
}

var getenv = regexp.MustCompile(`os\.(?:Getenv|LookupEnv)\("?(\w*)`)

// noRegion clears what the CDK's command line would set.
func noRegion(t *testing.T) {
	for _, name := range environment {
		t.Setenv(name, "")
	}
}

func quietly(_ string, do func() error) error { return do() }

// laidOut are the assets that a local run lays out itself, and their folders.
var laidOut = map[string]string{"Default/StagedPage": pageFolder, "Default/SamplePlaylists/Asset1": sampleFolder}

// copied are the assets that are committed, and their folders: what the
// template's values are put into.
var copied = map[string]string{"Default/Page/Asset2": "config", "Default/Probe/Asset1": "probe"}

type destination struct {
	ObjectKey string `json:"objectKey"`
}

type asset struct {
	DisplayName string `json:"displayName"`
	Source      struct {
		Path      string `json:"path"`
		Packaging string `json:"packaging"`
	} `json:"source"`
	Destinations map[string]destination `json:"destinations"`
}

type assetManifest struct {
	Files map[string]asset `json:"files"`
}

func manifest(t *testing.T, file string) (m assetManifest) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	if err != nil {
		t.Fatal(err)
	}
	return m
}

var hash = regexp.MustCompile(`[0-9a-f]{64}`)

// reduced returns what of a synthesized assembly is committed: the template and
// the assets that a local run reads, under names that do not change with their
// content.
func reduced(t *testing.T, a stacktest.Assembly, stack string) map[string][]byte {
	t.Helper()
	kept, out := assetManifest{map[string]asset{}}, map[string][]byte{}
	var known []string // object keys in the template
	template, err := os.ReadFile(a.File)
	if err != nil {
		t.Fatal(err)
	}
	for id, found := range manifest(t, filepath.Join(a.Dir, stack+".assets.json")).Files {
		folder := laidOut[found.DisplayName] + copied[found.DisplayName]
		if folder == "" {
			continue
		}
		if copied[found.DisplayName] != "" {
			for name, content := range files(t, filepath.Join(a.Dir, found.Source.Path)) {
				out[filepath.Join(folder, name)] = content
			}
		}
		for _, d := range found.Destinations {
			known = append(known, d.ObjectKey)
		}
		found.Source.Path, found.Destinations = folder, map[string]destination{"bucket": {folder + ".zip"}}
		kept.Files[folder] = found
		template = bytes.ReplaceAll(template, []byte(id), []byte(folder))
	}
	if got, want := len(kept.Files), len(laidOut)+len(copied); got != want {
		t.Fatalf("%d of the %d assets are in the manifest: has one another name?", got, want)
	}
	// No other asset is read: those of functions, which the local run builds or
	// stands in for.
	template = hash.ReplaceAll(template, []byte("HASH"))
	for id, r := range a.Template.Resources {
		keys, _ := r.Properties["SourceObjectKeys"].([]any)
		for _, key := range keys {
			if key, _ := key.(string); !slices.Contains(known, key) {
				t.Errorf("the asset %s of %s is not in the committed manifest", key, id)
			}
		}
	}
	out[stack+".template.json"] = indented(t, template)
	text, err := json.Marshal(kept)
	if err != nil {
		t.Fatal(err)
	}
	out[stack+".assets.json"] = indented(t, text)
	return out
}

func indented(t *testing.T, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := json.Indent(&b, text, "", " "); err != nil {
		t.Fatal(err)
	}
	b.WriteByte('\n')
	return b.Bytes()
}

// files reads the files below a folder, by their paths in it.
func files(t *testing.T, folder string) map[string][]byte {
	t.Helper()
	found := map[string][]byte{}
	err := fs.WalkDir(os.DirFS(folder), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		found[name], err = os.ReadFile(filepath.Join(folder, name))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func compare(t *testing.T, got, want map[string][]byte) {
	t.Helper()
	for name, content := range want {
		if !bytes.Equal(got[name], content) {
			t.Errorf("%s differs, or is missing", name)
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%s is too much", name)
		}
	}
}
