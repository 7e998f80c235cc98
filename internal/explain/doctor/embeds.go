package doctor

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// checkEmbeds checks that pages of the allowed origins, and no others, can show
// the embedded page in a frame, and that viewers can sign in there.
func (v *visit) checkEmbeds(ctx context.Context) {
	const name = "embeds"
	const deploy = "Deploy the stack again: its functions for the page set this header."
	origins := v.config.AllowedOrigins
	if len(origins) == 0 {
		v.ok(name, "pages of other sites cannot show the player")
		return
	}
	for _, want := range []struct {
		path     string
		framedBy []string
		opener   string
	}{
		{"/embed/premiumhls-doctor", origins, "same-origin"},
		{"/signed-in.html", []string{"'none'"}, "unsafe-none"},
		{"/", []string{"'none'"}, "same-origin"},
	} {
		a, err := v.get(ctx, want.path, nil)
		if err != nil {
			v.fail(name, reason(err), "The site did not respond: run this again.")
			return
		}
		if a.status != http.StatusOK {
			v.fail(name, a.url.Path+" is "+a.String(), "Pages of other sites show /embed/PATH: deploy the stack again, which uploads the page and gives the default behavior its function for these paths.")
			return
		}
		if got := frameAncestors(a.header); !slices.Equal(got, want.framedBy) {
			v.fail(name, a.url.Path+" can be framed by "+anyIfEmpty(got), "It must be "+strings.Join(want.framedBy, " ")+". "+deploy)
			return
		}
		if got := a.header.Get("Cross-Origin-Opener-Policy"); got != want.opener {
			v.fail(name, a.url.Path+" has Cross-Origin-Opener-Policy "+strconv.Quote(got), "It must be "+want.opener+". "+deploy)
			return
		}
	}
	v.ok(name, "for pages of "+strings.Join(origins, ", "))
	if v.authorization != "" {
		v.checkAuthorization(ctx, "sign-in of embeds", v.site.String()+"signed-in.html")
	}
}

// frameAncestors are the sources in a policy's frame-ancestors; nil if it has
// none, so that every page may frame the response.
func frameAncestors(header http.Header) []string {
	for directive := range strings.SplitSeq(header.Get("Content-Security-Policy"), ";") {
		if fields := strings.Fields(directive); len(fields) > 0 && fields[0] == "frame-ancestors" {
			return fields[1:]
		}
	}
	return nil
}

func anyIfEmpty(list []string) string {
	if len(list) == 0 {
		return "every page"
	}
	return strings.Join(list, " ")
}
