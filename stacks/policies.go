package stacks

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudfront"
	"github.com/aws/jsii-runtime-go"

	"premiumhls/stacks/settings"
)

// The flat-rate plans Free and Pro accept no cache, origin request or response
// headers policies but CloudFront's own, and an account has a quota of 20
// custom policies of a kind. So the stack uses managed policies, and functions
// for what those cannot express.

// videoCache is the cache policy of the bucket's behaviors. Neither caches by
// cookie. Objects carry their caching rule in Cache-Control.
func videoCache(s settings.Settings) awscloudfront.ICachePolicy {
	if len(s.AllowedOrigins) == 0 {
		return awscloudfront.CachePolicy_CACHING_OPTIMIZED()
	}
	// The bucket's CORS headers depend on Origin, which must then be in the
	// cache key, and what is in the key also reaches the bucket. Of the other
	// managed policies with Origin in the key, UseOriginCacheControlHeaders
	// also has all cookies, so that viewers would share nothing, and Host,
	// which would break the signature of origin access control. This one has
	// four query parameters besides, which the bucket ignores.
	//
	// There is no origin request policy (CORS-S3Origin) with it: that would
	// also forward Access-Control-Request-Headers and -Method, on which the
	// bucket's response depends and which are not in the key, so that one
	// viewer could spoil a cached response for others. Preflights need
	// neither: the behaviors do not allow OPTIONS.
	return awscloudfront.CachePolicy_ELEMENTAL_MEDIA_PACKAGE()
}

// Pages of the site besides the main one, each with a header of its own.
const (
	// embedPath is what pages of the allowed origins show in a frame, with a
	// video's path behind it; embedPage is the file.
	embedPath = "/embed/"
	embedPage = "/embed.html"
	// signedInPage is where the issuer sends a viewer who signed in in a window
	// that a framed page opened.
	signedInPage = "/signed-in.html"
)

// newPageFunction adds the security headers to the page's responses that no
// managed policy has. CloudFront runs it on every response of the default
// behavior except errors.
func newPageFunction(stack *premiumHLS, s settings.Settings, signInHosts []string) awscloudfront.Function {
	embedding := "same-origin"
	if len(s.AllowedOrigins) > 0 {
		embedding = "cross-origin" // their pages show the posters
	}
	headers, err := json.Marshal(map[string]string{
		"content-security-policy":      contentSecurityPolicy(signInHosts, "'none'"),
		"cross-origin-opener-policy":   "same-origin",
		"cross-origin-resource-policy": embedding,
		"permissions-policy":           "camera=(), display-capture=(), geolocation=(), microphone=(), midi=(), payment=(), serial=(), usb=()",
	})
	if err != nil {
		panic(fmt.Sprintf("encoding the page's headers: %v", err))
	}
	exceptions := ""
	if len(s.AllowedOrigins) > 0 {
		exceptions = exceptionsOf(contentSecurityPolicy(signInHosts, strings.Join(s.AllowedOrigins, " ")))
	}
	return newEdgeFunction(stack, s, "PageHeaders", "page", "Adds security headers to the page", `var headers = `+string(headers)+`;
function handler(event) {
  var response = event.response;
  Object.keys(headers).forEach(function (name) {
    response.headers[name] = { value: headers[name] };
  });
`+exceptions+`  return response;
}
`)
}

// exceptionsOf is the part of the page's function for the other pages. Whether
// it gets the viewer's path or that of newEmbedFunction is not documented: both
// are good. Any other spelling of a path has the headers of the main page.
//
// The managed policy sends X-Frame-Options: SAMEORIGIN, before the function or
// after it, which is not documented either. Browsers ignore it where a policy
// has frame-ancestors (Content Security Policy Level 3, section 6.4.2.2).
//
// With the Cross-Origin-Opener-Policy of the main page, the window in which a
// viewer signs in would lose the frame that opened it.
func exceptionsOf(embedPolicy string) string {
	policy, err := json.Marshal(embedPolicy)
	if err != nil {
		panic(fmt.Sprintf("encoding the embedded page's policy: %v", err))
	}
	return `  var uri = event.request.uri;
  if (uri === '` + embedPage + `' || uri.startsWith('` + embedPath + `')) {
    response.headers['content-security-policy'] = { value: ` + string(policy) + ` };
    delete response.headers['x-frame-options'];
  } else if (uri === '` + signedInPage + `') {
    response.headers['cross-origin-opener-policy'] = { value: 'unsafe-none' };
  }
`
}

