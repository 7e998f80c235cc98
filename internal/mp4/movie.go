package mp4

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
)

// A Movie is what the header of a film says.
type Movie struct {
	Duration float64 // seconds, of the longest track
	Tracks   []Track
}

// A Track is one track of a film.
type Track struct {
	Kind     string // "video", "audio", or another handler's four characters
	Codec    string // the sample entry's four characters, such as avc1, hvc1, mp4a
	Duration float64

	// Of video.
	Width, Height int     // in square pixels, before rotation
	HDR           bool    // high dynamic range: PQ or HLG
	Rotation      int     // degrees clockwise that a player turns it: 0, 90, 180 or 270
	FrameRate     float64 // the average, in frames a second
	Variable      bool    // frames last differently long

	// Of audio.
	Channels int
}

// The most that is read of a file: its header is larger only in films of days.
const (
	maxBoxes = 64
	maxMoov  = 64 << 20
)

// ErrNotMovie reports a file that is no MP4 or QuickTime film, or one whose
// header is missing because it was cut off or is still being written.
var ErrNotMovie = errors.New("no film header (moov) was found: the file is incomplete, or not an MP4 or QuickTime film")

// ReadMovie reads the header of a film of the given size in bytes. It reads
// the boxes' own headers and the box moov, wherever in the file they are.
func ReadMovie(r io.ReaderAt, size int64) (Movie, error) {
	var at int64
	for range maxBoxes {
		var header [16]byte
		n, err := r.ReadAt(header[:min(16, max(size-at, 0))], at)
		if err != nil && !errors.Is(err, io.EOF) {
			return Movie{}, err
		}
		if n < 8 {
			return Movie{}, ErrNotMovie
		}
		length, skip := int64(binary.BigEndian.Uint32(header[:])), int64(8)
		switch {
		case length == 0:
			length = size - at
		case length == 1 && n == 16:
			length, skip = int64(binary.BigEndian.Uint64(header[8:])), 16
		}
		if length < skip || length > size-at {
			return Movie{}, ErrNotMovie
		}
		if string(header[4:8]) == "moov" {
			if length > maxMoov {
				return Movie{}, fmt.Errorf("the film's header has %d bytes: at most %d are read", length, maxMoov)
			}
			moov := make([]byte, length-skip)
			if _, err := r.ReadAt(moov, at+skip); err != nil && !errors.Is(err, io.EOF) {
				return Movie{}, err
			}
			return parseMovie(moov)
		}
		at += length
	}
	return Movie{}, ErrNotMovie
}

func parseMovie(moov []byte) (Movie, error) {
	var m Movie
	err := boxes(moov, func(kind string, content []byte) error {
		if kind != "trak" {
			return nil
		}
		t, err := parseTrack(content)
		if err != nil {
			return err
		}
		m.Tracks = append(m.Tracks, t)
		m.Duration = max(m.Duration, t.Duration)
		return nil
	})
	return m, err
}

func parseTrack(trak []byte) (t Track, err error) {
	mdia, err := child(trak, "mdia")
	if err != nil {
		return t, err
	}
	hdlr, err := child(mdia, "hdlr")
	if err != nil {
		return t, err
	}
	if len(hdlr) < 12 {
		return t, errors.New("the box hdlr is too short")
	}
	switch kind := string(hdlr[8:12]); kind {
	case "vide":
		t.Kind = "video"
	case "soun":
		t.Kind = "audio"
	default:
		t.Kind = strings.TrimSpace(kind)
	}
	mdhd, err := child(mdia, "mdhd")
	if err != nil {
		return t, err
	}
	timescale, duration, err := mediaTimes(mdhd)
	if err != nil {
		return t, err
	}
	if timescale > 0 {
		t.Duration = float64(duration) / float64(timescale)
	}
	table := mdia
	for _, kind := range []string{"minf", "stbl"} {
		if table, err = child(table, kind); err != nil {
			return t, err
		}
	}
	if err := t.sampleEntry(table); err != nil {
		return t, err
	}
	if t.Kind != "video" {
		return t, nil
	}
	tkhd, err := child(trak, "tkhd")
	if err != nil {
		return t, err
	}
	t.Rotation = rotation(tkhd)
	return t, t.frames(table, timescale)
}

// mediaTimes reads the box mdhd: units a second, and the duration in them.
func mediaTimes(mdhd []byte) (timescale, duration uint64, err error) {
	switch {
	case len(mdhd) >= 32 && mdhd[0] == 1:
		return uint64(binary.BigEndian.Uint32(mdhd[20:])), binary.BigEndian.Uint64(mdhd[24:]), nil
	case len(mdhd) >= 20 && mdhd[0] == 0:
		return uint64(binary.BigEndian.Uint32(mdhd[12:])), uint64(binary.BigEndian.Uint32(mdhd[16:])), nil
	}
	return 0, 0, errors.New("the box mdhd is too short")
}

