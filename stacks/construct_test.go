package stacks_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"premiumhls/internal/cfn"
	"premiumhls/stacks"
	"premiumhls/stacks/assets"
	"premiumhls/stacks/settings"
)

// An app of another module uses the construct from a copy of this module that it
// must not write to. Its two sites share no name, it prints nothing, and it
// builds the functions and the page although it runs elsewhere.
func TestConstructInAnotherModule(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: skipped in short mode")
	}
	root, err := assets.Root(".")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	module, shop := filepath.Join(dir, "module"), filepath.Join(dir, "shop")
	copyModule(t, module, root)
	before := tree(t, module)

	goMod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	_, requirements, _ := strings.Cut(string(goMod), "\n")
	write(t, filepath.Join(shop, "go.mod"), "module example.com/shop\n"+requirements+
		"\nrequire premiumhls v0.0.0\nreplace premiumhls => "+module+"\n")
	copyFile(t, filepath.Join(shop, "go.sum"), filepath.Join(root, "go.sum"))
	copyFile(t, filepath.Join(shop, "main.go"), filepath.Join("testdata", "shop", "main.go"))

	out := filepath.Join(dir, "cdk.out")
	command := exec.CommandContext(t.Context(), "go", "run", "-mod=mod", ".")
	command.Dir = shop
	command.Env = append(os.Environ(), "CDK_OUTDIR="+out, "XDG_CACHE_HOME="+filepath.Join(dir, "cache"), "GOCACHE="+goCache(t), "GOWORK=off", "GOFLAGS=")
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	if len(output) > 0 {
		t.Errorf("it prints %q", output)
	}
	if after := tree(t, module); !slices.Equal(before, after) {
		t.Errorf("the module was written to: %q, was %q", after, before)
	}
	if files := tree(t, shop); len(files) != 3 {
		t.Errorf("the app's folder was written to: %q", files)
	}

	names := map[string]map[string]bool{}
	for _, stack := range []string{"Courses", "Films"} {
		template, err := cfn.Read(filepath.Join(out, stack+".template.json"))
		if err != nil {
			t.Fatal(err)
		}
		names[stack] = physicalNames(template)
		if len(names[stack]) < 8 {
			t.Errorf("%s has the names %v", stack, slices.Sorted(maps.Keys(names[stack])))
		}
	}
	for name := range names["Courses"] {
		if names["Films"][name] {
			t.Errorf("both sites have %s", name)
		}
	}

	films, err := cfn.Read(filepath.Join(out, "Films.template.json"))
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, r := range films.Resources {
		count[r.Type]++
	}
	for resourceType, want := range map[string]int{"AWS::S3::Bucket": 1, "AWS::DynamoDB::Table": 1, "AWS::Cognito::UserPool": 0, "AWS::Cognito::UserPoolClient": 1, "AWS::S3::BucketPolicy": 1} {
		if count[resourceType] != want {
			t.Errorf("the site with existing resources has %d of %s, want %d", count[resourceType], resourceType, want)
		}
	}
	all := text(films.Resources)
	for _, want := range []string{`{"Ref":"Sold`, `"company-logs.s3.`, `{"Fn::ImportValue":"FilmsCertificate"}`, `eu-central-1_abcdefghi`} {
		if !strings.Contains(all, want) {
			t.Errorf("nothing refers to %s", want)
		}
	}
	var waits, policies []string
	for id, r := range films.Resources {
		switch r.Type {
		case "AWS::S3::BucketPolicy":
			policies = append(policies, id)
		case "Custom::DeployCheck":
			waits = r.DependsOn
		}
	}
	for _, id := range policies {
		if !slices.Contains(waits, id) {
			t.Errorf("the deploy check waits for %v, and not for %s", waits, id)
		}
	}
	if _, ok := films.Outputs["Site"]; !ok {
		t.Error("no output Site")
	}
}

