package main

import (
	"encoding/json"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"premiumhls/signedcookie"
)

// Everything is measured once, except cdk synth, which other tests run.
func TestMeasure(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: skipped in short mode")
	}
	report, err := measure(t.Context(), "..", options{
		sections: []string{"signature", "request", "coldstart", "edge"},
		rounds:   1, benchTime: time.Millisecond, requests: 2, starts: 1, warmUp: 1, fill: 3, hurry: true,
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
			case (strings.Contains(target.What, "Python") || strings.Contains(target.What, "botocore")) && absent("Python"),
				(strings.Contains(target.What, "Node") || strings.Contains(target.What, "JavaScript")) && (absent("Node") || absent("JavaScript")):
				t.Skip(strings.Join(report.Missing, "; "))
			}
			if target.NotMeasured {
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

// A function that does less than sign for the requested path is not measured.
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
	response := func(status int, resource string, hash signedcookie.Hash) []byte {
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
		name     string
		response []byte
		ok       bool
	}{
		{"valid cookies for the path", response(200, resource, signedcookie.SHA256), true},
		{"a refusal", response(403, resource, signedcookie.SHA256), false},
		{"another path", response(200, "https://"+host+"/premium/course-10/*", signedcookie.SHA256), false},
		{"another hash", response(200, resource, signedcookie.SHA1), false},
		{"no cookies", []byte(`{"statusCode":200}`), false},
		{"not JSON", []byte(`oops`), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := subject.check("course-1", c.response); (err == nil) != c.ok {
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
		{"unknown flag", "-fast", "not defined"},
		{"unknown part", "-only signature,tea", `"tea"`},
		{"no rounds", "-rounds 0", "-rounds 0"},
		{"time too short", "-time 1us", "-time"},
		{"an argument", "signature", `"signature"`},
		{"a part of the docs", "-only edge -docs", "-docs"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := command(t.Context(), strings.Fields(c.args), io.Discard, io.Discard)
			if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
				t.Errorf("error %v, want one with %q", err, c.err)
			}
		})
	}
}
