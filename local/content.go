package local

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"premiumhls/local/cloud"
	"premiumhls/local/s3"
)

// A video is a folder with a playlist, found in the user's own HLS.
type video struct {
	Title    string `json:"title"`
	Path     string `json:"path"` // below the premium path
	Playlist string `json:"playlist"`
	folder   string // on this machine
}

var errNoPlaylist = errors.New("no .m3u8 playlist in it or in its subfolders, and no film")

// findVideos finds the folders below dir that hold HLS: those with a master
// playlist and, if neither they nor a parent have one, those with any playlist.
func findVideos(dir string) ([]video, error) {
	info, err := os.Stat(dir)
	if err != nil || !info.IsDir() {
		return nil, fmt.Errorf("--content: invalid value %s: must be a folder of HLS, with .m3u8 playlists, or of films", dir)
	}
	dir, err = filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	playlists := map[string][]string{} // by folder, masters first
	err = filepath.WalkDir(dir, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.EqualFold(filepath.Ext(file), ".m3u8") {
			return err
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		folder := filepath.Dir(file)
		if bytes.Contains(text, []byte("#EXT-X-STREAM-INF")) {
			playlists[folder] = slices.Insert(playlists[folder], 0, filepath.Base(file))
		} else {
			playlists[folder] = append(playlists[folder], filepath.Base(file))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("looking for HLS in %s: %w", dir, err)
	}
	if len(playlists) == 0 {
		return nil, fmt.Errorf("--content: invalid value %s: %w", dir, errNoPlaylist)
	}
	var folders []string
	for folder := range playlists {
		folders = append(folders, folder)
	}
	slices.Sort(folders)
	var videos []video
	for _, folder := range folders {
		if slices.ContainsFunc(videos, func(v video) bool { return strings.HasPrefix(folder, v.folder+string(filepath.Separator)) }) {
			continue // the renditions of the video above
		}
		within, err := filepath.Rel(filepath.Dir(dir), folder)
		if err != nil {
			return nil, err
		}
		videos = append(videos, video{
			Title:    filepath.Base(folder),
			Path:     urlPath(filepath.ToSlash(within)),
			Playlist: playlists[folder][0],
			folder:   folder,
		})
	}
	return videos, nil
}

// urlPath converts a folder name to the characters that a premium path allows.
func urlPath(folder string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', strings.ContainsRune("-._~/", r):
			return r
		}
		return '-'
	}, folder)
}

// sell puts videos below the bucket's premium path, and lists them in the page's
// catalog instead of the sample.
func sell(c *cloud.Cloud, premiumPath string, videos []video) error {
	b, err := c.Bucket()
	if err != nil {
		return err
	}
	for _, v := range videos {
		if _, err := b.PutDir(path.Join(premiumPath, v.Path)+"/", v.folder, nil); err != nil {
			return fmt.Errorf("reading %s: %w", v.folder, err)
		}
	}
	catalog, err := json.Marshal(map[string]any{"videos": videos})
	if err != nil {
		return fmt.Errorf("writing the catalog: %w", err)
	}
	return b.Put("public/catalog.json", s3.Object{Content: catalog, ContentType: "application/json", CacheControl: "no-cache"})
}
