package local

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"premiumhls/internal/catalog"
	"premiumhls/internal/videos"
	"premiumhls/local/cloud"
	"premiumhls/local/iam"
)

// films uploads what appears in a folder, as an owner does with premium upload,
// and prints what becomes of it.
type films struct {
	dir  string
	site *videos.Site
	out  io.Writer
	// every is the time between two looks at the folder. A file that does not
	// change from one look to the next is complete.
	every time.Duration
	// encoder is the program that MediaConvert's stand-in runs.
	encoder string

	seen, done map[string]string // stamps of files, by path
	complaints map[string]bool   // what was printed once
	following  sync.WaitGroup
}

func newFilms(c *cloud.Cloud, dir, url string, out io.Writer) (*films, error) {
	outputs, err := c.Outputs()
	if err != nil {
		return nil, err
	}
	owner := credentials.NewStaticCredentialsProvider(iam.Owner.AccessKeyID, iam.Owner.SecretAccessKey, iam.Owner.SessionToken)
	site, err := videos.NewLocal("us-east-1", c.Endpoints(), outputs, owner)
	if err != nil {
		return nil, err
	}
	site.URL = url
	return &films{dir: dir, site: site, out: out, every: 2 * time.Second, encoder: "ffmpeg"}, nil
}

// findCourses finds the folders with films: the folder itself and those in it.
func findCourses(dir string) (folders []string) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil // findVideos reports it
	}
	candidates := []string{dir}
	for _, entry := range entries {
		if entry.IsDir() && !strings.HasPrefix(entry.Name(), ".") {
			candidates = append(candidates, filepath.Join(dir, entry.Name()))
		}
	}
	for _, folder := range candidates {
		entries, _ := os.ReadDir(folder)
		if slices.ContainsFunc(entries, func(e os.DirEntry) bool { return e.Type().IsRegular() && videos.IsFilm(e.Name()) }) {
			folders = append(folders, folder)
		}
	}
	return folders
}

// watch uploads what is there and what comes, until ctx is canceled.
func (f *films) watch(ctx context.Context) {
	f.seen, f.done, f.complaints = map[string]string{}, map[string]string{}, map[string]bool{}
	defer f.following.Wait()
	for {
		for _, folder := range findCourses(f.dir) {
			f.look(ctx, folder)
		}
		select {
		case <-time.After(f.every):
		case <-ctx.Done():
			return
		}
	}
}

// complain prints a sentence once.
func (f *films) complain(sentence string) {
	if !f.complaints[sentence] {
		f.complaints[sentence] = true
		fmt.Fprintln(f.out, sentence)
	}
}

// look uploads the files of a course that are new and complete.
func (f *films) look(ctx context.Context, folder string) {
	files, _, err := videos.Find(folder, filepath.Base(folder))
	if err != nil {
		f.complain(err.Error())
	}
	for _, file := range files {
		info, err := os.Stat(file.Path)
		if err != nil {
			continue // removed meanwhile
		}
		stamp := fmt.Sprint(info.Size(), info.ModTime().UnixNano())
		if f.done[file.Path] == stamp {
			continue
		}
		if f.seen[file.Path] != stamp {
			f.seen[file.Path] = stamp
			continue
		}
		f.done[file.Path] = stamp
		isFilm := file.Upload.Kind == catalog.Film
		if _, err := exec.LookPath(f.encoder); err != nil && isFilm {
			f.complain(f.encoder + " is not installed, or not on the PATH: install it to encode films, then start again.")
			continue
		}
		since := time.Now()
		err = videos.Uploader{Site: f.site}.Upload(ctx, &file, func(int64) {})
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			fmt.Fprintln(f.out, err)
			continue
		}
		if isFilm {
			f.following.Go(func() { f.follow(ctx, file, since) })
		}
	}
}

// follow prints how far a lesson is.
func (f *films) follow(ctx context.Context, file videos.File, since time.Time) {
	path, last := file.Upload.Path(), ""
	r, err := videos.Follower{Site: f.site, Every: f.every / 2}.Wait(ctx, file, since, func(r catalog.Record) {
		text := string(r.State)
		if r.State == catalog.Encoding && r.Job != nil {
			text = fmt.Sprintf("%s %d%%", r.State, r.Job.Percent/10*10) // ten lines for a film
		}
		if text != last && (r.State == catalog.Encoding || r.State == catalog.Publishing) {
			fmt.Fprintf(f.out, "%s: %s\n", path, text)
		}
		last = text
	})
	switch {
	case ctx.Err() != nil:
		return
	case err != nil:
		fmt.Fprintf(f.out, "%s: %v\n", path, err)
	case r.State == catalog.Failed:
		fmt.Fprintf(f.out, "%s: failed: %s\n", path, r.Reason)
	case r.State == catalog.Playing:
		fmt.Fprintf(f.out, "%s: plays at %s\n", path, f.site.PageURL(path))
	default:
		fmt.Fprintf(f.out, "%s: %s\n", path, r.State)
	}
	for _, note := range r.Notes {
		fmt.Fprintf(f.out, "%s: note: %s\n", path, note)
	}
}
