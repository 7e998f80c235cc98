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

// entitledToAll and entitledToPaths are the bodies of GET /api/entitlements.
// Expires is in seconds since 1970, and absent if the grant does not expire.
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

// list serves GET /api/entitlements: the current grants of the viewer. The page
// shows them; they open nothing.
func (h *handler) list(ctx context.Context, r *request) (response events.APIGatewayV2HTTPResponse, err error) {
	grants, err := h.entitlements.List(ctx, r.viewer)
	if err != nil {
		return response, entitlementsUnavailable.because(err).after(h.retryAfter(entitlementRetry))
	}
	body, err := json.Marshal(entitled(grants, h.time()))
	if err != nil {
		return response, fmt.Errorf("encoding the response: %w", err)
	}
	return events.APIGatewayV2HTTPResponse{
		StatusCode: http.StatusOK,
		Headers:    map[string]string{"content-type": "application/json", "cache-control": "no-store"},
		Body:       string(body),
	}, nil
}

// entitled returns the body for grants: each path once, with its last expiry, in
// order.
func entitled(grants []entitlement.Grant, now time.Time) any {
	ends := make(map[string]int64, len(grants)) // 0: none
	for _, grant := range grants {
		var end int64
		if !grant.Expires.IsZero() {
			// As for cookies, a grant that expires this second has expired.
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
