// Package linksettings defines the settings of the links function, for the
// stack that writes them and the function that reads them.
package linksettings

import (
	"errors"
	"time"

	"premiumhls/internal/premiumpath"
	"premiumhls/internal/setting"
	"premiumhls/internal/signingkey"
	"premiumhls/internal/strictjson"
)

// Variable is the environment variable that holds the document.
const Variable = "SETTINGS"

// A Document is the settings of the function.
type Document struct {
	Bucket          string   `json:"bucket"`          // of the videos
	PremiumPath     string   `json:"premiumPath"`     // the folder behind signed cookies and links
	ParameterPrefix string   `json:"parameterPrefix"` // of the stack's parameters
	AllowedOrigins  []string `json:"allowedOrigins"`  // whose pages may read playlists
	RefreshSeconds  int      `json:"refreshSeconds,omitempty" default:"300" min:"1" max:"3600"`
}

// Refresh is the longest age of the origin secret before it is read again.
func (d *Document) Refresh() time.Duration { return time.Duration(d.RefreshSeconds) * time.Second }

// Parse reads and checks a document. The error lists everything that is wrong.
func Parse(text string) (Document, error) {
	var d Document
	setting.SetDefaults(&d)
	if err := strictjson.Decode([]byte(text), &d); err != nil {
		return Document{}, err
	}
	errs := setting.Check(&d)
	if d.Bucket == "" {
		errs = append(errs, &setting.Error{Name: "bucket", Value: d.Bucket, Allowed: "not empty"})
	}
	if p, err := premiumpath.Parse(d.PremiumPath); err != nil || p.String() == "" {
		errs = append(errs, &setting.Error{Name: "premiumPath", Value: d.PremiumPath, Allowed: "a path without slashes at its ends"})
	}
	if !signingkey.IsParameter(d.ParameterPrefix) {
		errs = append(errs, &setting.Error{Name: "parameterPrefix", Value: d.ParameterPrefix, Allowed: "the beginning of parameter names, such as /PremiumHls"})
	}
	if len(errs) > 0 {
		return Document{}, errors.Join(errs...)
	}
	return d, nil
}
