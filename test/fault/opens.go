package fault

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
)

// Opens asks an edge for a playlist of a premium path, with the cookies that
// the Set-Cookie headers leave in a browser. The error says what the edge
// refuses. Every answer with cookies, in every test of faults, goes through it.
func Opens(edge http.Handler, host, path string, setCookies []string) error {
	request := httptest.NewRequest(http.MethodGet, "https://"+host+"/premium/"+path+"/master.m3u8", nil)
	for _, header := range setCookies {
		cookie, err := http.ParseSetCookie(header)
		if err != nil {
			return fmt.Errorf("reading the cookie %q: %w", header, err)
		}
		if cookie.MaxAge < 0 || !strings.HasPrefix(request.URL.Path, cookie.Path) {
			continue
		}
		request.AddCookie(&http.Cookie{Name: cookie.Name, Value: cookie.Value})
	}
	recorder := httptest.NewRecorder()
	edge.ServeHTTP(recorder, request)
	if recorder.Code != http.StatusOK {
		return fmt.Errorf("the edge refuses the cookies: %d %s", recorder.Code, recorder.Body)
	}
	return nil
}
