package mediaconvert

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"premiumhls/internal/hls"
	"premiumhls/internal/mp4"
)

// A jobError is the service's error of a failed job.
type jobError struct {
	code    int
	message string
}

func (e *jobError) Error() string { return fmt.Sprintf("%d: %s", e.code, e.message) }

// A media describes a file, as ffprobe reports it.
type media struct {
	Streams []struct {
		CodecType    string `json:"codec_type"`
		CodecName    string `json:"codec_name"`
		Width        int    `json:"width"`
		Height       int    `json:"height"`
		AvgFrameRate string `json:"avg_frame_rate"`
		Transfer     string `json:"color_transfer"`
		Channels     int    `json:"channels"`
		SampleRate   string `json:"sample_rate"`
		Duration     string `json:"duration"`
	} `json:"streams"`
	Format struct {
		Name     string `json:"format_name"`
		Duration string `json:"duration"`
	} `json:"format"`
}

func (m media) has(kind string) bool {
	for _, s := range m.Streams {
		if s.CodecType == kind {
			return true
		}
	}
	return false
}

// hdr reports whether the video has a high dynamic range.
func (m media) hdr() bool {
	for _, s := range m.Streams {
		if s.CodecType == "video" {
			return s.Transfer == "smpte2084" || s.Transfer == "arib-std-b67"
		}
	}
	return false
}

func (m media) duration() float64 {
	d, _ := strconv.ParseFloat(m.Format.Duration, 64)
	return d
}

func probe(ctx context.Context, file string) (media, error) {
	var m media
	out, err := exec.CommandContext(ctx, "ffprobe", "-v", "error", "-show_streams", "-show_format", "-of", "json", "file:"+file).Output()
	if err == nil {
		err = json.Unmarshal(out, &m)
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return m, &jobError{1010, "Unable to open input file: " + lastLine(exit.Stderr)}
	}
	return m, err
}

func lastLine(text []byte) string {
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return lines[len(lines)-1]
}

// crf returns libx264's constant rate factor with about the visual quality of a
// QVBR level.
func crf(level int) int { return 29 - level }

// encode runs a job and decodes the source, file, once. It writes the outputs
// below folder, under the keys of the destinations. progress is called with
// percentages.
func encode(ctx context.Context, job createJob, file, folder string, progress func(percent int)) error {
	m, err := probe(ctx, file)
	if err != nil {
		return err
	}
	if !m.has("video") {
		return &jobError{1020, "No video track was found in the input"}
	}
	args, err := arguments(job, m, file, folder)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "ffmpeg", args...)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if text, ok := strings.CutPrefix(lines.Text(), "out_time_us="); ok && m.duration() > 0 {
			us, _ := strconv.ParseFloat(text, 64)
			progress(max(min(int(us/1e4/m.duration()), 100), 0))
		}
	}
	if err := cmd.Wait(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return &jobError{1076, "Demuxer or decoder failed: " + lastLine(said.Bytes())}
	}
	return finish(job, folder)
}

// arguments returns ffmpeg's arguments: they split the decoded video for all
// renditions and captures, each with its own output.
func arguments(job createJob, m media, file, folder string) ([]string, error) {
	in := job.Settings.Inputs[0]
	args := []string{"-v", "error", "-nostdin", "-y", "-xerror", "-progress", "pipe:1"}
	if in.VideoSelector.Rotate != "AUTO" {
		args = append(args, "-noautorotate")
	}
	args = append(args, "-i", "file:"+file)

	var filters, outputs []string
	var videos int
	video := func(filter string) string {
		label := fmt.Sprintf("v%d", videos)
		filters = append(filters, fmt.Sprintf("[s%d]%s[%s]", videos, filter, label))
		videos++
		return "[" + label + "]"
	}
	for _, g := range job.Settings.OutputGroups {
		if s := g.OutputGroupSettings.FileGroupSettings; s != nil {
			base := filepath.Join(folder, below(s.Destination))
			for _, o := range g.Outputs {
				v, f := o.VideoDescription, o.VideoDescription.CodecSettings.FrameCaptureSettings
				// The first frame, and then one after each interval.
				label := video(fmt.Sprintf("select='isnan(prev_selected_t)+gte(t-prev_selected_t\\,%d/%d)',scale=%d:%d,setsar=1",
					f.FramerateDenominator, f.FramerateNumerator, v.Width, v.Height))
				outputs = append(outputs, "-map", label, "-fps_mode", "vfr", "-frames:v", strconv.Itoa(f.MaxCaptures),
					"-q:v", strconv.Itoa(2+(100-f.Quality)/8), "-f", "image2", "-start_number", "0", base+o.NameModifier+".%07d.jpg")
			}
			continue
		}
		s := g.OutputGroupSettings.CMAFGroupSettings
		base := filepath.Join(folder, below(s.Destination))
		for _, o := range g.Outputs {
			name := base + o.NameModifier
			segments := func(kind string) []string {
				return []string{"-f", "hls", "-hls_time", strconv.Itoa(s.SegmentLength), "-hls_playlist_type", "vod", "-hls_segment_type", "fmp4",
					"-hls_flags", "independent_segments", "-start_number", "1",
					"-hls_fmp4_init_filename", filepath.Base(name) + "init." + kind, "-hls_segment_filename", name + "_%09d." + kind, name + ".m3u8"}
			}
			if v := o.VideoDescription; v != nil {
				e := v.CodecSettings.H264Settings
				codec := []string{"-c:v", "libx264", "-profile:v", "high"}
				if e == nil {
					e = v.CodecSettings.H265Settings
					codec = []string{"-c:v", "libx265", "-tag:v", "hvc1", "-x265-params", "log-level=error:open-gop=0:scenecut=0"}
				}
				label := video(fmt.Sprintf("fps=%d/%d,scale=%d:%d,setsar=1", e.FramerateNumerator, e.FramerateDenominator, v.Width, v.Height))
				outputs = append(append(outputs, "-map", label), codec...)
				outputs = append(outputs, "-preset", "veryfast", "-pix_fmt", "yuv420p", "-crf", strconv.Itoa(crf(e.QVBRSettings.QVBRQualityLevel)),
					"-maxrate", strconv.Itoa(e.MaxBitrate), "-bufsize", strconv.Itoa(2*e.MaxBitrate),
					"-force_key_frames", fmt.Sprintf("expr:gte(t,n_forced*%v)", e.GOPSize), "-sc_threshold", "0", "-g", "9999")
				outputs = append(outputs, segments("cmfv")...)
				continue
			}
			a := o.AudioDescriptions[0]
			if !m.has("audio") {
				return nil, &jobError{1040, fmt.Sprintf("Audio track for %q was not found in the input", a.AudioSourceName)}
			}
			c := a.CodecSettings.AACSettings
			channels := "2"
			if c.CodingMode == "CODING_MODE_1_0" {
				channels = "1"
			}
			// Sound that overlaps or has gaps, as in films that were joined without
			// an encode, follows its timestamps.
			sound := "aresample=async=1"
			if a.RemixSettings != nil {
				sound = pan(a.RemixSettings) + "," + sound
			}
			outputs = append(outputs, "-map", "0:a:0", "-af", sound, "-c:a", "aac", "-b:a", strconv.Itoa(c.Bitrate), "-ac", channels, "-ar", strconv.Itoa(c.SampleRate))
			outputs = append(outputs, segments("cmfa")...)
		}
	}
	split := "[0:v:0]"
	if v := job.videos(); m.hdr() && len(v) > 0 && v[0].VideoPreprocessors.ColorCorrector.ColorSpaceConversion == "FORCE_709" {
		split += toneMap + ","
	}
	split += fmt.Sprintf("split=%d", videos)
	for i := range videos {
		split += fmt.Sprintf("[s%d]", i)
	}
	args = append(args, "-filter_complex", strings.Join(append([]string{split}, filters...), ";"))
	return append(args, outputs...), nil
}