// newEmbedFunction gives every path below /embed/ the same file, which reads
// the video's path in its address.
func newEmbedFunction(stack *premiumHLS, s settings.Settings) awscloudfront.Function {
	return newEdgeFunction(stack, s, "EmbedPath", "embed", "Serves the embedded page for every video", `function handler(event) {
  var request = event.request;
  if (request.uri.startsWith('`+embedPath+`')) {
    request.uri = '`+embedPage+`';
  }
  return request;
}
`)
}

// viewerAddressHeader is the header in which the signer gets the viewer's
// address. No managed policy has CloudFront-Viewer-Address without also
// forwarding Host, which API Gateway would refuse.
const viewerAddressHeader = "x-viewer-address"

// newViewerAddressFunction puts the address from which a viewer connected to
// CloudFront into a header. Both value and multiValue are set: a multiValue of
// the viewer's own would win over the value (CloudFront developer guide,
// "CloudFront Functions event structure").
func newViewerAddressFunction(stack *premiumHLS, s settings.Settings) awscloudfront.Function {
	return newEdgeFunction(stack, s, "ViewerAddress", "viewer", "Passes the viewer's address to the signer", `function handler(event) {
  var request = event.request;
  var ip = event.viewer.ip;
  request.headers['`+viewerAddressHeader+`'] = { value: ip, multiValue: [{ value: ip }] };
  return request;
}
`)
}

func newEdgeFunction(stack *premiumHLS, s settings.Settings, id, of, comment, code string) awscloudfront.Function {
	return awscloudfront.NewFunction(stack, &id, &awscloudfront.FunctionProps{
		FunctionName: name(s, of),
		Comment:      &comment,
		Runtime:      awscloudfront.FunctionRuntime_JS_2_0(),
		Code:         awscloudfront.FunctionCode_FromInline(&code),
	})
}

// pageFunctions are the functions of the default behavior. Without allowed
// origins, nothing can be embedded.
func pageFunctions(stack *premiumHLS, s settings.Settings, in signIn) *[]*awscloudfront.FunctionAssociation {
	functions := onEvent(newPageFunction(stack, s, in.hosts), awscloudfront.FunctionEventType_VIEWER_RESPONSE)
	if len(s.AllowedOrigins) > 0 {
		*functions = append(*functions, *onEvent(newEmbedFunction(stack, s), awscloudfront.FunctionEventType_VIEWER_REQUEST)...)
	}
	return functions
}

func onEvent(function awscloudfront.Function, event awscloudfront.FunctionEventType) *[]*awscloudfront.FunctionAssociation {
	return &[]*awscloudfront.FunctionAssociation{{Function: function, EventType: event}}
}

// contentSecurityPolicy lets a page run its own scripts, play video from memory
// as players do, connect to the sign-in, and be framed by pages of the given
// origins; nothing else.
func contentSecurityPolicy(signInHosts []string, framedBy string) string {
	return strings.Join([]string{
		"default-src 'self'",
		"script-src 'self'",
		"style-src 'self'",
		"img-src 'self' data: blob:",
		"font-src 'self' data:",
		"media-src 'self' blob:",
		"worker-src 'self' blob:",
		"connect-src 'self' " + strings.Join(signInHosts, " "),
		"object-src 'none'",
		"base-uri 'self'",
		"form-action 'self'",
		"frame-ancestors " + framedBy,
	}, "; ")
}

// errorResponses keep errors out of the cache: by default CloudFront caches
// them for 10 seconds, and honours no-store for a few codes only (CloudFront
// developer guide, "How CloudFront caches HTTP 4xx and 5xx status codes").
// Under a cache key without the token, one viewer's error of the API would be
// another's. The bodies stay as they are. These are all the codes that
// CloudFront accepts here.
func errorResponses() *[]*awscloudfront.ErrorResponse {
	var responses []*awscloudfront.ErrorResponse
	for _, status := range []float64{400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504} {
		responses = append(responses, &awscloudfront.ErrorResponse{
			HttpStatus: jsii.Number(status),
			Ttl:        awscdk.Duration_Seconds(jsii.Number(0)),
		})
	}
	return &responses
}