// Mistakes in props panic, as those of other constructs do, with an error that
// names each.
func TestConstructRefuses(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: skipped in short mode")
	}
	app := awscdk.NewApp(&awscdk.AppProps{Outdir: jsii.String(t.TempDir()), AnalyticsReporting: jsii.Bool(false)})
	stack := awscdk.NewStack(app, jsii.String("Courses"), nil)
	refused := func(id string, props *stacks.PremiumHLSProps) (err error) {
		defer func() { err, _ = recover().(error) }()
		stacks.NewPremiumHLS(stack, &id, props)
		return nil
	}
	for _, test := range []struct {
		name, setting string
		props         stacks.PremiumHLSProps
	}{
		{"a lifetime of zero", "cookieMinutes", stacks.PremiumHLSProps{CookieMinutes: jsii.Number(0)}},
		{"a fraction", "cookieMinutes", stacks.PremiumHLSProps{CookieMinutes: jsii.Number(1.5)}},
		{"a key with a wildcard", "signingKeys", stacks.PremiumHLSProps{SigningKeys: &[]settings.SigningKey{{Name: "*"}}}},
		{"a name with a slash", "stackName", stacks.PremiumHLSProps{Name: jsii.String("a/b")}},
		{"an ARN of another region", "certificateArn", stacks.PremiumHLSProps{DomainNames: jsii.Strings("a.example.com"), CertificateArn: jsii.String("arn:aws:acm:eu-west-1:111122223333:certificate/a")}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var invalid *settings.Error
			if err := refused("Site", &test.props); !errors.As(err, &invalid) || invalid.Name != test.setting {
				t.Errorf("it says %v", err)
			}
		})
	}
	if err := refused("Site", nil); err != nil {
		t.Fatal(err)
	}
	if err := refused("Another", nil); err == nil {
		t.Error("a stack has two sites, which share a function with the role of the first")
	}
}

// physicalNames returns the names that resources are given, with their types.
func physicalNames(template *cfn.Template) map[string]bool {
	named := regexp.MustCompile(`^(Name|DashboardName|LogGroupName|ParameterName|Domain|FunctionName|RoleName|AlarmName|BucketName|TableName)$`)
	// Types whose names are unique within a database, workgroup or API only.
	within := []string{"AWS::Glue::Table", "AWS::Athena::NamedQuery", "AWS::ApiGatewayV2::Authorizer"}
	found := map[string]bool{}
	var walk func(of string, v any)
	walk = func(of string, v any) {
		m, ok := v.(map[string]any)
		if !ok {
			return
		}
		for key, v := range m {
			// A reference is the name of another resource.
			reference := regexp.MustCompile(`^\{"(Ref|Fn::GetAtt)"`).MatchString(text(v))
			if named.MatchString(key) && !reference && !slices.Contains(within, of) {
				found[fmt.Sprintf("%s %s %s", of, key, text(v))] = true
			}
			walk(of, v)
		}
	}
	for _, r := range template.Resources {
		walk(r.Type, r.Properties)
	}
	for _, o := range template.Outputs {
		if export := text(o); strings.Contains(export, `"Export":{`) {
			found[export] = true
		}
	}
	return found
}

func copyModule(t *testing.T, to, from string) {
	t.Helper()
	for _, name := range []string{"go.mod", "go.sum"} {
		copyFile(t, filepath.Join(to, name), filepath.Join(from, name))
	}
	for _, name := range []string{"internal", "lambda", "player", "signedcookie", "stacks"} {
		err := filepath.WalkDir(filepath.Join(from, name), func(path string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if entry.IsDir() {
				if entry.Name() == "node_modules" {
					return filepath.SkipDir
				}
				return nil
			}
			relative, err := filepath.Rel(from, path)
			if err != nil {
				return err
			}
			copyFile(t, filepath.Join(to, relative), path)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	readOnly := func(path string, mode fs.FileMode) {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	var folders []string
	if err := filepath.WalkDir(to, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			folders = append(folders, path)
		} else if err == nil {
			readOnly(path, 0o444)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders {
		readOnly(folder, 0o555)
		t.Cleanup(func() { readOnly(folder, 0o755) })
	}
}

// tree lists files with their sizes and times.
func tree(t *testing.T, dir string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			files = append(files, fmt.Sprint(path, " ", info.Size(), " ", info.ModTime()))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func goCache(t *testing.T) string {
	t.Helper()
	output, err := exec.CommandContext(t.Context(), "go", "env", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(bytes.TrimSpace(output))
}

func copyFile(t *testing.T, to, from string) {
	t.Helper()
	content, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	write(t, to, string(content))
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
