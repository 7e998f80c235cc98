package doctor

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"premiumhls/internal/link"
)

const apiPath = "/api/cookies"

// config is the page's configuration.
type config struct {
	PremiumPath string
	Links       bool // the API issues links
	Sample      bool // the page shows the sample's catalog if there is no other
	Stripe      bool // payment links get a reference
	EmailGrants bool // viewers claim what was granted to their address
	// AllowedOrigins are those of pages that can show the site's player.
	AllowedOrigins []string
	SignIn         struct {
		Issuer, ClientID, Scope string
		AuthorizationEndpoint   string
	}
}

// A video is an entry of the page's catalog.
type video struct {
	Title, Path, Playlist string
	Public                bool
}

// url is where a video's playlist is.
func (v *visit) url(of video) string {
	if of.Public {
		return "/" + of.Path + "/" + of.Playlist
	}
	return "/" + v.config.PremiumPath + "/" + of.Path + "/" + of.Playlist
}

// find is the first video of a kind in the catalog.
func (v *visit) find(public bool) (video, bool) {
	for _, c := range v.catalog {
		if c.Public == public {
			return c, true
		}
	}
	return video{}, false
}

func (v *visit) checkConfig(ctx context.Context) {
	const name = "configuration"
	err := v.readJSON(ctx, "/config.json", &v.config)
	switch {
	case err != nil:
		v.fail(name, reason(err), "The page needs config.json: deploy the stack again, which writes it, and check that nothing else has replaced it.")
	case v.config.PremiumPath == "" || v.config.SignIn.Issuer == "" || v.config.SignIn.ClientID == "":
		v.fail(name, "config.json has no premiumPath, signIn.issuer or signIn.clientId", "Deploy the stack again: it writes config.json.")
	default:
		v.ok(name, "premium videos below /"+v.config.PremiumPath+"/, sign-in at "+v.config.SignIn.Issuer)
	}
}

func (v *visit) checkCatalog(ctx context.Context) {
	const name = "catalog"
	var catalog struct{ Videos []video }
	path := "/catalog.json"
	err := v.readJSON(ctx, path, &catalog)
	if err != nil && v.config.Sample {
		path = "/sample/catalog.json"
		err = v.readJSON(ctx, path, &catalog)
	}
	if err != nil {
		v.fail(name, reason(err), "The page needs public/catalog.json in the bucket, with its list of videos: upload it.")
		return
	}
	v.catalog, v.catalogPath = catalog.Videos, path
	if len(v.catalog) == 0 {
		v.fail(name, "no videos", "List the videos in public/catalog.json.")
		return
	}
	v.ok(name, fmt.Sprintf("%d videos", len(v.catalog)))
}

func (v *visit) readJSON(ctx context.Context, path string, into any) error {
	a, err := v.get(ctx, path, nil)
	if err != nil {
		return err
	}
	if a.status != http.StatusOK {
		return fmt.Errorf("%s is %s", path, a)
	}
	if err := json.Unmarshal(a.body, into); err != nil {
		return fmt.Errorf("%s is not the JSON it must be", path)
	}
	return nil
}

// mostPlaylists bounds how many playlists are requested.
const mostPlaylists = 50

// checkCaching checks that the catalog and the public playlists have a
// Cache-Control header. Without one CloudFront caches them for the default of a
// day, and a changed file is stale for as long. Playlists behind signed cookies
// cannot be read from here, but for the one that checkViewer plays.
func (v *visit) checkCaching(ctx context.Context) {
	const name = "caching"
	if v.catalogPath == "" {
		v.skip(name, "there is no catalog")
		return
	}
	paths := []string{v.catalogPath}
	for _, c := range v.catalog {
		if c.Public && len(paths) <= mostPlaylists {
			paths = append(paths, v.url(c))
		}
	}
	var without []string
	for _, path := range paths {
		a, err := v.get(ctx, path, nil)
		if err != nil || a.status != http.StatusOK {
			continue // other checks report it
		}
		if a.header.Get("Cache-Control") == "" && a.header.Get("Expires") == "" {
			without = append(without, path)
		}
	}
	if len(without) > 0 {
		v.fail(name, "no Cache-Control: "+strings.Join(without, ", "),
			"CloudFront caches these files for a day, and browsers as long as they like: upload catalogs and playlists with aws s3 cp --cache-control max-age=10, or never change a file under its name.")
		return
	}
	v.ok(name, fmt.Sprintf("%d files have Cache-Control", len(paths)))
}

