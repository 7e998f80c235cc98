package apigateway

import (
	"net/http"
	"strconv"
	"strings"
)

// isPreflight reports whether a request is a CORS preflight (API Gateway
// developer guide, "Configure CORS for HTTP APIs": both headers are needed).
func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions &&
		r.Header.Get("Origin") != "" && r.Header.Get("Access-Control-Request-Method") != ""
}

// preflight responds with 204. An origin that is not allowed gets the same
// response without the CORS headers.
func (c *CORS) preflight(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	if c.allow(h, r) {
		set(h, "Access-Control-Allow-Methods", c.AllowMethods)
		set(h, "Access-Control-Allow-Headers", c.AllowHeaders)
		if c.MaxAge != nil {
			h.Set("Access-Control-Max-Age", strconv.Itoa(*c.MaxAge))
		}
	}
	w.WriteHeader(http.StatusNoContent)
}

// decorate replaces a function's own CORS headers by those of the API: API
// Gateway ignores the function's if CORS is configured.
func (c *CORS) decorate(h http.Header, r *http.Request) {
	for name := range h {
		if strings.HasPrefix(name, "Access-Control-") {
			delete(h, name)
		}
	}
	if c.allow(h, r) {
		set(h, "Access-Control-Expose-Headers", c.ExposeHeaders)
	}
}

func (c *CORS) allow(h http.Header, r *http.Request) bool {
	origins := r.Header.Values("Origin")
	if len(origins) != 1 {
		return false
	}
	for _, allowed := range c.AllowOrigins {
		switch allowed {
		case "*":
			h.Set("Access-Control-Allow-Origin", "*")
			return true
		case origins[0]:
		case "https://*", "http://*":
			if !strings.HasPrefix(origins[0], strings.TrimSuffix(allowed, "*")) {
				continue
			}
		default:
			continue
		}
		h.Set("Access-Control-Allow-Origin", origins[0])
		h.Add("Vary", "Origin")
		if c.AllowCredentials {
			h.Set("Access-Control-Allow-Credentials", "true")
		}
		return true
	}
	return false
}

func set(h http.Header, name string, values []string) {
	if len(values) > 0 {
		h.Set(name, strings.Join(values, ","))
	}
}
