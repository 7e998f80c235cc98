package doctor

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
)

// The checks of links.
const (
	checkLink      = "premium with a link"
	checkOtherLink = "another video with this link"
)

// checkLink asks for a link to a video that the viewer may watch, plays it
// without cookies, and tries its query on another path.
func (v *visit) checkLink(ctx context.Context, sold video) {
	address, ok := v.link(ctx, sold)
	if !ok {
		v.skip(checkOtherLink, "there is no link")
		return
	}
	// Not at the link's own host: a local run without TLS has another scheme.
	if found, err := v.play(ctx, address.RequestURI(), nil); err != nil {
		v.fail(checkLink, reason(err), "The link is issued and does not play: run premium explain with its URL for the reason.")
	} else {
		v.ok(checkLink, found)
	}
	path := "/" + v.config.PremiumPath + "/premiumhls-doctor/none.m3u8"
	a, err := v.get(ctx, path+"?"+address.RawQuery, nil)
	switch {
	case err != nil:
		v.fail(checkOtherLink, reason(err), "The site did not respond: run this again.")
	case a.status != http.StatusForbidden || a.byBucket():
		v.fail(checkOtherLink, path+" is "+a.String(), "The link to "+sold.Path+" opens more than that: see what Resource the signer puts into its policies.")
	default:
		v.ok(checkOtherLink, a.String())
	}
}

// link asks for the link of a video.
func (v *visit) link(ctx context.Context, of video) (*url.URL, bool) {
	body, err := json.Marshal(map[string]string{"path": of.Path, "playlist": of.Playlist})
	if err != nil {
		v.fail(checkLink, err.Error(), "Fix the path of "+of.Title+" in the catalog.")
		return nil, false
	}
	a, err := v.do(ctx, http.MethodPost, v.site.String()+"api/links", http.Header{
		"Authorization": {"Bearer " + v.options.Token}, "Content-Type": {"application/json"},
	}, string(body))
	if err != nil {
		v.fail(checkLink, reason(err), "The site did not respond: run this again.")
		return nil, false
	}
	if a.status != http.StatusOK {
		v.fail(checkLink, a.String(), "The API issues no link: look for the request id in the signer's log, or run premium explain with this response.")
		return nil, false
	}
	var issued struct{ URL string }
	address := &url.URL{}
	if err = json.Unmarshal(a.body, &issued); err == nil {
		address, err = url.Parse(issued.URL)
	}
	if err != nil || address.Host == "" || address.RawQuery == "" {
		v.fail(checkLink, "a response without a URL", "The API must return a signed URL: deploy again.")
		return nil, false
	}
	return address, true
}