// toneMap converts high dynamic range to BT.709, once for all outputs. The
// service's own mapping differs.
const toneMap = "zscale=t=linear:npl=100,format=gbrpf32le,zscale=p=bt709,tonemap=hable,zscale=t=bt709:m=bt709:r=tv,format=yuv420p"

// below returns a destination without the bucket.
func below(destination string) string {
	_, key, _ := strings.Cut(strings.TrimPrefix(destination, "s3://"), "/")
	return key
}

// pan returns a channel mapping as ffmpeg's filter pan.
func pan(r *remix) string {
	layout := map[int]string{1: "mono", 2: "stereo"}[r.ChannelsOut]
	filter := "pan=" + layout
	for i, o := range r.ChannelMapping.OutputChannels {
		var parts []string
		for channel, gain := range o.InputChannels {
			if gain > silence {
				parts = append(parts, fmt.Sprintf("%.4f*c%d", decibels(gain), channel))
			}
		}
		filter += fmt.Sprintf("|c%d=%s", i, strings.Join(parts, "+"))
	}
	return filter
}

// finish writes the files that MediaConvert adds to the segments: I-frame
// playlists and the group's multivariant playlist.
func finish(job createJob, folder string) error {
	for _, g := range job.Settings.OutputGroups {
		s := g.OutputGroupSettings.CMAFGroupSettings
		if s == nil {
			continue
		}
		base := filepath.Join(folder, below(s.Destination))
		top := "#EXTM3U\n#EXT-X-VERSION:6\n"
		for _, o := range g.Outputs {
			name := filepath.Base(base) + o.NameModifier
			if v := o.VideoDescription; v != nil {
				top += fmt.Sprintf("#EXT-X-STREAM-INF:BANDWIDTH=1,RESOLUTION=%dx%d\n%s.m3u8\n", v.Width, v.Height, name)
				if c := o.ContainerSettings.CMFCSettings; c != nil && c.IFrameOnlyManifest == "INCLUDE" {
					if err := iframes(filepath.Dir(base), name); err != nil {
						return err
					}
				}
			}
		}
		if err := os.WriteFile(base+".m3u8", []byte(top), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// iframes writes the I-frame playlist of a rendition.
func iframes(dir, name string) error {
	files := os.DirFS(dir)
	text, err := fs.ReadFile(files, name+".m3u8")
	if err != nil {
		return err
	}
	m, err := hls.ParseMedia(bytes.NewReader(text))
	if err != nil {
		return err
	}
	if m.Map == nil {
		return fmt.Errorf("%s has no initialization segment", name)
	}
	content, err := fs.ReadFile(files, m.Map.URI)
	if err != nil {
		return err
	}
	in, err := mp4.ParseInit(content)
	if err != nil {
		return fmt.Errorf("reading %s: %w", m.Map.URI, err)
	}
	var segments []hls.IFrameSegment
	for _, s := range m.Segments {
		content, err := fs.ReadFile(files, s.URI)
		if err != nil {
			return err
		}
		fragments, err := mp4.Fragments(content, in.Timescale)
		if err != nil {
			return fmt.Errorf("reading %s: %w", s.URI, err)
		}
		segments = append(segments, hls.IFrameSegment{URI: s.URI, Fragments: fragments})
	}
	playlist, _ := hls.IFramePlaylist(m.Map.URI, segments)
	return os.WriteFile(path.Join(dir, name+"_I-Frame.m3u8"), []byte(playlist), 0o644)
}
