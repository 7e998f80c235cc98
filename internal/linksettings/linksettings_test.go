package linksettings

import (
	"strings"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	const good = `{"bucket":"videos","premiumPath":"premium","parameterPrefix":"/PremiumHls","allowedOrigins":["https://a.example"]}`
	d, err := Parse(good)
	if err != nil {
		t.Fatal(err)
	}
	if d.Bucket != "videos" || d.PremiumPath != "premium" || d.ParameterPrefix != "/PremiumHls" || len(d.AllowedOrigins) != 1 || d.Refresh() != 5*time.Minute {
		t.Errorf("%+v", d)
	}
	for name, test := range map[string]struct{ old, new, want string }{
		"no bucket":          {`"videos"`, `""`, `bucket: invalid value ""`},
		"everything premium": {`"premium"`, `""`, `premiumPath: invalid value ""`},
		"a wildcard":         {`"premium"`, `"*"`, `premiumPath: invalid value "*"`},
		"no prefix":          {`"/PremiumHls"`, `"PremiumHls"`, `parameterPrefix: invalid value "PremiumHls"`},
		"never read again":   {`{"bucket"`, `{"refreshSeconds":-1,"bucket"`, "refreshSeconds: invalid value -1: must be between 1 and 3600"},
		"an unknown member":  {`{"bucket"`, `{"distribution":"x","bucket"`, `unknown field "distribution"`},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Parse(strings.Replace(good, test.old, test.new, 1)); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %s", err, test.want)
			}
		})
	}
}
