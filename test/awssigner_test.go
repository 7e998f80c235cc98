package test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"testing"
	"time"

	"premiumhls/signedcookie"
	"premiumhls/stacks/assets/npm"
)

// The signer's cookies are those of AWS's own signer, and each side accepts what
// the other signed. Package signedcookie compares signatures with OpenSSL's.
func TestCookiesAreThoseOfAWSSigner(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: skipped in short mode")
	}
	node := find(t, "Node (https://nodejs.org)", "node")
	if err := npm.Install(t.Context(), "."); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []struct {
		key  signedcookie.KeyType
		hash signedcookie.Hash
	}{
		{signedcookie.ECDSAP256, signedcookie.SHA256},
		{signedcookie.RSA2048, signedcookie.SHA256},
		{signedcookie.RSA2048, signedcookie.SHA1},
	} {
		hash := kind.hash
		t.Run(string(kind.key)+" "+string(hash), func(t *testing.T) {
			settings := map[string]any{"signingKeyType": string(kind.key), "signatureHash": string(hash)}
			s := newSite(t, settings)
			stored, ok := s.Parameters.Get("/PremiumHls/signing-keys/2026-11")
			if !ok {
				t.Fatal("no private key is stored")
			}
			ours := map[string]string{}
			cookies := s.Cookies("ada", "course-1")
			for _, c := range cookies {
				ours[c.Name] = c.Value
			}
			policy, err := signedcookie.Decode(ours[signedcookie.PolicyCookie])
			if err != nil {
				t.Fatal(err)
			}
			request := map[string]any{
				"privateKey": stored.Value, "keyPairId": ours[signedcookie.KeyPairIDCookie], "algorithm": hash, "policy": string(policy),
				"verify": map[string]string{"policy": ours[signedcookie.PolicyCookie], "signature": ours[signedcookie.SignatureCookie]},
			}
			theirs := awsSigner(t, node, request)
			if kind.key == signedcookie.ECDSAP256 { // its signatures are random
				ours[signedcookie.SignatureCookie] = theirs.Cookies[signedcookie.SignatureCookie]
			}
			if fmt.Sprint(theirs.Cookies) != fmt.Sprint(ours) {
				t.Errorf("for the same policy AWS's signer returns\n%v\nours returns\n%v", theirs.Cookies, ours)
			}
			if !theirs.Verified {
				t.Error("Node rejects our signature")
			}

			// The edge accepts their cookies too.
			parsed, err := signedcookie.ParsePolicy(policy)
			if err != nil {
				t.Fatal(err)
			}
			delete(request, "policy")
			request["url"] = parsed.Resource
			request["dateLessThan"] = time.Now().Add(30 * time.Minute).UTC().Format(time.RFC3339)
			request["ipAddress"] = "127.0.0.0/8"
			their := awsSigner(t, node, request)
			var jar []*http.Cookie
			for name, value := range their.Cookies {
				jar = append(jar, &http.Cookie{Name: name, Value: value})
			}
			if r := s.Get("/premium/course-1/sample/master.m3u8", jar...); r.StatusCode != 200 {
				t.Errorf("with cookies of AWS's signer: %d %s", r.StatusCode, r.Bytes)
			}
			if r := s.Get("/premium/course-2/sample/master.m3u8", jar...); r.StatusCode != 403 {
				t.Errorf("they open another course: %d", r.StatusCode)
			}
		})
	}
}

type signed struct {
	Cookies  map[string]string
	Verified bool
}

func awsSigner(t *testing.T, node string, request map[string]any) (answer signed) {
	t.Helper()
	input, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(node, "awssigner.mjs")
	command.Stdin = bytes.NewReader(input)
	var complaints bytes.Buffer
	command.Stderr = &complaints
	output, err := command.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, complaints.String())
	}
	if err := json.Unmarshal(output, &answer); err != nil {
		t.Fatalf("%s: %v", output, err)
	}
	return answer
}
