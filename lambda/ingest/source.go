package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/mediaconvert"
	"github.com/aws/aws-sdk-go-v2/service/mediaconvert/types"
	"github.com/aws/smithy-go"

	"premiumhls/internal/catalog"
	"premiumhls/internal/ingestsettings"
	"premiumhls/internal/mp4"
)

// A source is what is known of a film before it is encoded.
type source struct {
	Width, Height int // as a player shows it, after rotation
	FrameRate     float64
	Variable      bool // frames last differently long
	HDR           bool // high dynamic range, which is encoded as standard range
	Duration      float64
	Channels      int // of the first audio track; 0: no audio
}

// errUnusable is a film that no retry will make better. Its text is a sentence
// for the owner.
type errUnusable struct{ sentence string }

func (e *errUnusable) Error() string { return e.sentence }

func unusable(format string, args ...any) error { return &errUnusable{fmt.Sprintf(format, args...)} }

// What is encoded: MediaConvert takes and makes pictures of these sides.
const (
	maxHours  = 12
	maxPixels = 8192 // of a side
	minSide   = 32   // pixels of a side that is made; a film of fewer is enlarged
	maxSide   = 4096 // pixels of the longer side that is made in H.264
)

// describe finds out what a film is. MP4 and QuickTime headers are read here,
// since MediaConvert's Probe says nothing of rotation; Matroska and WebM are
// left to Probe.
func (h *handler) describe(ctx context.Context, film catalog.Object, format string) (source, error) {
	if film.Size == 0 {
		return source{}, unusable("The file is empty.")
	}
	var s source
	var err error
	switch format {
	case "mp4", "mov":
		s, err = h.readHeader(ctx, film)
		if err == nil && s.Width > 0 && (s.Duration <= 0 || s.FrameRate <= 0) {
			// In fragments, as recorders write films: the header says nothing of
			// them.
			header := s
			if s, err = h.probe(ctx, film); err == nil {
				s.Width, s.Height, s.HDR = header.Width, header.Height, header.HDR // after rotation
			}
		}
	default:
		s, err = h.probe(ctx, film)
	}
	if err != nil {
		return source{}, err
	}
	switch {
	case s.Width == 0 || s.Height == 0:
		return source{}, unusable("The file has no video.")
	case s.Width > maxPixels || s.Height > maxPixels:
		return source{}, unusable("The video is %d × %d pixels: a side has at most %d.", s.Width, s.Height, maxPixels)
	case s.Duration <= 0:
		return source{}, unusable("The video has no length: the file is incomplete.")
	case s.Duration > maxHours*3600:
		return source{}, unusable("The video is longer than %d hours.", maxHours)
	case s.FrameRate <= 0:
		return source{}, unusable("The video has no frames.")
	}
	return s, nil
}

func (h *handler) readHeader(ctx context.Context, film catalog.Object) (source, error) {
	movie, err := mp4.ReadMovie(h.bucket.reader(ctx, film), film.Size)
	var failed *readError
	switch {
	case errors.As(err, &failed) && code(failed) == "NoSuchKey":
		return source{}, errFileGone
	case errors.As(err, &failed) && code(failed) == "PreconditionFailed":
		return source{}, errReplaced
	case errors.As(err, &failed):
		return source{}, failed
	case errors.Is(err, mp4.ErrNotMovie):
		return source{}, unusable("The file is not an MP4 or QuickTime film, or it is incomplete.")
	case err != nil:
		return source{}, unusable("The film's header cannot be read: %v.", err)
	}
	s := source{Duration: movie.Duration}
	for _, t := range movie.Tracks {
		switch {
		case t.Kind == "video" && s.Width == 0:
			s.Width, s.Height, s.FrameRate, s.Variable, s.HDR = t.Width, t.Height, t.FrameRate, t.Variable, t.HDR
			if t.Rotation%180 != 0 {
				s.Width, s.Height = s.Height, s.Width
			}
		case t.Kind == "audio" && s.Channels == 0:
			s.Channels = max(t.Channels, 1)
		}
	}
	return s, nil
}

// code is the code of an AWS error; empty if it is none.
func code(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return ""
}

