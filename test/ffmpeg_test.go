package test

import (
	"net/http"
	"os/exec"
	"strings"
	"testing"
)

// ffmpeg is a client that shares nothing with a browser.
func TestPlaysInFFmpeg(t *testing.T) {
	path := find(t, "ffmpeg (apt-get install ffmpeg)", "ffmpeg")
	s := newSite(t, nil)
	decode := func(cookies []*http.Cookie) (string, error) {
		arguments := []string{"-nostdin", "-loglevel", "error", "-stats_period", "100"}
		if header := cookieHeader(cookies); header != nil {
			arguments = append(arguments, "-headers", "Cookie: "+header.Get("Cookie")+"\r\n")
		}
		arguments = append(arguments, "-i", "http://"+s.host+"/premium/course-1/master.m3u8", "-map", "0:v:0", "-f", "framecrc", "-")
		output, err := exec.Command(path, arguments...).CombinedOutput()
		return string(output), err
	}

	output, err := decode(s.cookies("ada", "course-1"))
	if err != nil {
		t.Fatalf("with cookies: %v\n%s", err, output)
	}
	if frames := strings.Count(output, "\n0,"); frames < 400 {
		t.Errorf("%d frames of twenty seconds of video", frames)
	}
	if output, err := decode(nil); err == nil || !strings.Contains(output, "403") {
		t.Errorf("without cookies: %v\n%s", err, output)
	}
	if output, err := decode(s.cookies("ada", "course-2")); err == nil || !strings.Contains(output, "403") {
		t.Errorf("with the cookies of another course: %v\n%s", err, output)
	}
}

// find returns the path of a program, or skips the test if it is not installed.
func find(t testing.TB, install string, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skipf("to run this test, install %s", install)
	return ""
}
