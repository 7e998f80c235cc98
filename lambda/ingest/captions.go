package main

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/asticode/go-astisub"
	"golang.org/x/sync/errgroup"

	"premiumhls/internal/catalog"
	"premiumhls/internal/hls"
)

const (
	maxCaptions = 8 << 20 // bytes of one file
	maxCues     = 50_000
)

// readCaptions reads a file of captions. What is wrong with it is an
// errUnusable.
func (h *handler) readCaptions(ctx context.Context, o catalog.Object, format string) ([]hls.Cue, error) {
	content, _, err := h.bucket.get(ctx, o.Key, maxCaptions)
	if err != nil {
		return nil, err
	}
	return parseCaptions(content, format)
}

func parseCaptions(content []byte, format string) ([]hls.Cue, error) {
	content = bytes.TrimPrefix(content, []byte("\ufeff"))
	if !utf8.Valid(content) {
		return nil, unusable("The file is not UTF-8 text: save it as UTF-8.")
	}
	read := astisub.ReadFromSRT
	if format == "vtt" {
		read = astisub.ReadFromWebVTT
		if !bytes.HasPrefix(content, []byte("WEBVTT")) {
			return nil, unusable("The file does not begin with WEBVTT.")
		}
	}
	parsed, err := read(bytes.NewReader(content))
	if err != nil {
		return nil, unusable("The file is not %s: %v.", strings.ToUpper(format), err)
	}
	if len(parsed.Items) == 0 {
		return nil, unusable("The file has no captions.")
	}
	if len(parsed.Items) > maxCues {
		return nil, unusable("The file has %d captions: at most %d are read.", len(parsed.Items), maxCues)
	}
	var cues []hls.Cue
	for _, item := range parsed.Items {
		if item.StartAt < 0 || item.EndAt <= item.StartAt {
			return nil, unusable("The caption at %s ends before it begins.", item.StartAt)
		}
		var lines []string
		for _, line := range item.Lines {
			lines = append(lines, escapeCue(line.String()))
		}
		cues = append(cues, hls.Cue{Start: item.StartAt, End: item.EndAt, Text: strings.Join(lines, "\n")})
	}
	return cues, nil
}

// escapeCue writes plain text as WebVTT cue text. Styles are not kept: a player
// shows captions as its viewer likes them.
var escapeCue = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace

// writeCaptions cuts the captions of a lesson into segments below folder, and
// returns the renditions for the multivariant playlist.
func (h *handler) writeCaptions(ctx context.Context, r *catalog.Record, folder string, duration float64) (list []hls.Rendition, err error) {
	segment := time.Duration(h.settings.SegmentSeconds*captionSegments) * time.Second
	whole := time.Duration(duration * float64(time.Second))
	for _, language := range sortedKeys(r.Captions) {
		o := r.Captions[language]
		cues, err := h.readCaptions(ctx, o, strings.ToLower(o.Key[strings.LastIndexByte(o.Key, '.')+1:]))
		if err != nil {
			return nil, lost(o, err)
		}
		var segments []hls.Segment
		group, put := errgroup.WithContext(ctx)
		group.SetLimit(parallel)
		for i, text := range hls.CutCaptions(cues, segment, whole, 0) {
			name := fmt.Sprintf("captions_%s_%05d.vtt", language, i)
			group.Go(func() error {
				return h.bucket.put(put, folder+name, []byte(text), cacheForever, writeCondition{})
			})
			lasts := min(segment, whole-time.Duration(i)*segment)
			segments = append(segments, hls.Segment{Resource: hls.Resource{URI: name}, Duration: lasts.Seconds()})
		}
		if err := group.Wait(); err != nil {
			return nil, err
		}
		playlist := "captions_" + language + ".m3u8"
		if err := h.bucket.put(ctx, folder+playlist, []byte(hls.MediaPlaylist("", segments)), cacheForever, writeCondition{}); err != nil {
			return nil, err
		}
		list = append(list, hls.Rendition{URI: playlist, Name: catalog.LanguageName(language), Language: language})
	}
	return list, nil
}

// captionSegments is how many segments of video one of captions lasts: text is
// small, and each segment is a request.
const captionSegments = 10
