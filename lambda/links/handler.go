package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"path"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"premiumhls/internal/issuance"
	"premiumhls/internal/link"
	"premiumhls/internal/linksettings"
	"premiumhls/internal/logfield"
	"premiumhls/internal/premiumpath"
	"premiumhls/lambda/internal/originsecret"
)

// secretReader reads the secrets that the distribution adds to requests.
type secretReader interface {
	Secrets(context.Context) (originsecret.Secrets, error)
}

// handler serves requests. It is safe for concurrent use.
type handler struct {
	premium premiumpath.Path
	origins []string // whose pages may read playlists
	secrets secretReader
	objects *objects
	logger  *slog.Logger
	now     func() time.Time
	random  func() float64 // from 0 to 1
}

func newHandler(settings linksettings.Document, secrets secretReader, bucket bucket, logger *slog.Logger) (*handler, error) {
	premium, err := premiumpath.Parse(settings.PremiumPath)
	if err != nil {
		return nil, err
	}
	return &handler{
		premium: premium,
		origins: settings.AllowedOrigins,
		secrets: secrets,
		objects: newObjects(bucket),
		logger:  logger,
		now:     time.Now,
		random:  rand.Float64,
	}, nil
}

// A request is an event and what is known about it so far.
type request struct {
	*events.APIGatewayV2HTTPRequest
	path string // decoded; empty: not one of a playlist
	uris int    // of the playlist
}

// handle serves one event. It never returns an error: API Gateway would then
// send a response of its own.
func (h *handler) handle(ctx context.Context, event events.APIGatewayV2HTTPRequest) (response events.APIGatewayV2HTTPResponse, _ error) {
	began := h.now()
	r := &request{APIGatewayV2HTTPRequest: &event}
	var err error
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
		decision := "rewritten"
		if err != nil {
			refused := h.asRefusal(err)
			decision, response = refused.code, refused.response(event.RequestContext.RequestID)
		}
		h.allowOrigin(&event, &response)
		if event.RequestContext.HTTP.Method == http.MethodHead {
			response.Body, response.IsBase64Encoded = "", false
		}
		h.log(ctx, r, response, decision, err, h.now().Sub(began))
	}()
	response, err = h.serve(ctx, r)
	return response, nil
}

// serve checks that a request came through the distribution and that its link is
// for its path, and rewrites the playlist.
func (h *handler) serve(ctx context.Context, r *request) (response events.APIGatewayV2HTTPResponse, err error) {
	secrets, err := h.secrets.Secrets(ctx)
	if err != nil {
		return response, keysUnavailable.because(err).after(h.retryAfter())
	}
	if !secrets.Include(r.Headers[originsecret.Header]) {
		return response, &notThroughDistribution
	}
	if method := r.RequestContext.HTTP.Method; method != http.MethodGet && method != http.MethodHead {
		return response, methodNotAllowed.with("allow", "GET, HEAD")
	}
	folder, name, err := h.readPath(r)
	if err != nil {
		return response, err
	}
	g, err := readLink(r.RawQueryString, r.path, h.premium, h.time(r))
	if err != nil {
		return response, err
	}
	found, err := h.find(ctx, folder, name)
	if err != nil {
		return response, err
	}
	if found.invalid != nil {
		return response, invalidPlaylist.because(found.invalid)
	}
	r.uris = found.playlist.uris
	base, _ := escape(folder) // readPath has accepted it
	text, ok := found.playlist.sign(g, base)
	if !ok {
		return response, playlistTooLarge.because(fmt.Errorf("with %d URIs signed the playlist would exceed %d bytes", r.uris, maxRewritten))
	}
	return encode(text, r.Headers["accept-encoding"])
}

// readPath reads the path of a request: the folder, with slashes at both ends,
// and the playlist's name without its suffix. API Gateway decodes the path; a
// path that it would not have decoded is decoded here, once.
func (h *handler) readPath(r *request) (folder, name string, err error) {
	text := r.RawPath
	if strings.Contains(text, "%") {
		if text, err = url.PathUnescape(text); err != nil {
			return "", "", &notFound
		}
	}
	folder, name = path.Split(text)
	name, ok := strings.CutSuffix(name, link.Suffix)
	escaped, plain := escape(text)
	// Only a path that is read in one way can be held against the policy.
	resolved, clean := removeDots(strings.TrimPrefix(escaped, "/"))
	if !ok || name == "" || strings.HasSuffix(name+link.PlaylistSuffix, link.Suffix) || !plain || !clean || resolved != escaped || strings.Contains(text, "%") ||
		!strings.HasPrefix(folder, h.premium.Below(premiumpath.Path{})) {
		return "", "", &notFound
	}
	r.path = text
	return folder, name, nil
}

