package cloudformation

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// Assets are the files that the CDK uploads for a stack, by object key.
type Assets struct {
	manifest string
	files    map[string]Asset
}

// Asset is a file or directory in the cloud assembly.
type Asset struct {
	Path string
	// Packaging is "zip" for a directory that is uploaded as a zip file, and
	// "file" for a file that is uploaded as it is.
	Packaging string
}

// ReadAssets reads a stack's asset manifest, <Stack>.assets.json in the
// directory of the cloud assembly.
func ReadAssets(manifest string) (*Assets, error) {
	assets := &Assets{files: map[string]Asset{}}
	return assets, assets.Add(manifest)
}

// Add adds the assets of another manifest. Those that are there stay, as in the
// CDK's bucket.
func (a *Assets) Add(manifest string) error {
	data, err := os.ReadFile(manifest)
	if err != nil {
		return fmt.Errorf("reading the asset manifest: %w", err)
	}
	var document struct {
		Files map[string]struct {
			Source struct {
				Path      string `json:"path"`
				Packaging string `json:"packaging"`
			} `json:"source"`
			Destinations map[string]struct {
				ObjectKey string `json:"objectKey"`
			} `json:"destinations"`
		} `json:"files"`
	}
	if err := json.Unmarshal(data, &document); err != nil {
		return fmt.Errorf("reading the asset manifest %s: %w", manifest, err)
	}
	a.manifest = manifest
	for id, file := range document.Files {
		if !filepath.IsLocal(file.Source.Path) {
			return fmt.Errorf("reading the asset manifest %s: the path of asset %s is outside the assembly", manifest, id)
		}
		if file.Source.Packaging != "zip" && file.Source.Packaging != "file" {
			return fmt.Errorf("reading the asset manifest %s: asset %s: unknown packaging %q", manifest, id, file.Source.Packaging)
		}
		for _, destination := range file.Destinations {
			a.files[destination.ObjectKey] = Asset{
				Path:      filepath.Join(filepath.Dir(manifest), file.Source.Path),
				Packaging: file.Source.Packaging,
			}
		}
	}
	return nil
}

// Find returns the asset with an object key.
func (a *Assets) Find(objectKey string) (Asset, error) {
	asset, ok := a.files[objectKey]
	if !ok {
		return Asset{}, fmt.Errorf("%s has no asset with the object key %q", a.manifest, objectKey)
	}
	return asset, nil
}
