//go:build unix

package mediaconvert

import (
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"
)

// The time of a whole job against that of one ffmpeg command, written by hand,
// for the same renditions and nothing else. They take turns; times are medians.
// The processors' time does not depend on what else this machine does:
//
//	go test ./local/mediaconvert -run '^$' -bench Ladder -benchtime 5x
func BenchmarkLadder(b *testing.B) {
	dir := b.TempDir()
	film := generate(b, dir, "testsrc2=s=1920x1080:r=30", "20")
	byHand := func() {
		out := b.TempDir()
		x264 := func(crf, maxrate, bufsize string) []string {
			return []string{"-c:v", "libx264", "-preset", "veryfast", "-profile:v", "high", "-pix_fmt", "yuv420p", "-crf", crf, "-maxrate", maxrate, "-bufsize", bufsize,
				"-force_key_frames", "expr:gte(t,n_forced*2)", "-sc_threshold", "0", "-g", "9999"}
		}
		segments := func(name string) []string {
			return []string{"-f", "hls", "-hls_time", "6", "-hls_playlist_type", "vod", "-hls_segment_type", "fmp4", "-hls_flags", "independent_segments",
				"-hls_fmp4_init_filename", name + "_init.mp4", "-hls_segment_filename", filepath.Join(out, name+"_%05d.m4s"), filepath.Join(out, name+".m3u8")}
		}
		args := []string{"-v", "error", "-nostdin", "-i", film,
			"-filter_complex", "[0:v]split=4[a][b][c][d];[a]scale=1920:1080[v0];[b]scale=1280:720[v1];[c]scale=854:480[v2];[d]scale=640:360[v3]"}
		for _, r := range []struct{ label, name, crf, maxrate, bufsize string }{
			{"[v0]", "1080", "20", "6M", "12M"}, {"[v1]", "720", "21", "4M", "8M"}, {"[v2]", "480", "22", "1M", "2M"}, {"[v3]", "360", "22", "700k", "1400k"},
		} {
			args = append(append(append(args, "-map", r.label), x264(r.crf, r.maxrate, r.bufsize)...), segments(r.name)...)
		}
		args = append(append(args, "-map", "0:a:0", "-c:a", "aac", "-b:a", "128k", "-ac", "2", "-ar", "48000"), segments("audio")...)
		run(b, "ffmpeg", args...)
	}
	document := ordered(b)
	var hand, whole measured
	for b.Loop() {
		hand.add(b, byHand)
		whole.add(b, func() {
			if end := convert(b, dir, document); end["status"] != "COMPLETE" {
				b.Fatalf("%v", end)
			}
		})
	}
	b.ReportMetric(median(hand.times), "ffmpeg-s")
	b.ReportMetric(median(whole.times), "job-s")
	b.ReportMetric(median(hand.processors), "ffmpeg-cpu-s")
	b.ReportMetric(median(whole.processors), "job-cpu-s")
	b.ReportMetric(median(whole.processors)/median(hand.processors), "times-the-cpu")
}

// measured are the seconds of several runs.
type measured struct{ times, processors []float64 }

func (m *measured) add(t testing.TB, run func()) {
	t.Helper()
	processors := func() float64 { // of this process and its children
		var sum time.Duration
		for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
			var used syscall.Rusage
			if err := syscall.Getrusage(who, &used); err != nil {
				t.Fatal(err)
			}
			sum += time.Duration(used.Utime.Nano() + used.Stime.Nano())
		}
		return sum.Seconds()
	}
	before, began := processors(), time.Now()
	run()
	m.times = append(m.times, time.Since(began).Seconds())
	m.processors = append(m.processors, processors()-before)
}

func median(values []float64) float64 {
	return slices.Sorted(slices.Values(values))[len(values)/2]
}
