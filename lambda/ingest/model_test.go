package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/mediaconvert"

	"premiumhls/internal/catalog"
	"premiumhls/internal/ingestsettings"
)

// modelFile holds the part of AWS's model of MediaConvert's API that jobs use.
// The newest Go module with the model itself is the SDK's first version:
//
//	dir=$(go mod download -json github.com/aws/aws-sdk-go@v1.55.8 | jq -r .Dir)
//	go test ./lambda/ingest -run TestJobAgainstModel -model $dir/models/apis/mediaconvert/2017-08-29/api-2.json
const modelFile = "testdata/mediaconvert-model.json"

var (
	wholeModel = flag.String("model", "", "write the part of this api-2.json that jobs use to "+modelFile)
	writeJob   = flag.Bool("update", false, "write "+jobFile)
)

// jobFile is an ordinary job as it is sent. The local MediaConvert's tests read
// it, too.
const jobFile = "testdata/job.json"

// A model is AWS's description of an API: what a request may hold.
type model struct {
	Source string           `json:"source"`
	Shapes map[string]shape `json:"shapes"`

	used map[string]bool // shapes that a document has needed
}

type shape struct {
	Type     string            `json:"type"`
	Members  map[string]member `json:"members,omitempty"`
	Required []string          `json:"required,omitempty"`
	Member   *member           `json:"member,omitempty"` // of a list
	Value    *member           `json:"value,omitempty"`  // of a map
	Enum     []string          `json:"enum,omitempty"`
	Min      *float64          `json:"min,omitempty"`
	Max      *float64          `json:"max,omitempty"`
	Pattern  string            `json:"pattern,omitempty"`
}

type member struct {
	Shape        string `json:"shape"`
	LocationName string `json:"locationName,omitempty"`
}

func readModel(t *testing.T, file string) *model {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	m := &model{used: map[string]bool{}}
	if err := json.Unmarshal(text, m); err != nil {
		t.Fatal(err)
	}
	return m
}

// check returns what is wrong with a value of a document.
func (m *model) check(path, name string, value any) (wrong []string) {
	add := func(format string, args ...any) {
		wrong = append(wrong, path+": "+fmt.Sprintf(format, args...))
	}
	s, ok := m.Shapes[name]
	if !ok {
		add("%s is not in %s: write it again with -model", name, modelFile)
		return wrong
	}
	m.used[name] = true
	between := func(what string, n float64) {
		if s.Min != nil && n < *s.Min || s.Max != nil && n > *s.Max {
			add("%s %v is not between %v and %v", what, n, deref(s.Min), deref(s.Max))
		}
	}
	switch s.Type {
	case "structure":
		object, ok := value.(map[string]any)
		if !ok {
			add("%v is not an object", value)
			return wrong
		}
		known := map[string]string{}
		for key, member := range s.Members {
			wire := member.LocationName
			if wire == "" {
				wire = key
			}
			known[wire] = member.Shape
			if _, given := object[wire]; !given && slices.Contains(s.Required, key) {
				add("%s is missing", wire)
			}
		}
		for key, value := range object {
			if shape, ok := known[key]; ok {
				wrong = append(wrong, m.check(path+"."+key, shape, value)...)
			} else {
				add("there is no member %s", key)
			}
		}
	case "list":
		list, ok := value.([]any)
		if !ok {
			add("%v is not a list", value)
		}
		between("its length", float64(len(list)))
		for i, value := range list {
			wrong = append(wrong, m.check(fmt.Sprintf("%s[%d]", path, i), s.Member.Shape, value)...)
		}
	case "map":
		object, ok := value.(map[string]any)
		if !ok {
			add("%v is not an object", value)
		}
		for key, value := range object {
			wrong = append(wrong, m.check(path+"."+key, s.Value.Shape, value)...)
		}
	case "string":
		text, ok := value.(string)
		if !ok {
			add("%v is not a string", value)
			return wrong
		}
		if len(s.Enum) > 0 && !slices.Contains(s.Enum, text) {
			add("%q is not one of %s", text, strings.Join(s.Enum, ", "))
		}
		between("the length", float64(utf8.RuneCountInString(text)))
		if s.Pattern != "" && !regexp.MustCompile(s.Pattern).MatchString(text) {
			add("%q does not match %s", text, s.Pattern)
		}
	case "integer", "long", "double":
		n, ok := value.(float64)
		if !ok || s.Type != "double" && n != math.Trunc(n) {
			add("%v is not a number of type %s", value, s.Type)
			return wrong
		}
		between("the value", n)
	case "boolean":
		if _, ok := value.(bool); !ok {
			add("%v is not true or false", value)
		}
	default:
		add("the model has the type %s, which this test does not know", s.Type)
	}
	return wrong
}

