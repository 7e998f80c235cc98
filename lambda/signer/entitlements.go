package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"premiumhls/lambda/internal/entitlement"
)

// entitledToAll and entitledToPaths are the two bodies that answer
// GET /api/entitlements. Ends are in seconds since 1970, and left out where
// there is none.
type (
	entitledToAll struct {
		All     bool  `json:"all"`
		Expires int64 `json:"expires,omitempty"`
	}
	entitledToPaths struct {
		All   bool           `json:"all"`
		Paths []entitledPath `json:"paths"`
	}
	entitledPath struct {
		Path    string `json:"path"`
		Expires int64  `json:"expires,omitempty"`
	}
)

// list answers GET /api/entitlements with what the viewer may watch now. It is
// for the page to show; nothing is opened by it.
func (h *handler) list(ctx context.Context, r *request) (response events.APIGatewayV2HTTPResponse, err error) {
	grants, err := h.entitlements.List(ctx, r.viewer)
	if err != nil {
		return response, entitlementsUnavailable.because(err).after(h.retryAfter(entitlementRetry))
	}
	body, err := json.Marshal(entitled(grants, h.time()))
	if err != nil {
		return response, fmt.Errorf("writing the answer: %w", err)
	}
	return events.APIGatewayV2HTTPResponse{
		StatusCode: http.StatusOK,
		Headers:    map[string]string{"content-type": "application/json", "cache-control": "no-store"},
		Body:       string(body),
	}, nil
}

// entitled returns the body for grants: each path once, with the end of the
// grant of it that lasts longest, in order.
func entitled(grants []entitlement.Grant, now time.Time) any {
	ends := make(map[string]int64, len(grants)) // 0: none
	for _, grant := range grants {
		var end int64
		if !grant.Expires.IsZero() {
			// As cookies have it: an end this second is past.
			if end = grant.Expires.Unix(); !time.Unix(end, 0).After(now) {
				continue
			}
		}
		if known, ok := ends[grant.Path]; !ok || known != 0 && (end == 0 || end > known) {
			ends[grant.Path] = end
		}
	}
	if end, all := ends[""]; all {
		return entitledToAll{All: true, Expires: end}
	}
	paths := make([]entitledPath, 0, len(ends))
	for path, end := range ends {
		paths = append(paths, entitledPath{Path: path, Expires: end})
	}
	slices.SortFunc(paths, func(a, b entitledPath) int { return strings.Compare(a.Path, b.Path) })
	return entitledToPaths{Paths: paths}
}
