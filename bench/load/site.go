package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path"
	"strings"

	"premiumhls/local/cloud"
	"premiumhls/local/cognito/forgery"
	"premiumhls/local/s3"
)

// A site is what viewers use: the sign-in, the page and the videos.
type site struct {
	client *http.Client
	origin string // http://localhost:8080
	signIn struct {
		ClientID              string
		Scope                 string
		AuthorizationEndpoint string
		TokenEndpoint         string
	}
	page    file
	trailer video
	courses [2]video
}

// A video is a master playlist, its media playlists and their segments.
type video struct {
	name      string // as in course-1
	playlists []file // the master is the first
	segments  []file
}

type file struct {
	url     string
	content []byte
}

// openSite reads the page's configuration as the page does, and the files from
// the bucket, to compare them with what the edge serves.
func openSite(ctx context.Context, client *http.Client, c *cloud.Cloud, host string) (*site, error) {
	s := &site{client: client, origin: "http://" + host}
	b, err := c.Bucket()
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, "GET", s.origin+"/config.json", nil)
	if err != nil {
		return nil, err
	}
	response, err := client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("reading the page's configuration: %w", err)
	}
	defer response.Body.Close()
	var config struct{ SignIn any }
	config.SignIn = &s.signIn
	if err := json.NewDecoder(response.Body).Decode(&config); err != nil {
		return nil, fmt.Errorf("reading the page's configuration: %w", err)
	}
	if s.signIn.TokenEndpoint == "" {
		return nil, fmt.Errorf("the page's configuration has no token endpoint: is jwtIssuer set?")
	}
	content, err := b.Read("public/index.html")
	if err != nil {
		return nil, err
	}
	s.page = file{s.origin + "/", content}
	if s.trailer, err = s.video(b, "public/trailers/sample", "/trailers/sample"); err != nil {
		return nil, err
	}
	for i := range s.courses {
		name := fmt.Sprintf("course-%d", i+1)
		if s.courses[i], err = s.video(b, "premium/"+name, "/premium/"+name); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *site) video(b *s3.Bucket, folder, url string) (video, error) {
	v := video{name: path.Base(folder)}
	for _, key := range b.List(folder + "/") {
		content, err := b.Read(key)
		if err != nil {
			return v, err
		}
		f := file{s.origin + url + strings.TrimPrefix(key, folder), content}
		switch {
		case path.Base(key) == "master.m3u8":
			v.playlists = append([]file{f}, v.playlists...)
		case path.Ext(key) == ".m3u8":
			v.playlists = append(v.playlists, f)
		case path.Ext(key) == ".ts":
			v.segments = append(v.segments, f)
		}
	}
	if len(v.playlists) < 2 || len(v.segments) == 0 {
		return v, fmt.Errorf("no video in %s: is sample false or premiumPath changed?", folder)
	}
	return v, nil
}

// forge returns a viewer's token without its signature.
func forge(token string) string {
	forged, err := forgery.Unsigned(token)
	if err != nil {
		return "forged" // not a token: the next request fails
	}
	return forged
}
