package main

import (
	"encoding/json"
	"io"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"premiumhls/signedcookie"
)

// Everything is measured once but for cdk synth, which others test, so that
// this command works when somebody needs it.
func TestMeasure(t *testing.T) {
	report, err := measure(t.Context(), "..", options{
		sections: []string{"signature", "request", "coldstart", "edge"},
		rounds:   1, time: time.Millisecond, requests: 2, starts: 1, warmUp: 1, fill: 3, hurry: true,
	}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	absent := func(what string) bool {
		return strings.Contains(strings.Join(report.Missing, "\n"), what)
	}
	for _, target := range report.Targets {
		t.Run(target.What, func(t *testing.T) {
			switch {
			case strings.Contains(target.What, "cdk synth"):
				return
			case strings.Contains(target.What, "Python") && absent("Python"), strings.Contains(target.What, "Node") && (absent("Node") || absent("JavaScript")):
				t.Skip(strings.Join(report.Missing, "; "))
			}
			if target.Missing {
				t.Error("not measured")
			}
		})
	}
	for name, values := range report.Samples {
		for _, value := range values {
			if !(value > 0) && !strings.HasSuffix(name, " B/op") && !strings.HasSuffix(name, " allocs/op") || math.IsInf(value, 0) {
				t.Errorf("%s: %v", name, value)
			}
		}
	}
	if len(report.Tables) != 4 {
		t.Errorf("%d tables", len(report.Tables))
	}
	for _, table := range append(report.Tables, report.Cost) {
		if len(table.Rows) < 3 {
			t.Errorf("%s: %d rows", table.Title, len(table.Rows))
		}
		for _, row := range table.Rows {
			if len(row) != len(table.Columns) || strings.Contains(strings.Join(row, "|"), "not measured") {
				t.Errorf("%s: %q below %q", table.Title, row, table.Columns)
			}
		}
		for _, note := range table.Notes {
			if strings.Contains(note, "not measured") {
				t.Errorf("%s: %s", table.Title, note)
			}
		}
	}
	if _, err := json.Marshal(report); err != nil {
		t.Errorf("as JSON: %v", err)
	}
}

// What does less than sign for the path that was asked for is no measure.
func TestCheck(t *testing.T) {
	s, err := newStore()
	if err != nil {
		t.Fatal(err)
	}
	defer s.server.Close()
	key, err := signedcookie.ParsePrivateKey([]byte(s.privateKey(signedcookie.ECDSAP256)))
	if err != nil {
		t.Fatal(err)
	}
	answer := func(status int, resource string, hash signedcookie.Hash) []byte {
		policy, err := signedcookie.Policy{Resource: resource, Expires: time.Now().Add(time.Hour)}.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		signature, err := signedcookie.Sign(key, hash, policy)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(map[string]any{"statusCode": status, "cookies": []string{
			signedcookie.PolicyCookie + "=" + signedcookie.Encode(policy) + "; Path=/",
			signedcookie.SignatureCookie + "=" + signedcookie.Encode(signature) + "; Path=/",
		}})
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	const resource = "https://" + host + "/premium/course-1/*"
	subject := ours("x", "", s, signedcookie.ECDSAP256)
	for _, c := range []struct {
		name   string
		answer []byte
		ok     bool
	}{
		{"cookies that open the path", answer(200, resource, signedcookie.SHA1), true},
		{"a refusal", answer(403, resource, signedcookie.SHA1), false},
		{"another path", answer(200, "https://"+host+"/premium/course-10/*", signedcookie.SHA1), false},
		{"another signature", answer(200, resource, signedcookie.SHA256), false},
		{"no cookies", []byte(`{"statusCode":200}`), false},
		{"no JSON", []byte(`oops`), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := subject.check("course-1", c.answer); (err == nil) != c.ok {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestCommand(t *testing.T) {
	for _, c := range []struct {
		name string
		args string
		err  string
	}{
		{"help", "-h", ""},
		{"no such flag", "-fast", "not defined"},
		{"no such part", "-only signature,tea", `"tea" is none of`},
		{"no rounds", "-rounds 0", "at least 1"},
		{"no time", "-time 1us", "at least 1ms"},
		{"an argument", "signature", "nothing follows"},
		{"a part of the README", "-only edge -readme", "needs all of"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := command(t.Context(), strings.Fields(c.args), io.Discard, io.Discard)
			if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
				t.Errorf("error %v, want one with %q", err, c.err)
			}
		})
	}
}

// The scripts say the version of the CDK that people are told to use.
func TestVersions(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(readme), "npx "+cdk+" deploy") {
		t.Errorf("the README does not deploy with %s", cdk)
	}
}
