package diagnosis

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"premiumhls/internal/errorsource"
	"premiumhls/internal/link"
)

// A Response is what came back for a request.
type Response struct {
	Status int
	Header http.Header
	Body   string
}

// Who answered a request.
const (
	bySignature    = "CloudFront's signature check"
	byDistribution = "CloudFront, before it looked at a signature"
	byBucket       = "S3"
	byGateway      = "API Gateway"
	bySigner       = "the API"
	byFunction     = "a CloudFront Function"
	byFirewall     = "a firewall rule (AWS WAF)"
	bySomebody     = "somebody"
)

// answer is the source of a response, with its code.
func (r *Response) answer() (who, code string) {
	var refusal struct{ Code, Message, RequestID string }
	// X-Cache names the result of a function, such as FunctionExecutionError.
	if result, _, _ := strings.Cut(r.Header.Get("X-Cache"), " "); strings.HasPrefix(result, "Function") {
		return byFunction, result
	}
	source := errorsource.Of(r.Header.Get("Server"), r.Body)
	switch {
	case source.Source == errorsource.S3:
		return byBucket, source.Code
	case source.Code != "":
		return bySignature, source.Code
	case strings.Contains(r.Body, "Request blocked"):
		return byFirewall, ""
	case source.Source == errorsource.CloudFront:
		return byDistribution, ""
	case json.Unmarshal([]byte(r.Body), &refusal) == nil && refusal.Code != "":
		return bySigner, refusal.Code
	case refusal.Message != "":
		return byGateway, refusal.Message
	}
	return bySomebody, ""
}

func (r *Response) failed() bool { return r.Status >= 400 }

// responseCheck holds what came back against the edge's word that the request
// is served.
func (e *explanation) responseCheck() {
	r := e.request.Response
	if r == nil || r.Status == 0 {
		return
	}
	who, code := r.answer()
	found := fmt.Sprintf("%d by %s", r.Status, who)
	if code != "" {
		found += ", " + code
	}
	const expected = "a response without an error"
	if !r.failed() {
		e.add(Check{CheckResponse, OK, fmt.Sprint(r.Status), expected})
		return
	}
	e.fail(CheckResponse, found, expected, e.adviseResponse(who, code))
}

func (e *explanation) adviseResponse(who, code string) string {
	switch who {
	case byBucket:
		return e.adviseBucket(code)
	case bySignature:
		return adviseStranger(code)
	case byDistribution:
		return adviseDistribution(e.request.Response.Body)
	case byFunction:
		return adviseFunction(code)
	case byFirewall:
		return "A firewall rule (AWS WAF) blocked the request: look at the sampled requests of the distribution's web ACL for the rule. A rate rule ends by itself when the address sends fewer requests."
	case byGateway:
		return adviseGateway(e.request.Response.Status, code)
	case bySigner:
		if strings.HasSuffix(pathOf(e.request.URL), link.Suffix) {
			return adviseLinks(code)
		}
		return adviseSigner(code)
	}
	return fmt.Sprintf("The edge lets this request through, and the %d came from the origin of behavior %s: look there.", e.request.Response.Status, e.pattern())
}

// functionResults are the results of a CloudFront Function in X-Cache.
var functionResults = map[string]string{
	"FunctionExecutionError":    "The behavior's CloudFront Function failed while it ran: read its log group /aws/cloudfront/function/NAME in us-east-1, and test it with TestFunction, which names the line.",
	"FunctionThrottledError":    "The behavior's CloudFront Function took too long or failed too often. A syntax error is reported like this too: test the function with TestFunction, which names the line. After a broken version is replaced, errors may go on for 15 minutes.",
	"FunctionValidationError":   "The behavior's CloudFront Function returned an invalid request or response, such as one with a header that functions must not set: look at the metric FunctionValidationErrors, and test the function with TestFunction.",
	"FunctionGeneratedResponse": "The behavior's CloudFront Function answered the request itself: read the function's code for the condition.",
}

func adviseFunction(result string) string {
	if advice := functionResults[result]; advice != "" {
		return advice
	}
	return "The behavior's CloudFront Function returned " + result + ": read its log group /aws/cloudfront/function/NAME in us-east-1."
}

func adviseGateway(status int, message string) string {
	if status == http.StatusTooManyRequests {
		return "API Gateway limits the requests of all viewers together (" + message + "), and this one was over the limit: raise the settings requestsPerSecond and requestBurst, or find who sends so many."
	}
	return fmt.Sprintf("API Gateway refused the request (%s): sign in again, and send the ID token as Authorization: Bearer.", message)
}

