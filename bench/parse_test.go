package main

import (
	"reflect"
	"testing"
	"time"
)

func TestParseBenchmarks(t *testing.T) {
	got := parseBenchmarks([]byte(`goos: linux
pkg: premiumhls/lambda/signer
BenchmarkCookies/RSA-SHA256/cached-2         	11211571	        57.25 ns/op	       0 B/op	       0 allocs/op
BenchmarkSDKCookies-16    421	   1250712 ns/op	    2702 B/op	      18 allocs/op
BenchmarkOneProcessor   	 84874	      3792 ns/op
BenchmarkDecide/behaviors=75-2  	 84874	      3792 ns/op	  12.5 MB/s
BenchmarkAlternating-2  	 100	   2500000 ns/op	   1210000 SDK-ns	   1200000 signer-ns
BenchmarkNothing-2
BenchmarkBroken-2   x y z
PASS
`))
	want := []result{
		{"Cookies/RSA-SHA256/cached", map[string]float64{"ns/op": 57.25, "B/op": 0, "allocs/op": 0}},
		{"SDKCookies", map[string]float64{"ns/op": 1250712, "B/op": 2702, "allocs/op": 18}},
		{"OneProcessor", map[string]float64{"ns/op": 3792}},
		{"Decide/behaviors=75", map[string]float64{"ns/op": 3792, "MB/s": 12.5}},
		{"Alternating", map[string]float64{"ns/op": 2500000, "SDK-ns": 1210000, "signer-ns": 1200000}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestParseSpeed(t *testing.T) {
	got := parseSpeed("+H:something\n+F2:2:2048:1279.000000:38064.000000\n+F4:3:256:35200.000000:11493.000000\n+F4:3:256:0:x\n+F5:1\n")
	want := map[string]float64{"sign/RSA_2048": 1279, "verify/RSA_2048": 38064, "sign/ECDSA_P256": 35200, "verify/ECDSA_P256": 11493}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestParseInitTrace(t *testing.T) {
	got := parseInitTrace(`init internal/bytealg @0 ms, 0 ms clock, 0 bytes, 0 allocs
init time @2.3 ms, 0.009 ms clock, 256 bytes, 2 allocs
init premiumhls/lambda/internal/entitlement @10 ms, 0.5 ms clock, 20600 bytes, 234 allocs
{"msg":"init @9 ms, 7 ms clock,"}
`)
	if want := 509 * time.Microsecond; got != want {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestLogTime(t *testing.T) {
	log := "not JSON\n" + `{"time":"2026-11-24T10:00:00.5Z","level":"INFO","msg":"other"}` + "\n" + `{"time":"2026-11-24T10:00:01.25Z","level":"INFO","msg":"x","keys":["2026-11"]}` + "\n"
	got, err := logTime(log, "keys")
	if want := time.Date(2026, 11, 24, 10, 0, 1, 250_000_000, time.UTC); err != nil || !got.Equal(want) {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := logTime(log, "cause"); err == nil {
		t.Error("found a field that is not in the log")
	}
}