func deref(n *float64) any {
	if n == nil {
		return "any"
	}
	return *n
}

// extract writes the shapes that documents have needed, with all their members.
func (m *model) extract(t *testing.T) {
	t.Helper()
	part := model{Source: "github.com/aws/aws-sdk-go v1.55.8, models/apis/mediaconvert/2017-08-29/api-2.json, Apache License 2.0", Shapes: map[string]shape{}}
	for name := range m.used {
		part.Shapes[name] = m.Shapes[name]
	}
	text, err := json.MarshalIndent(part, "", "\t")
	if err == nil {
		err = os.WriteFile(modelFile, append(text, '\n'), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// wire is a job as the SDK sends it.
func wire(t *testing.T, in *mediaconvert.CreateJobInput) (document any) {
	t.Helper()
	var body []byte
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ = io.ReadAll(r.Body)
		w.WriteHeader(http.StatusCreated)
		io.WriteString(w, `{"job":{}}`)
	}))
	defer server.Close()
	client := mediaconvert.New(mediaconvert.Options{Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("x", "x", "")})
	if _, err := client.CreateJob(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(body, &document); err != nil {
		t.Fatal(err)
	}
	return document
}

// Every job that the function can order is one that AWS's model allows: no
// unknown member, none missing that is required, enumerations, ranges and
// patterns kept. That members and enumerations exist in the SDK's own, newer
// model is checked by the compiler.
func TestJobAgainstModel(t *testing.T) {
	file := modelFile
	if *wholeModel != "" {
		file = *wholeModel
	}
	m := readModel(t, file)
	sources := map[string]source{
		"full HD":             {Width: 1920, Height: 1080, FrameRate: 29.97, Duration: 600, Channels: 2},
		"8K":                  {Width: maxPixels, Height: 4320, FrameRate: 59.94, Duration: 600, Channels: 6},
		"portrait":            {Width: 1080, Height: 1920, FrameRate: 30, Duration: 600, Channels: 2},
		"tiny":                {Width: 2, Height: 2, FrameRate: 1, Duration: 0.04},
		"a long strip":        {Width: maxPixels, Height: 16, FrameRate: 25, Duration: 60},
		"a tall strip":        {Width: 16, Height: maxPixels, FrameRate: 25, Duration: 60},
		"wide":                {Width: maxPixels, Height: 368, FrameRate: 25, Duration: 60},
		"one frame a minute":  {Width: 640, Height: 360, FrameRate: 1.0 / 60, Duration: 600},
		"1000 frames":         {Width: 640, Height: 360, FrameRate: 1000, Duration: 1, Channels: 1},
		"twelve hours":        {Width: 640, Height: 360, FrameRate: 25, Duration: maxHours * 3600, Channels: 1},
		"HDR":                 {Width: 3840, Height: 2160, FrameRate: 24, Duration: 600, Channels: 8, HDR: true},
		"variable frame rate": {Width: 1920, Height: 1080, FrameRate: 27.3, Variable: true, Duration: 60, Channels: 64},
	}
	keys := []string{"uploads/Sailor's Knots/He said \"hi\" & it's.mp4", "uploads/Курс/Урок 1 – Café.mov", "uploads/c/" + strings.Repeat("l", 1000) + ".mkv", "uploads/c/a$dt$..b#?%41.webm"}
	for _, name := range slices.Sorted(maps.Keys(sources)) {
		s := sources[name]
		for i, key := range keys {
			h := &handler{settings: ingestsettings.Document{Stack: "PremiumHls", Bucket: "videos", PremiumPath: "premium", PublicFolder: "public", Role: "arn:aws:iam::111122223333:role/encoder"}, bucket: bucket{name: "videos"}}
			h.settings.SegmentSeconds, h.settings.TopRendition, h.settings.HEVC = []int{2, 6, 10, 4}[i], []int{1080, 2160, 360, 1440}[i], i%2 == 1
			r := &catalog.Record{Course: "course-1", Lesson: "intro", Film: &catalog.Object{Key: key}, Job: &catalog.Job{Version: "v20260101000000-abcdef01", Token: randomHex(16)}}
			r.Metadata.Language = []string{"", "pt-BR", "zh-Hant-TW", "sr-Latn"}[i]
			for _, wrong := range m.check("job", "CreateJobRequest", wire(t, h.job(r, s))) {
				t.Errorf("%s, %s: %s", name, key, wrong)
			}
		}
	}
	if *wholeModel != "" && !t.Failed() {
		m.extract(t)
	}
}

// What is ordered of a film in full HD, member by member.
func TestJobDocument(t *testing.T) {
	settings, err := ingestsettings.Parse(`{"stack":"PremiumHls","bucket":"videos","premiumPath":"premium","publicFolder":"public","role":"arn:aws:iam::111122223333:role/encoder"}`)
	if err != nil {
		t.Fatal(err)
	}
	h := &handler{settings: settings, bucket: bucket{name: "videos"}}
	r := &catalog.Record{Course: "course-1", Lesson: "intro", Film: &catalog.Object{Key: "uploads/Course 1/Intro.mp4"}, Job: &catalog.Job{Version: "v20260101000000-abcdef01", Token: "0123456789abcdef"}}
	got, err := json.MarshalIndent(wire(t, h.job(r, source{Width: 1920, Height: 1080, FrameRate: 30, Duration: 20, Channels: 2})), "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	if *writeJob {
		if err := os.WriteFile(jobFile, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(jobFile)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("the job has changed: look at it, and run go test ./lambda/ingest -run JobDocument -update; it is now\n%s", got)
	}
}

// The check can fail: each of these documents breaks one rule.
func TestModelCheck(t *testing.T) {
	m := readModel(t, modelFile)
	for document, says := range map[string]string{
		`{"settings":{}}`:                       "role is missing",
		`{"role":"r","settings":{}}`:            "",
		`{"role":1,"settings":{}}`:              "not a string",
		`{"role":"r","settings":[]}`:            "not an object",
		`{"role":"r","settings":{"x":1}}`:       "no member x",
		`{"role":"r","settings":{"inputs":{}}}`: "not a list",
		`{"role":"r","settings":{"inputs":[{"videoSelector":{"rotate":"UPSIDE_DOWN"}}]}}`:                              "not one of",
		`{"role":"r","settings":{"inputs":[{"fileInput":"/etc/passwd"}]}}`:                                             "does not match",
		`{"role":"r","settings":{"outputGroups":[{"outputs":[{"videoDescription":{"width":31}}]}]}}`:                   "between 32 and 8192",
		`{"role":"r","settings":{"outputGroups":[{"outputs":[{"videoDescription":{"width":64.5}}]}]}}`:                 "type integer",
		`{"role":"r","settings":{"outputGroups":[{"outputs":[{"nameModifier":"` + strings.Repeat("x", 257) + `"}]}]}}`: "length",
	} {
		var value any
		if err := json.Unmarshal([]byte(document), &value); err != nil {
			t.Fatal(err)
		}
		wrong := strings.Join(m.check("job", "CreateJobRequest", value), "; ")
		if says == "" && wrong != "" || !strings.Contains(wrong, says) {
			t.Errorf("%s: %q, want %q", document, wrong, says)
		}
	}
}