// signerCodes are the codes of the signer's error responses.
var signerCodes = map[string]string{
	"invalid_json":             "The request's body is not one JSON object: send {\"path\":\"course-1\"}, or an empty body for everything.",
	"unknown_field":            "The request's body has an unknown field: send only those that the API documents.",
	"invalid_path":             "The request's path is invalid: it must be one to eight segments of A-Z a-z 0-9 - . _ ~, separated by single slashes.",
	"invalid_playlist_path":    "The request's playlist is invalid: it must be a path below the lesson such as hls/master.m3u8, of the same segments as path, that ends in .m3u8 and not in .link.m3u8.",
	"body_too_large":           "The request's body is too large: send only a path.",
	"unauthenticated":          "The request has no valid ID token of the site's sign-in: sign in again. An access token is not accepted.",
	"not_through_distribution": "The request did not come through the distribution: send it to the site's address, not to the API's own. If it did, the origin secret at CloudFront is not that of the signer: deploy again.",
	"not_entitled":             "The viewer is signed in, and may not watch this path: grant it with premium grant VIEWER PATH, or look at the setting entitlements. If it is granted to an email address (premium grants --email ADDRESS), the token must have that email, with email_verified true.",
	"viewer_address_not_ipv4":  "Cookies and links are bound to the viewer's address, which is IPv6: turn IPv6 off for the distribution, or do not bind the address.",
	"not_found":                "The API has no such path: look at the API's documentation. /api/links exists with the setting links only.",
	"method_not_allowed":       "The API does not take this method here: send POST to get cookies or a link, DELETE to clear cookies.",
	"internal":                 "The signer failed: search its log for the request id in the response.",
	"keys_unavailable":         "The signer cannot read its signing keys: look at its log. After a first deploy it takes some minutes until they are trusted.",
	"entitlements_unavailable": "The signer cannot find out what the viewer may watch: look at its log, and at the table or function of the setting entitlements.",
	"viewer_not_supported":     "The viewer's sub is too long for the reference of a purchase: such viewers buy with the email address that they have verified.",
	"invalid_signature":        "The payment event has no valid signature of Stripe's: the parameter of the setting stripe must hold the signing secret of this endpoint, and the event must arrive within five minutes. Stripe sends it again.",
	"wrong_mode":               "The payment event is of Stripe's other mode: the endpoint and its secret must be of the mode that the setting stripe names.",
	"invalid_event":            "The request has Stripe's signature and is no event: let the endpoint send snapshot events.",
	"secrets_unavailable":      "The stripe function cannot read its secrets: write the signing secret into the parameter of the setting stripe, or look at the function's log.",
	"sales_unavailable":        "The stripe function cannot read or write its tables: look at its log. Stripe sends the event again.",
	"too_many_requests":        "This viewer sent more requests than the limit for one viewer allows: wait for the time in Retry-After. A page asks for cookies a few times an hour.",
}

// linkCodes are the codes of the links function's error responses.
var linkCodes = map[string]string{
	"not_through_distribution": "The request did not come through the distribution: send it to the site's address, not to the API's own. If it did, the origin secret at CloudFront is not that of the links function: deploy again.",
	"invalid_link":             "CloudFront accepts the signature, and the parameter l of the query is missing, malformed or for another path: use the URL as the API or the playlist gave it, with its whole query.",
	"link_expired":             "The link expired between CloudFront and the function: get a new link (POST /api/links). If links end while people watch, raise the setting linkMinutes.",
	"not_found":                "The link is valid, and there is no such playlist in the bucket: NAME.link.m3u8 stands for the object NAME.m3u8, and lesson.link.m3u8 for the playlist in the folder's lesson.json, or for lesson.m3u8, master.m3u8 or index.m3u8. Upload it, or name another in the field playlist of POST /api/links.",
	"method_not_allowed":       "Playlists of links take GET and HEAD only.",
	"playlist_too_large":       "The playlist has too many URIs for a response of 6 MB: let the player accept gzip, or use longer segments or keys with shorter signatures (ECDSA_P256).",
	"invalid_playlist":         "The object in the bucket is not a playlist that can be rewritten: the links function's log has the cause.",
	"bucket_unavailable":       "The links function cannot read the bucket: look at its log. After a change of the bucket's policy or encryption, check that the function's role may read.",
	"keys_unavailable":         "The links function cannot read the origin secret: look at its log, and check that its parameter exists and that its role may read it.",
	"internal":                 "The links function failed: search its log for the request id in the response.",
}

func adviseLinks(code string) string {
	if advice := linkCodes[code]; advice != "" {
		return advice
	}
	return "The links function refused the request with the code " + code + ": look the code up in the API's documentation."
}

