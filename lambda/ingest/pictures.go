package main

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/draw"
	"image/jpeg"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"premiumhls/internal/catalog"
	"premiumhls/internal/hls"
)

const (
	maxPoster     = catalog.MaxBeside
	maxPosterSide = 8192 // pixels
	sheetColumns  = 5
	sheetRows     = 5
	maxThumb      = 1 << 20 // bytes of one
)

// readPoster reads an owner's poster. What is wrong with it is an errUnusable.
func (h *handler) readPoster(ctx context.Context, o catalog.Object) ([]byte, error) {
	content, _, err := h.bucket.get(ctx, o.Key, maxPoster)
	if err != nil {
		return nil, err
	}
	config, err := jpeg.DecodeConfig(bytes.NewReader(content))
	if err != nil {
		return nil, unusable("The file is not a JPEG picture.")
	}
	if config.Width > maxPosterSide || config.Height > maxPosterSide {
		return nil, unusable("The picture has %d × %d pixels: a side has at most %d.", config.Width, config.Height, maxPosterSide)
	}
	return content, nil
}

// storyboard composes sheets of the thumbnails that a job took, and writes them
// and their index below folder.
func (h *handler) storyboard(ctx context.Context, e catalog.Encode, stills []string, folder string, duration float64) error {
	thumbs := make([]image.Image, len(stills))
	group, get := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for i, key := range stills {
		group.Go(func() error {
			content, _, err := h.bucket.get(get, key, maxThumb)
			if err != nil {
				return err
			}
			if thumbs[i], err = jpeg.Decode(bytes.NewReader(content)); err != nil {
				return fmt.Errorf("reading %s: %w", key, err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	board := hls.Storyboard{
		Columns: sheetColumns, Rows: sheetRows, Width: e.ThumbWidth, Height: e.ThumbHeight,
		Interval: time.Duration(e.Interval) * time.Second, Pictures: len(thumbs), Duration: time.Duration(duration * float64(time.Second)),
	}
	const perSheet = sheetColumns * sheetRows
	for from := 0; from < len(thumbs); from += perSheet {
		name := fmt.Sprintf("storyboard_%03d.jpg", from/perSheet)
		sheet, err := compose(thumbs[from:min(from+perSheet, len(thumbs))], e.ThumbWidth, e.ThumbHeight)
		if err != nil {
			return err
		}
		if err := h.bucket.put(ctx, folder+name, sheet, cacheForever, writeCondition{}); err != nil {
			return err
		}
		board.Sheets = append(board.Sheets, name)
	}
	return h.bucket.put(ctx, folder+storyboardName, []byte(board.WebVTT()), cacheForever, writeCondition{})
}

const storyboardName = "storyboard.vtt"

// compose lays pictures out in rows, from left to right.
func compose(pictures []image.Image, width, height int) ([]byte, error) {
	rows := (len(pictures) + sheetColumns - 1) / sheetColumns
	sheet := image.NewRGBA(image.Rect(0, 0, sheetColumns*width, rows*height))
	for i, picture := range pictures {
		at := image.Rect(0, 0, width, height).Add(image.Pt(i%sheetColumns*width, i/sheetColumns*height))
		draw.Draw(sheet, at, picture, picture.Bounds().Min, draw.Src)
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, sheet, &jpeg.Options{Quality: 75}); err != nil {
		return nil, fmt.Errorf("composing a storyboard: %w", err)
	}
	return b.Bytes(), nil
}

// thumbnails are the keys of the thumbnails of an encode, in order.
func thumbnails(entries []entry, folder string) (keys []string) {
	for _, e := range entries {
		if strings.HasPrefix(e.key, folder+stillsFolder+thumbName+".") {
			keys = append(keys, e.key) // S3 lists by name, which has seven digits
		}
	}
	return keys
}
