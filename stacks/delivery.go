package stacks

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awscertificatemanager"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudfront"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudfrontorigins"
	"github.com/aws/aws-cdk-go/awscdk/v2/interfaces/interfacesawscloudfront"
	"github.com/aws/jsii-runtime-go"

	"premiumhls/internal/link"
	"premiumhls/stacks/settings"
)

// originSecretHeader carries the secret that proves to the signer that a
// request came through the distribution.
const originSecretHeader = "X-Origin-Secret"

type delivery struct {
	distribution awscloudfront.Distribution
	host         *string // used by viewers and in policies
}

// newDelivery creates the distribution: the public page and trailers, premium
// videos behind signed cookies and links, and the signer under /api/.
func newDelivery(stack *premiumHLS, s settings.Settings, st storage, keys *signingKeys, sg signer, in signIn, secret *string) delivery {
	access := awscloudfront.NewS3OriginAccessControl(stack, jsii.String("BucketAccess"), &awscloudfront.S3OriginAccessControlProps{
		OriginAccessControlName: name(s, "bucket"),
	})
	bucket := func(folder *string) awscloudfront.IOrigin {
		return awscloudfrontorigins.S3BucketOrigin_WithOriginAccessControl(st.bucket, &awscloudfrontorigins.S3BucketOriginWithOACProps{
			OriginAccessControl: access,
			OriginPath:          folder,
			// Without s3:ListBucket, S3 returns 403 for a missing object, which
			// looks like a refused viewer.
			OriginAccessLevels: &[]awscloudfront.AccessLevel{awscloudfront.AccessLevel_READ, awscloudfront.AccessLevel_LIST},
		})
	}
	api := awscloudfrontorigins.NewHttpOrigin(sg.domain, &awscloudfrontorigins.HttpOriginProps{
		ProtocolPolicy:     awscloudfront.OriginProtocolPolicy_HTTPS_ONLY,
		OriginSslProtocols: &[]awscloudfront.OriginSslPolicy{awscloudfront.OriginSslPolicy_TLS_V1_2},
		CustomHeaders:      &map[string]*string{originSecretHeader: secret},
	})
	apiBehavior := &awscloudfront.AddBehaviorOptions{
		// Not redirect-to-https: the viewer would send the token over plain
		// HTTP before the redirect.
		ViewerProtocolPolicy: awscloudfront.ViewerProtocolPolicy_HTTPS_ONLY,
		AllowedMethods:       awscloudfront.AllowedMethods_ALLOW_ALL(),
		CachePolicy:          awscloudfront.CachePolicy_CACHING_DISABLED(),
		// Forwards the token and the cookies. CloudFront removes Set-Cookie
		// from responses if it does not forward cookies.
		OriginRequestPolicy:   awscloudfront.OriginRequestPolicy_ALL_VIEWER_EXCEPT_HOST_HEADER(),
		ResponseHeadersPolicy: awscloudfront.ResponseHeadersPolicy_SECURITY_HEADERS(),
	}
	if s.BindViewerAddress {
		apiBehavior.FunctionAssociations = onEvent(newViewerAddressFunction(stack, s), awscloudfront.FunctionEventType_VIEWER_REQUEST)
	}

	props := &awscloudfront.DistributionProps{
		Comment:           jsii.String(s.StackName),
		DefaultRootObject: jsii.String("index.html"),
		HttpVersion:       awscloudfront.HttpVersion_HTTP2_AND_3,
		PriceClass:        priceClasses[s.PriceClass],
		// A policy takes IPv4 addresses only, so cookies could not work for a
		// viewer who connects over IPv6.
		EnableIpv6:     jsii.Bool(!s.BindViewerAddress),
		ErrorResponses: errorResponses(),
		DefaultBehavior: &awscloudfront.BehaviorOptions{
			Origin:                bucket(jsii.String("/" + publicFolder)),
			ViewerProtocolPolicy:  awscloudfront.ViewerProtocolPolicy_REDIRECT_TO_HTTPS,
			AllowedMethods:        awscloudfront.AllowedMethods_ALLOW_GET_HEAD(),
			CachePolicy:           videoCache(s),
			ResponseHeadersPolicy: awscloudfront.ResponseHeadersPolicy_SECURITY_HEADERS(),
			FunctionAssociations:  pageFunctions(stack, s, in),
		},
	}
	if len(s.DomainNames) > 0 {
		props.DomainNames = jsii.Strings(s.DomainNames...)
		props.Certificate = awscertificatemanager.Certificate_FromCertificateArn(stack, jsii.String("Certificate"), &s.CertificateArn)
		props.MinimumProtocolVersion = awscloudfront.SecurityPolicyProtocol_TLS_V1_2_2025
	}
	switch {
	case len(s.AllowCountries) > 0:
		props.GeoRestriction = awscloudfront.GeoRestriction_Allowlist(pointers(s.AllowCountries)...)
	case len(s.BlockCountries) > 0:
		props.GeoRestriction = awscloudfront.GeoRestriction_Denylist(pointers(s.BlockCountries)...)
	}
	acl := webACL(stack, s)
	props.WebAclId = acl
	if st.logs != nil {
		props.EnableLogging = jsii.Bool(true)
		props.LogBucket = st.logs
		props.LogFilePrefix = jsii.String(edgeLogs + "/")
		props.LogIncludesCookies = jsii.Bool(false) // they are credentials
	}
	distribution := awscloudfront.NewDistribution(stack, jsii.String("Distribution"), props)
	if s.Links {
		// Before premium/*, which has this path too: the first behavior that
		// matches is used.
		distribution.AddBehavior(jsii.String("/"+s.PremiumPath+"/*"+link.Suffix), api, &awscloudfront.AddBehaviorOptions{
			ViewerProtocolPolicy: awscloudfront.ViewerProtocolPolicy_HTTPS_ONLY, // the URL is a credential
			AllowedMethods:       awscloudfront.AllowedMethods_ALLOW_GET_HEAD(),
			TrustedKeyGroups:     &[]interfacesawscloudfront.IKeyGroupRef{keys.group},
			// A playlist differs with each signature. A cache key with one query
			// parameter needs a policy of one's own, which not every plan has.
			CachePolicy:           awscloudfront.CachePolicy_CACHING_DISABLED(),
			OriginRequestPolicy:   awscloudfront.OriginRequestPolicy_ALL_VIEWER_EXCEPT_HOST_HEADER(),
			ResponseHeadersPolicy: awscloudfront.ResponseHeadersPolicy_SECURITY_HEADERS(),
		})
	}
	distribution.AddBehavior(jsii.String("/api/*"), api, apiBehavior)
	distribution.AddBehavior(jsii.String("/"+s.PremiumPath+"/*"), bucket(nil), &awscloudfront.AddBehaviorOptions{
		ViewerProtocolPolicy:  awscloudfront.ViewerProtocolPolicy_REDIRECT_TO_HTTPS,
		AllowedMethods:        awscloudfront.AllowedMethods_ALLOW_GET_HEAD(),
		TrustedKeyGroups:      &[]interfacesawscloudfront.IKeyGroupRef{keys.group},
		CachePolicy:           videoCache(s),
		ResponseHeadersPolicy: awscloudfront.ResponseHeadersPolicy_SECURITY_HEADERS(),
	})
	if stack.existing.writesPolicyOf.bucket {
		newRetainedBucketPolicy(stack, st.bucket, distribution)
	}
	newSubscription(stack, s, distribution, acl)

	d := delivery{distribution: distribution, host: distribution.DistributionDomainName()}
	if own := s.Host(); own != "" {
		d.host = &own
	}
	return d
}

var priceClasses = map[string]awscloudfront.PriceClass{
	"PriceClass_100": awscloudfront.PriceClass_PRICE_CLASS_100,
	"PriceClass_200": awscloudfront.PriceClass_PRICE_CLASS_200,
	"PriceClass_All": awscloudfront.PriceClass_PRICE_CLASS_ALL,
}

func pointers(list []string) []*string { return *jsii.Strings(list...) }
