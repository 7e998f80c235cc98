package link

import (
	"testing"

	"premiumhls/signedcookie"
)

func TestQuery(t *testing.T) {
	media, playlist := Query("P", "S", "K", signedcookie.SHA256)
	if want := "Policy=P&Signature=S&Key-Pair-Id=K&Hash-Algorithm=SHA256"; media != want || playlist != want+"&l=P.S.K.SHA256" {
		t.Errorf("%s and %s", media, playlist)
	}
	media, playlist = Query("P", "S", "K", signedcookie.SHA1)
	if want := "Policy=P&Signature=S&Key-Pair-Id=K"; media != want || playlist != want+"&l=P.S.K.SHA1" {
		t.Errorf("%s and %s", media, playlist)
	}
}

func TestRedact(t *testing.T) {
	for address, want := range map[string]string{
		"/a":                          "/a",
		"/a?b=1&c":                    "/a?b=1&c",
		"/a?Expires=1":                "/a?Expires=1",
		"/a?Policy=x":                 "/a",
		"/a?b=1&Signature=x&c":        "/a",
		"/a?Key-Pair-Id=x":            "/a",
		"/a?l=x":                      "/a",
		"/a?b=1&l=x":                  "/a",
		"/a?%6c=x":                    "/a",
		"/a?%50olicy=x":               "/a",
		"/a?ll=x&policy=y":            "/a?ll=x&policy=y",
		"https://h/a.link.m3u8?x&l=y": "https://h/a.link.m3u8",
		"/a?b?l=x":                    "/a?b?l=x",
		"/a?%zz&l=x":                  "/a",
		"/a?MySignature=none":         "/a?MySignature=none",
		"":                            "",
	} {
		if got := Redact(address); got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
}

func TestIsReserved(t *testing.T) {
	for query, want := range map[string]bool{
		"": false, "v=1": false, "policy=1": false, "Policy=1": true, "v&Hash-Algorithm": true, "%45xpires=1": true, "l=": true, "L=": false, "%zz=1": true,
	} {
		if got := IsReserved(query); got != want {
			t.Errorf("%s: %t", query, got)
		}
	}
}