func (t *Track) sampleEntry(table []byte) error {
	stsd, err := child(table, "stsd")
	if err != nil {
		return err
	}
	if len(stsd) < 8 {
		return errors.New("the box stsd is too short")
	}
	return boxes(stsd[8:], func(kind string, entry []byte) error {
		if t.Codec != "" {
			return nil // a second description of the same track
		}
		t.Codec = kind
		switch {
		case t.Kind == "video" && len(entry) >= 28:
			t.Width, t.Height = int(binary.BigEndian.Uint16(entry[24:])), int(binary.BigEndian.Uint16(entry[26:]))
			const fields = 78 // of a VisualSampleEntry
			if len(entry) > fields {
				t.picture(entry[fields:])
			}
		case t.Kind == "audio" && len(entry) >= 18:
			t.Channels = int(binary.BigEndian.Uint16(entry[16:]))
			// QuickTime's entries are longer, and have what follows elsewhere.
			const fields = 28
			if kind != "mp4a" || len(entry) < fields || binary.BigEndian.Uint16(entry[8:]) != 0 {
				return nil
			}
			if esds, err := child(entry[fields:], "esds"); err == nil {
				if _, channels, err := audioConfig(esds); err == nil && channels > 0 {
					t.Channels = channels
				}
			}
		}
		return nil
	})
}

// picture reads what follows the fields of a video's description: the shape of
// its pixels and its colors (ISO/IEC 14496-12, 12.1.4 and 12.1.5). Without them,
// or with ones that cannot be read, pixels are square and colors ordinary.
func (t *Track) picture(extensions []byte) {
	if pasp, err := child(extensions, "pasp"); err == nil && len(pasp) >= 8 {
		h, v := binary.BigEndian.Uint32(pasp), binary.BigEndian.Uint32(pasp[4:])
		// A picture is never more than four times as wide as it is coded.
		if h > 0 && v > 0 && h/v < 4 && v/h < 4 {
			t.Width = int(math.Round(float64(t.Width) * float64(h) / float64(v)))
		}
	}
	if colr, err := child(extensions, "colr"); err == nil && len(colr) >= 8 && (string(colr[:4]) == "nclx" || string(colr[:4]) == "nclc") {
		// ITU-T H.273, table 3: 16 is PQ, 18 is HLG.
		transfer := binary.BigEndian.Uint16(colr[6:])
		t.HDR = transfer == 16 || transfer == 18
	}
}

// rotation reads the matrix of the box tkhd (ISO/IEC 14496-12, 8.3.2). Only
// quarter turns are understood; what else a matrix does is not done.
func rotation(tkhd []byte) int {
	at := 40 // version 0: times, id, reserved, duration, reserved, layer, group, volume, reserved
	if len(tkhd) > 0 && tkhd[0] == 1 {
		at = 52
	}
	if len(tkhd) < at+20 {
		return 0
	}
	a := int32(binary.BigEndian.Uint32(tkhd[at:]))
	b := int32(binary.BigEndian.Uint32(tkhd[at+4:]))
	degrees := math.Atan2(float64(b), float64(a)) * 180 / math.Pi
	return (int(math.Round(degrees/90))*90 + 360) % 360
}

// frames reads how long frames last, from the box stts.
func (t *Track) frames(table []byte, timescale uint64) error {
	stts, err := child(table, "stts")
	if err != nil {
		return err
	}
	if len(stts) < 8 {
		return errors.New("the box stts is too short")
	}
	entries := stts[8:]
	count := int(binary.BigEndian.Uint32(stts[4:]))
	if len(entries)/8 < count {
		return errors.New("the box stts is too short")
	}
	var frames, units, shortest, longest uint64
	for i := range count {
		n, delta := uint64(binary.BigEndian.Uint32(entries[8*i:])), uint64(binary.BigEndian.Uint32(entries[8*i+4:]))
		frames += n
		units += n * delta
		if i == count-1 && n == 1 && count > 1 {
			continue // the last frame often lasts differently
		}
		if shortest == 0 || delta < shortest {
			shortest = delta
		}
		longest = max(longest, delta)
	}
	if units > 0 {
		t.FrameRate = float64(frames) * float64(timescale) / float64(units)
	}
	// Rounding to units of time makes frames of a fixed rate differ by one.
	t.Variable = longest > shortest+1
	return nil
}
