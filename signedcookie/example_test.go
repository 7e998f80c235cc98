package signedcookie_test

import (
	"fmt"
	"net/netip"
	"time"

	"premiumhls/signedcookie"
)

// Make the cookies that open a course for an hour, and check them as CloudFront
// does.
func Example() {
	key, err := signedcookie.GenerateKey(signedcookie.ECDSAP256)
	if err != nil {
		panic(err)
	}
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	policy, err := signedcookie.Policy{
		Resource: "https://video.example.com/premium/course-1/*",
		Expires:  now.Add(time.Hour),
	}.Marshal()
	if err != nil {
		panic(err)
	}
	signature, err := signedcookie.Sign(key, signedcookie.SHA256, policy)
	if err != nil {
		panic(err)
	}
	cookies := map[string]string{
		signedcookie.PolicyCookie:        signedcookie.Encode(policy),
		signedcookie.SignatureCookie:     signedcookie.Encode(signature),
		signedcookie.KeyPairIDCookie:     "K2JCJMDEHXQW5F",
		signedcookie.HashAlgorithmCookie: string(signedcookie.SHA256),
	}

	received, err := signedcookie.Decode(cookies[signedcookie.PolicyCookie])
	if err != nil {
		panic(err)
	}
	sent, err := signedcookie.Decode(cookies[signedcookie.SignatureCookie])
	if err != nil {
		panic(err)
	}
	fmt.Println(signedcookie.Verify(key.Public(), signedcookie.SHA256, received, sent))
	parsed, err := signedcookie.ParsePolicy(received)
	if err != nil {
		panic(err)
	}
	fmt.Println(signedcookie.Match(parsed.Resource, "https://video.example.com/premium/course-1/master.m3u8"))
	fmt.Println(parsed.Ended(now.Add(2 * time.Hour)))
	// Output:
	// <nil>
	// true
	// true
}

func ExamplePolicy_Marshal() {
	policy, err := signedcookie.Policy{
		Resource: "https://video.example.com/premium/*",
		Expires:  time.Unix(1795525500, 0),
		SourceIP: "192.0.2.7",
	}.Marshal()
	fmt.Println(string(policy), err)
	// Without a resource it would open every distribution that trusts the key.
	_, err = signedcookie.Policy{Expires: time.Unix(1795525500, 0)}.Marshal()
	fmt.Println(err != nil)
	// Output:
	// {"Statement":[{"Resource":"https://video.example.com/premium/*","Condition":{"DateLessThan":{"AWS:EpochTime":1795525500},"IpAddress":{"AWS:SourceIp":"192.0.2.7"}}}]} <nil>
	// true
}

func ExamplePolicy_AllowsAddress() {
	policy := signedcookie.Policy{SourceIP: "192.0.2.0/24"}
	fmt.Println(policy.AllowsAddress(netip.MustParseAddr("192.0.2.7")), policy.AllowsAddress(netip.MustParseAddr("198.51.100.1")))
	// Output: true false
}

func ExampleEncode() {
	text := signedcookie.Encode([]byte{0xfb, 0xff, 0xfe, 0xff})
	bytes, err := signedcookie.Decode(text)
	fmt.Println(text, bytes, err)
	// Output: -~~-~w__ [251 255 254 255] <nil>
}

func ExampleMatch() {
	const pattern = "https://video.example.com/premium/course-?/*"
	fmt.Println(signedcookie.Match(pattern, "https://video.example.com/premium/course-1/lesson-2/master.m3u8"))
	fmt.Println(signedcookie.Match(pattern, "https://video.example.com/premium/course-10/master.m3u8"))
	// Output:
	// true
	// false
}
