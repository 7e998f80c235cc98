package stacks

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudfront"
	"github.com/aws/jsii-runtime-go"

	"premiumhls/stacks/settings"
)

// corsHeaders are what a page of another origin may send.
var corsHeaders = []string{"Authorization", "Content-Type", "Range"}

// policies say what the distribution caches, forwards and adds.
type policies struct {
	videoCache, apiCache                    awscloudfront.CachePolicy
	apiRequest                              awscloudfront.OriginRequestPolicy
	pageHeaders, premiumHeaders, apiHeaders awscloudfront.ResponseHeadersPolicy
}

func newPolicies(stack awscdk.Stack, s settings.Settings, in signIn) policies {
	forwarded := []string{"Content-Type"}
	if s.BindViewerAddress {
		forwarded = append(forwarded, "CloudFront-Viewer-Address")
	}
	if len(s.CORSOrigins) > 0 {
		forwarded = append(forwarded, "Origin", "Access-Control-Request-Method", "Access-Control-Request-Headers")
	}
	return policies{
		videoCache: awscloudfront.NewCachePolicy(stack, jsii.String("VideoCache"), &awscloudfront.CachePolicyProps{
			CachePolicyName: name(s, "video"),
			Comment:         jsii.String("Keeps videos for a day, or as long as their Cache-Control says; cookies and queries make no difference"),
			MinTtl:          awscdk.Duration_Seconds(jsii.Number(0)),
			DefaultTtl:      awscdk.Duration_Days(jsii.Number(1)),
			MaxTtl:          awscdk.Duration_Days(jsii.Number(365)),
			// Playlists shrink to a tenth; segments are never compressed again.
			EnableAcceptEncodingGzip:   jsii.Bool(true),
			EnableAcceptEncodingBrotli: jsii.Bool(true),
		}),
		// The token reaches the API only if it is part of the cache key, and
		// CloudFront takes no key where nothing is ever kept. The signer's
		// answers say no-store, so a second is the most that could be.
		apiCache: awscloudfront.NewCachePolicy(stack, jsii.String("ApiCache"), &awscloudfront.CachePolicyProps{
			CachePolicyName: name(s, "api"),
			Comment:         jsii.String("Keeps nothing, and forwards the token"),
			MinTtl:          awscdk.Duration_Seconds(jsii.Number(0)),
			DefaultTtl:      awscdk.Duration_Seconds(jsii.Number(0)),
			MaxTtl:          awscdk.Duration_Seconds(jsii.Number(1)),
			HeaderBehavior:  awscloudfront.CacheHeaderBehavior_AllowList(jsii.String("Authorization")),
		}),
		apiRequest: awscloudfront.NewOriginRequestPolicy(stack, jsii.String("ApiRequest"), &awscloudfront.OriginRequestPolicyProps{
			OriginRequestPolicyName: name(s, "api"),
			Comment:                 jsii.String("What the signer needs of a request, besides the token"),
			HeaderBehavior:          awscloudfront.OriginRequestHeaderBehavior_AllowList(pointers(forwarded)...),
			// CloudFront drops Set-Cookie from the answers of a behavior that
			// forwards no cookies.
			CookieBehavior: awscloudfront.OriginRequestCookieBehavior_All(),
		}),
		pageHeaders: responseHeaders(stack, s, "Page", "page", func(h *awscloudfront.ResponseSecurityHeadersBehavior, _ *awscloudfront.ResponseHeadersPolicyProps) {
			h.ContentSecurityPolicy = &awscloudfront.ResponseHeadersContentSecurityPolicy{
				ContentSecurityPolicy: jsii.String(contentSecurityPolicy(in.hosts)),
				Override:              jsii.Bool(true),
			}
		}),
		premiumHeaders: responseHeaders(stack, s, "Premium", "premium", func(_ *awscloudfront.ResponseSecurityHeadersBehavior, p *awscloudfront.ResponseHeadersPolicyProps) {
			// A browser, or a proxy between, must ask again before it shows
			// what it kept: the cookies may have ended.
			p.CustomHeadersBehavior = &awscloudfront.ResponseCustomHeadersBehavior{
				CustomHeaders: &[]*awscloudfront.ResponseCustomHeader{{
					Header: jsii.String("Cache-Control"), Value: jsii.String("private, no-cache"), Override: jsii.Bool(true),
				}},
			}
		}),
		apiHeaders: responseHeaders(stack, s, "Api", "api", func(*awscloudfront.ResponseSecurityHeadersBehavior, *awscloudfront.ResponseHeadersPolicyProps) {}),
	}
}

// contentSecurityPolicy lets the page run its own scripts, play video out of
// memory as players do, and talk to the sign-in; nothing else.
func contentSecurityPolicy(signInHosts []string) string {
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
		"frame-ancestors 'none'",
	}, "; ")
}

// responseHeaders makes a policy with the security headers that every answer
// has, CORS where pages of other origins are listed, and what add adds.
func responseHeaders(stack awscdk.Stack, s settings.Settings, id, of string, add func(*awscloudfront.ResponseSecurityHeadersBehavior, *awscloudfront.ResponseHeadersPolicyProps)) awscloudfront.ResponseHeadersPolicy {
	security := &awscloudfront.ResponseSecurityHeadersBehavior{
		ContentTypeOptions: &awscloudfront.ResponseHeadersContentTypeOptions{Override: jsii.Bool(true)},
		FrameOptions: &awscloudfront.ResponseHeadersFrameOptions{
			FrameOption: awscloudfront.HeadersFrameOption_DENY, Override: jsii.Bool(true),
		},
		ReferrerPolicy: &awscloudfront.ResponseHeadersReferrerPolicy{
			ReferrerPolicy: awscloudfront.HeadersReferrerPolicy_STRICT_ORIGIN_WHEN_CROSS_ORIGIN, Override: jsii.Bool(true),
		},
		StrictTransportSecurity: &awscloudfront.ResponseHeadersStrictTransportSecurity{
			AccessControlMaxAge: awscdk.Duration_Days(jsii.Number(365)), IncludeSubdomains: jsii.Bool(false), Override: jsii.Bool(true),
		},
	}
	props := &awscloudfront.ResponseHeadersPolicyProps{
		ResponseHeadersPolicyName: name(s, of),
		SecurityHeadersBehavior:   security,
	}
	if len(s.CORSOrigins) > 0 {
		// With credentials, CloudFront takes a * in none of these.
		props.CorsBehavior = &awscloudfront.ResponseHeadersCorsBehavior{
			AccessControlAllowCredentials: jsii.Bool(true),
			AccessControlAllowOrigins:     jsii.Strings(s.CORSOrigins...),
			AccessControlAllowMethods:     jsii.Strings("GET", "HEAD", "OPTIONS", "POST", "DELETE"),
			AccessControlAllowHeaders:     jsii.Strings(corsHeaders...),
			AccessControlExposeHeaders:    jsii.Strings("Content-Length", "Content-Range", "Retry-After"),
			AccessControlMaxAge:           awscdk.Duration_Hours(jsii.Number(1)),
			OriginOverride:                jsii.Bool(true),
		}
	}
	add(security, props)
	return awscloudfront.NewResponseHeadersPolicy(stack, jsii.String(id+"Headers"), props)
}
