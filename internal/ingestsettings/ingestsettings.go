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

// Choices are the settings of cdk.json that the function acts on.
type Choices struct {
	SegmentSeconds int  `json:"segmentSeconds" default:"6" min:"2" max:"10" doc:"Length of a segment of an ingested film in seconds, an even number. Longer segments are fewer requests; Apple recommends 6. See [costs.md](costs.md)."`
	TopRendition   int  `json:"topRendition" default:"1080" oneof:"360 480 720 1080 1440 2160" doc:"Largest rendition of an ingested film, by its shorter side in pixels. No rendition is larger than the film."`
	HEVC           bool `json:"hevc" default:"false" doc:"Encode HEVC renditions beside those of H.264. They cost more to encode and less to deliver."`
	VersionDays    int  `json:"versionDays" default:"7" min:"1" max:"365" doc:"Days that a replaced version of a lesson stays for viewers who are watching it."`
}

// A Document is the settings of the function.
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