// find returns the playlist that a name in a folder stands for.
func (h *handler) find(ctx context.Context, folder, name string) (*object, error) {
	if name != link.LessonName {
		return h.object(ctx, folder+name+link.PlaylistSuffix)
	}
	lesson, err := h.object(ctx, folder+lessonFile)
	if err == nil && lesson.invalid == nil {
		return h.object(ctx, folder+lesson.pointer)
	}
	if !errors.Is(err, &notFound) {
		return lesson, err
	}
	for _, name := range []string{link.LessonName, "master", "index"} {
		found, err := h.object(ctx, folder+name+link.PlaylistSuffix)
		if !errors.Is(err, &notFound) {
			return found, err
		}
	}
	return nil, &notFound
}

// object returns the object of a path of the distribution.
func (h *handler) object(ctx context.Context, path string) (*object, error) {
	found, err := h.objects.get(ctx, strings.TrimPrefix(path, "/"))
	switch {
	case errors.Is(err, errMissing):
		return nil, &notFound
	case err != nil:
		return nil, bucketUnavailable.because(err).after(h.retryAfter())
	}
	return found, nil
}

// allowOrigin lets the pages of the listed origins read a response. They send no
// cookies with the request. If the API has a CORS configuration, API Gateway
// replaces these headers by its own.
func (h *handler) allowOrigin(event *events.APIGatewayV2HTTPRequest, response *events.APIGatewayV2HTTPResponse) {
	if len(h.origins) == 0 {
		return
	}
	response.Headers["vary"] = strings.TrimPrefix(response.Headers["vary"]+", origin", ", ")
	if origin := event.Headers["origin"]; slices.Contains(h.origins, origin) {
		response.Headers["access-control-allow-origin"] = origin
	}
}

// time returns when API Gateway got a request: a container's own clock can be
// wrong.
func (h *handler) time(r *request) time.Time {
	if epoch := r.RequestContext.TimeEpoch; epoch > 0 {
		return time.UnixMilli(epoch)
	}
	return h.now()
}

// leastRetry is the shortest Retry-After.
const leastRetry = 2 * time.Second

// retryAfter returns when a viewer should repeat a request, so that those who
// were refused together do not return together.
func (h *handler) retryAfter() time.Duration { return issuance.RetryAfter(leastRetry, h.random()) }

// log writes the one line of a request. It has no query, cookie or address.
func (h *handler) log(ctx context.Context, r *request, response events.APIGatewayV2HTTPResponse, decision string, err error, took time.Duration) {
	level := slog.LevelInfo
	switch {
	case response.StatusCode >= http.StatusInternalServerError:
		level = slog.LevelError
	case response.StatusCode == invalidPlaylist.status || response.StatusCode == playlistTooLarge.status:
		level = slog.LevelWarn // a file in the bucket is the cause
	}
	attrs := []slog.Attr{
		slog.String(logfield.RequestID, r.RequestContext.RequestID),
		slog.String(logfield.EdgeRequest, r.Headers["x-amz-cf-id"]),
		slog.String(logfield.Decision, decision),
		slog.Int(logfield.Status, response.StatusCode),
		slog.String(logfield.Path, r.path),
		slog.Float64(logfield.Duration, float64(took.Microseconds())/1000),
	}
	if err != nil {
		attrs = append(attrs, slog.String(logfield.Cause, err.Error()))
	} else {
		attrs = append(attrs, slog.Int("uris", r.uris), slog.Int("bytes", len(response.Body)),
			slog.String("encoding", cmp.Or(response.Headers["content-encoding"], "identity")))
	}
	h.logger.LogAttrs(ctx, level, message, attrs...)
}

// message is the msg of the line of a request.
const message = "playlist"
