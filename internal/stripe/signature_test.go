package stripe

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// The vector was checked with Stripe's Go library v85.0.0.
const (
	vectorSecret = "whsec_example"
	vectorTime   = 1750000000
	vectorBody   = `{"id":"evt_1","object":"event","api_version":"2026-09-30.endive","livemode":false,"type":"checkout.session.completed"}`
	vectorV1     = "daa71cf338fa621efdf6a7026bfadb4b31accda6ba71a8af699e22f766f52e01"
)

func TestSign(t *testing.T) {
	want := fmt.Sprintf("t=%d,v1=%s", vectorTime, vectorV1)
	if got := Sign(vectorSecret, []byte(vectorBody), time.Unix(vectorTime, 0)); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestVerify(t *testing.T) {
	good := fmt.Sprintf("t=%d,v1=%s", vectorTime, vectorV1)
	other := strings.Repeat("0", 64)
	for _, tt := range []struct {
		name    string
		header  string
		body    string
		secrets []string
		offset  time.Duration // of the receiver's clock
		want    error
	}{
		{name: "good", header: good},
		{name: "other order", header: fmt.Sprintf("v1=%s,t=%d", vectorV1, vectorTime)},
		{name: "another v1 before it", header: fmt.Sprintf("t=%d,v1=%s,v1=%s", vectorTime, other, vectorV1)},
		{name: "another v1 after it", header: fmt.Sprintf("t=%d,v1=%s,v1=%s", vectorTime, vectorV1, other)},
		{name: "a v1 that is not hex beside it", header: fmt.Sprintf("t=%d,v1=%s,v1=xyz", vectorTime, vectorV1)},
		{name: "other schemes", header: good + ",v0=" + other + ",v2=abc"},
		{name: "the new secret of two", header: good, secrets: []string{"whsec_old", vectorSecret}},
		{name: "the old secret of two", header: good, secrets: []string{vectorSecret, "whsec_new"}},
		{name: "five minutes old", header: good, offset: Tolerance},
		{name: "five minutes ahead", header: good, offset: -Tolerance},

		{name: "stale", header: good, offset: Tolerance + time.Second, want: ErrStale},
		{name: "from the future", header: good, offset: -Tolerance - time.Second, want: ErrFuture},
		{name: "forged and stale", header: fmt.Sprintf("t=%d,v1=%s", vectorTime, other), offset: time.Hour, want: ErrNoMatch},
		{name: "another body", header: good, body: vectorBody + " ", want: ErrNoMatch},
		{name: "another time", header: fmt.Sprintf("t=%d,v1=%s", vectorTime+1, vectorV1), want: ErrNoMatch},
		{name: "another secret", header: good, secrets: []string{"whsec_Example"}, want: ErrNoMatch},
		{name: "the secret without its prefix", header: good, secrets: []string{"example"}, want: ErrNoMatch},
		{name: "no secret", header: good, secrets: []string{}, want: ErrNoMatch},
		{name: "signed with an empty secret", header: Sign("", []byte(vectorBody), time.Unix(vectorTime, 0)), secrets: []string{""}, want: ErrNoMatch},
		{name: "v0 only", header: fmt.Sprintf("t=%d,v0=%s", vectorTime, vectorV1), want: ErrInvalidHeader},
		{name: "a space after the comma", header: fmt.Sprintf("t=%d, v1=%s", vectorTime, vectorV1), want: ErrInvalidHeader},
		{name: "two times", header: fmt.Sprintf("t=%d,%s", vectorTime, good), want: ErrInvalidHeader},
		{name: "two equals signs", header: good + ",v1==" + other, want: ErrInvalidHeader},
		{name: "no equals sign", header: good + ",v1", want: ErrInvalidHeader},
		{name: "no time", header: "v1=" + vectorV1, want: ErrInvalidHeader},
		{name: "a negative time", header: "t=-1,v1=" + vectorV1, want: ErrInvalidHeader},
		{name: "a fraction", header: "t=1750000000.5,v1=" + vectorV1, want: ErrInvalidHeader},
		{name: "a short v1", header: fmt.Sprintf("t=%d,v1=%s", vectorTime, vectorV1[:62]), want: ErrInvalidHeader},
		{name: "too many v1", header: good + strings.Repeat(",v1="+other, 10), want: ErrInvalidHeader},
		{name: "empty", header: "", want: ErrInvalidHeader},
	} {
		t.Run(tt.name, func(t *testing.T) {
			body, secrets := tt.body, tt.secrets
			if body == "" {
				body = vectorBody
			}
			if secrets == nil {
				secrets = []string{vectorSecret}
			}
			err := Verify(tt.header, []byte(body), secrets, time.Unix(vectorTime, 0).Add(tt.offset))
			if !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) {
				t.Errorf("%v, want %v", err, tt.want)
			}
		})
	}
}

func FuzzVerify(f *testing.F) {
	f.Add(fmt.Sprintf("t=%d,v1=%s", vectorTime, vectorV1))
	f.Add("t=1,t=2,v1=,v0=,=,,")
	f.Fuzz(func(t *testing.T, header string) {
		err := Verify(header, []byte(vectorBody), []string{vectorSecret}, time.Unix(vectorTime, 0))
		if err == nil && !strings.Contains(strings.ToLower(header), vectorV1) {
			t.Errorf("%q is accepted", header)
		}
	})
}