// checkTrailer plays what is for everyone.
func (v *visit) checkTrailer(ctx context.Context) {
	const name = "trailer"
	trailer, ok := v.find(true)
	if !ok {
		v.skip(name, "the catalog has no public video")
		return
	}
	found, err := v.play(ctx, v.url(trailer), nil)
	if err != nil {
		v.fail(name, reason(err), "A trailer must play without cookies: check that the file is below public/ in the bucket, and that no behavior with a key group matches its path.")
		return
	}
	v.ok(name, found)
}

// play fetches a playlist, the first of its renditions and the first segment.
func (v *visit) play(ctx context.Context, path string, header http.Header) (found string, err error) {
	steps := []string{}
	for range 4 { // master, media, segment, and one to spare
		a, err := v.get(ctx, path, header)
		if err != nil {
			return "", err
		}
		named := link.Redact(path) // for people
		if a.status != http.StatusOK {
			return "", fmt.Errorf("%s is %s", named, a)
		}
		steps = append(steps, named[strings.LastIndexByte(named, '/')+1:])
		if !bytes.HasPrefix(a.body, []byte("#EXTM3U")) {
			if strings.HasSuffix(named, ".m3u8") {
				return "", fmt.Errorf("%s is no playlist: it does not begin with #EXTM3U", named)
			}
			if len(a.body) == 0 {
				return "", fmt.Errorf("%s is empty", named)
			}
			return strings.Join(steps, ", ") + ": 200", nil
		}
		uri := firstURI(a.body)
		if uri == "" {
			return "", fmt.Errorf("%s names no file", named)
		}
		next, err := a.url.Parse(uri)
		if err != nil || next.Host != v.site.Host {
			return "", fmt.Errorf("%s leads to another host: %s", named, link.Redact(uri))
		}
		path = (&url.URL{Path: next.Path, RawPath: next.RawPath, RawQuery: next.RawQuery}).String()
	}
	return "", fmt.Errorf("%s is the fourth playlist in a row", link.Redact(path))
}

// firstURI is the first line of a playlist that is neither empty nor a tag.
func firstURI(playlist []byte) string {
	for line := range bytes.Lines(playlist) {
		if line = bytes.TrimSpace(line); len(line) > 0 && line[0] != '#' {
			return string(line)
		}
	}
	return ""
}

// checkRefusal checks that premium content is refused without cookies, and by
// the edge itself.
func (v *visit) checkRefusal(ctx context.Context) {
	const name = "premium without cookies"
	premium, ok := v.find(false)
	if v.config.PremiumPath == "" {
		v.skip(name, "the premium path is not known")
		return
	}
	path := v.url(premium)
	if !ok {
		path = "/" + v.config.PremiumPath + "/none.m3u8" // the edge refuses before it looks
	}
	a, err := v.get(ctx, path, nil)
	switch {
	case err != nil:
		v.fail(name, reason(err), "The site did not respond: run this again.")
	case a.status < 400:
		v.fail(name, path+" is "+a.String(), "Everyone can watch premium content: give the behavior /"+v.config.PremiumPath+"/* its key group again, and check that no behavior before it matches.")
	case a.byBucket() || a.status == http.StatusNotFound:
		v.fail(name, path+" is "+a.String()+", by the bucket", "The request reached the bucket, so the path needs no signature: give the behavior /"+v.config.PremiumPath+"/* its key group again, and check that no behavior before it matches.")
	case a.status != http.StatusForbidden || a.code() != "MissingKey":
		v.fail(name, path+" is "+a.String(), "CloudFront must refuse with 403 MissingKey: see whether a firewall, a geographic restriction or a page for errors answers in its place.")
	default:
		v.ok(name, a.String())
	}
}
