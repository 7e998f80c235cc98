// Package ingestsettings defines the settings of the ingest function, for the
// stack that writes them and the function that reads them.
package ingestsettings

import (
	"errors"

	"premiumhls/internal/setting"
	"premiumhls/internal/strictjson"
)

// Variable is the environment variable that holds the document.
const Variable = "SETTINGS"

// Choices are the members of the setting ingest of cdk.json.
type Choices struct {
	// SegmentSeconds is how long a segment lasts. Longer ones are fewer
	// requests; Apple recommends 6.
	SegmentSeconds int `json:"segmentSeconds" default:"6" min:"2" max:"10"`
	// TopRendition is the largest rendition, by its shorter side in pixels.
	TopRendition int `json:"topRendition" default:"1080" min:"360" max:"2160"`
	// HEVC adds HEVC renditions beside those of H.264.
	HEVC bool `json:"hevc" default:"false"`
	// VersionDays is how long a replaced version is kept for viewers who watch
	// it.
	VersionDays int `json:"versionDays" default:"7" min:"1" max:"365"`
	// SourceDays is how long the owner's own film is kept after its upload. 0
	// keeps it.
	SourceDays int `json:"sourceDays" default:"0" min:"0" max:"3650"`
}

// A Document is everything the function is told at its start.
type Document struct {
	Choices
	Stack        string `json:"stack"`        // its name, which tells its jobs from others of the account
	Bucket       string `json:"bucket"`       // of films and videos
	PremiumPath  string `json:"premiumPath"`  // the folder behind signed cookies
	PublicFolder string `json:"publicFolder"` // the folder that everyone reads, and that URLs leave out
	Role         string `json:"role"`         // the ARN of MediaConvert's role
	Distribution string `json:"distribution"` // its id
}

// Parse reads and checks a document. The error lists everything that is wrong.
func Parse(text string) (Document, error) {
	var d Document
	setting.SetDefaults(&d)
	if err := strictjson.Decode([]byte(text), &d); err != nil {
		return Document{}, err
	}
	errs := setting.Check(&d)
	for name, value := range map[string]string{"stack": d.Stack, "bucket": d.Bucket, "premiumPath": d.PremiumPath, "publicFolder": d.PublicFolder, "role": d.Role} {
		if value == "" {
			errs = append(errs, &setting.Error{Name: name, Value: value, Allowed: "not empty"})
		}
	}
	if d.SegmentSeconds%2 != 0 {
		errs = append(errs, &setting.Error{Name: "segmentSeconds", Value: d.SegmentSeconds, Allowed: "an even number, since key frames are two seconds apart"})
	}
	if len(errs) > 0 {
		return Document{}, errors.Join(errs...)
	}
	return d, nil
}