// probe asks MediaConvert. A file that it refuses is the owner's to replace.
func (h *handler) probe(ctx context.Context, film catalog.Object) (source, error) {
	out, err := h.convert.Probe(ctx, &mediaconvert.ProbeInput{
		InputFiles: []types.ProbeInputFile{{FileUrl: aws.String(h.bucket.url(film.Key))}},
	})
	if _, ok := errors.AsType[*types.BadRequestException](err); ok {
		return source{}, unusable("The file is not a film that MediaConvert can read, or it is incomplete.")
	}
	if err != nil {
		return source{}, fmt.Errorf("asking MediaConvert what %s is: %w", film.Key, err)
	}
	if len(out.ProbeResults) == 0 || out.ProbeResults[0].Container == nil {
		return source{}, unusable("The file is not a film that MediaConvert can read.")
	}
	container := out.ProbeResults[0].Container
	s := source{Duration: aws.ToFloat64(container.Duration)}
	for _, t := range container.Tracks {
		s.Duration = max(s.Duration, aws.ToFloat64(t.Duration))
		switch {
		case t.VideoProperties != nil && s.Width == 0:
			v := t.VideoProperties
			s.Width, s.Height = int(aws.ToInt32(v.Width)), int(aws.ToInt32(v.Height))
			s.HDR = v.TransferCharacteristics == types.TransferCharacteristicsSmpte2084 || v.TransferCharacteristics == types.TransferCharacteristicsAribB67
			if r := v.FrameRate; r != nil && aws.ToInt32(r.Denominator) > 0 {
				s.FrameRate = float64(aws.ToInt32(r.Numerator)) / float64(aws.ToInt32(r.Denominator))
			}
		case t.AudioProperties != nil && s.Channels == 0:
			s.Channels = max(int(aws.ToInt32(t.AudioProperties.Channels)), 1)
		}
	}
	if s.FrameRate == 0 && s.Width > 0 {
		// Matroska may name no rate: the one most phones and screens have.
		s.FrameRate, s.Variable = 30, true
	}
	return s, nil
}

// A readError is a failure to read, which says nothing of what is read.
type readError struct{ err error }

func (e *readError) Error() string { return e.err.Error() }
func (e *readError) Unwrap() error { return e.err }

// rate is a frame rate as a fraction.
type rate struct{ Numerator, Denominator int32 }

func (r rate) float() float64 { return float64(r.Numerator) / float64(r.Denominator) }

// common are the rates that films have.
var common = []rate{{24000, 1001}, {24, 1}, {25, 1}, {30000, 1001}, {30, 1}, {48, 1}, {50, 1}, {60000, 1001}, {60, 1}}

// maxRate is the highest rate that is encoded, in frames a second.
const maxRate = 60

// frameRate chooses the rate of every rendition: the source's own, or for one
// that varies the common rate nearest to its average. Above 60 frames a second
// every second frame is enough.
func (s source) frameRate() rate {
	fps := s.FrameRate
	for fps > maxRate*1.01 {
		fps /= 2
	}
	best := common[0]
	for _, r := range common[1:] {
		if math.Abs(r.float()-fps) < math.Abs(best.float()-fps) {
			best = r
		}
	}
	// Within a part in a thousand of a common rate it is that one: headers
	// round.
	if s.Variable || math.Abs(best.float()-fps) < fps/2000 {
		return best
	}
	return rate{int32(math.Round(fps * 1000)), 1000}
}

// A rendition is one size of a video.
type rendition struct {
	Name          string // 1080 and the like: the shorter side
	Width, Height int
	Quality       int32 // QVBR level
	MaxBitrate    int32 // bits a second
}

// ladder chooses the renditions, largest first. None is above the source: a
// film smaller than every rung is encoded once, at its own size.
func (s source) ladder(top int) []rendition {
	short := min(s.Width, s.Height)
	if long := max(s.Width, s.Height); long > maxSide {
		short = short * maxSide / long // of the largest rendition
	}
	var list []rendition
	for _, r := range ingestsettings.Ladder(min(top, short)) {
		list = append(list, s.rendition(r.Side, r.Quality, r.MaxBitrate))
	}
	if len(list) == 0 {
		last := ingestsettings.LowestRung()
		list = append(list, s.rendition(short/2*2, last.Quality, last.MaxBitrate))
	}
	return list
}

// rendition scales the source so that its shorter side has side pixels. Sides
// are even: MediaConvert refuses odd ones.
func (s source) rendition(side int, quality, maxBitrate int32) rendition {
	scale := float64(side) / float64(min(s.Width, s.Height))
	even := func(n int) int { return max(int(math.Round(float64(n)*scale/2))*2, minSide) }
	r := rendition{Name: fmt.Sprint(side), Width: even(s.Width), Height: even(s.Height), Quality: quality, MaxBitrate: maxBitrate}
	if s.frameRate().float() > 31 {
		r.MaxBitrate = maxBitrate * 3 / 2 // twice the frames are not twice the bits
	}
	return r
}

var _ io.ReaderAt = (*objectReader)(nil)