func adviseSigner(code string) string {
	if advice := signerCodes[code]; advice != "" {
		return advice
	}
	return "The signer refused the request with the code " + code + ": look the code up in the API's documentation."
}

// adviseBucket tells S3's refusals from the edge's.
func (e *explanation) adviseBucket(code string) string {
	key := e.key()
	status := e.request.Response.Status
	switch {
	case status == http.StatusNotFound:
		return fmt.Sprintf("The edge lets this request through, and there is no object %s in the bucket: upload it, or correct the URL.%s", key, e.otherBehavior())
	case status == http.StatusForbidden:
		return fmt.Sprintf("The edge lets this request through, and the 403 is the bucket's own (S3 writes Access Denied with a capital D, CloudFront does not): check that the object %s exists, allow CloudFront s3:ListBucket so that a missing object is a 404, and check that the bucket policy allows this distribution to read it.%s", key, e.otherBehavior())
	}
	return fmt.Sprintf("The edge lets this request through, and the bucket answered %d %s for the object %s: look there.", status, code, key)
}

// key is the name of the object that the bucket was asked for.
func (e *explanation) key() string {
	path := pathOf(e.request.URL)
	if b := e.route.Behavior; b != nil {
		if path == "/" {
			path += e.target.DefaultRootObject
		}
		path = b.Origin.Path + path
	}
	if decoded, err := url.PathUnescape(path); err == nil {
		path = decoded
	}
	return strings.TrimPrefix(path, "/")
}

// otherBehavior hints at a behavior that the path just misses.
func (e *explanation) otherBehavior() string {
	path := strings.ToLower(pathOf(e.request.URL))
	for _, b := range e.target.Behaviors {
		if len(e.route.Signed) > 0 || !b.Signed || b.PathPattern == "*" {
			continue
		}
		if folder := "/" + strings.Trim(strings.ToLower(b.PathPattern), "/*") + "/"; strings.HasPrefix(path+"/", folder) {
			return " The path chose behavior " + e.pattern() + " and not " + b.PathPattern + ", whose case it does not have."
		}
	}
	return ""
}

// strangers are refusals by CloudFront of what passes every check.
var strangers = map[string]string{
	"MissingKey":         "CloudFront received no cookies with this request, but the cookies given here are valid: the browser did not send them. Give the request as the browser sent it (--har or --curl).",
	"InvalidKey":         "CloudFront did not know the key, and the distribution given here trusts it: a change of keys takes some minutes to reach every edge location, so wait, or check that this is the distribution that responded.",
	"MalformedPolicy":    "CloudFront could not read the policy of the request that it refused, and this one can be read: give the request as it was sent.",
	"MalformedSignature": "CloudFront could not decode the signature of the request that it refused, and this one decodes: give the request as it was sent.",
	"AccessDenied":       "CloudFront refused what passes every check here: the time (--now) or the viewer's address (--address) was another, or the key with this id has another public half than the one given here.",
}

func adviseStranger(code string) string {
	if advice := strangers[code]; advice != "" {
		return advice
	}
	return fmt.Sprintf("CloudFront refused with the code %s what passes every check here: give the request as it was sent, with its time and address.", code)
}

func adviseDistribution(body string) string {
	switch {
	case strings.Contains(body, "block access from your country"):
		return "The distribution is blocked in the viewer's country: change its geographic restriction to serve viewers there."
	case strings.Contains(body, "HTTP request method"):
		return "The behavior does not allow the request's method: allow it in the behavior, or send another."
	case strings.Contains(body, "Bad request"):
		return "CloudFront found no distribution for the request's host, or could not read the request: check that the host is one of the distribution's alternate domain names."
	}
	return "CloudFront got no response from the origin, or refused the request before the signature check: read the error page."
}

// disagree notes an answer that is not the one that the failed check leads to.
func (e *explanation) disagree() {
	r := e.request.Response
	if r == nil || r.Status == 0 {
		return
	}
	who, code := r.answer()
	switch {
	case !r.failed():
		e.note(fmt.Sprintf("The response was %d: the request was not sent as it is given here, or at another time (--now) or place (--address).", r.Status))
	case who == byBucket:
		e.note("The answer was S3's, so CloudFront let the request through: it was not sent as it is given here, or at another time (--now), or the distribution is another.")
	case who == bySignature && e.report.Code != "" && code != e.report.Code:
		e.note(fmt.Sprintf("CloudFront returned %s, and the check that fails here leads to %s: there may be more than one mistake, or the request was not sent as it is given here.", code, e.report.Code))
	}
}
