package main

import "testing"

func TestResolve(t *testing.T) {
	const folder = "/premium/course-1/lesson-1/v1/"
	for name, test := range map[string]struct {
		uri  string
		path string // empty: never signed
		host string
	}{
		"relative":                  {uri: "seg1.ts", path: folder + "seg1.ts"},
		"below":                     {uri: "360p/seg1.ts", path: folder + "360p/seg1.ts"},
		"dot":                       {uri: "./seg1.ts", path: folder + "seg1.ts"},
		"up and down":               {uri: "../v1/seg1.ts", path: folder + "seg1.ts"},
		"up":                        {uri: "../seg1.ts", path: "/premium/course-1/lesson-1/seg1.ts"},
		"out of the lesson":         {uri: "../../lesson-2/seg1.ts", path: "/premium/course-1/lesson-2/seg1.ts"},
		"out of everything":         {uri: "../../../../../seg1.ts", path: "/seg1.ts"},
		"in the middle":             {uri: "a/../b/./seg1.ts", path: folder + "b/seg1.ts"},
		"from the root":             {uri: "/premium/course-1/lesson-1/x.ts", path: "/premium/course-1/lesson-1/x.ts"},
		"from the root, up":         {uri: "/premium/course-1/lesson-1/../lesson-2/x.ts", path: "/premium/course-1/lesson-2/x.ts"},
		"absolute":                  {uri: "https://d111.cloudfront.net/premium/x.ts", path: "/premium/x.ts", host: "d111.cloudfront.net"},
		"of a host":                 {uri: "//d111.cloudfront.net/premium/x.ts", path: "/premium/x.ts", host: "d111.cloudfront.net"},
		"another host":              {uri: "https://evil.example/premium/x.ts", path: "/premium/x.ts", host: "evil.example"},
		"a query":                   {uri: "seg1.ts?v=1&w", path: folder + "seg1.ts"},
		"a fragment":                {uri: "seg1.ts#t=1", path: folder + "seg1.ts"},
		"three dots":                {uri: ".../seg1.ts", path: folder + ".../seg1.ts"},
		"a colon later":             {uri: "./a:b.ts", path: folder + "a:b.ts"},
		"a colon in a folder":       {uri: "a/b:c.ts", path: folder + "a/b:c.ts"},
		"signs":                     {uri: "a!$&'()*+,;=@.ts", path: folder + "a!$&'()*+,;=@.ts"},
		"an escaped space":          {uri: "seg%201.ts", path: folder + "seg%201.ts"},
		"a space":                   {uri: "seg 1.ts", path: folder + "seg%201.ts"},
		"escaped letters":           {uri: "%D1%83.ts", path: folder + "%D1%83.ts"},
		"letters":                   {uri: "у.ts", path: folder + "%D1%83.ts"},
		"full-width dots are names": {uri: "\uff0e\uff0e/x.ts", path: folder + "%EF%BC%8E%EF%BC%8E/x.ts"},

		"empty":                        {uri: ""},
		"a query alone":                {uri: "?x=1"},
		"the folder":                   {uri: "."},
		"the folder above":             {uri: ".."},
		"a folder":                     {uri: "a/"},
		"an empty segment":             {uri: "a//b.ts"},
		"an empty segment, then up":    {uri: "a//../b.ts"},
		"three slashes":                {uri: "///premium/x.ts"},
		"a host alone":                 {uri: "https://d111.cloudfront.net"},
		"no host":                      {uri: "https:///premium/x.ts"},
		"http":                         {uri: "http://d111.cloudfront.net/premium/course-1/lesson-1/x.ts"},
		"a scheme in capitals":         {uri: "HTTPS://d111.cloudfront.net/premium/x.ts"},
		"a scheme alone":               {uri: "https:x.ts"},
		"a scheme and a path":          {uri: "https:/premium/x.ts"},
		"javascript":                   {uri: "javascript:alert(1)"},
		"javascript and a path":        {uri: "javascript:/premium/course-1/lesson-1/x"},
		"data":                         {uri: "data:text/plain,x"},
		"FairPlay":                     {uri: "skd://key"},
		"a colon in the first segment": {uri: "a:b.ts"},
		"backslashes":                  {uri: `..\..\lesson-2\x.ts`},
		"a backslash host":             {uri: `/\evil.example/x.ts`},
		"escaped dots":                 {uri: "%2e%2e/x.ts"},
		"escaped dots in capitals":     {uri: "%2E%2E/x.ts"},
		"one escaped dot":              {uri: ".%2e/x.ts"},
		"escaped twice":                {uri: "%252e%252e/x.ts"},
		"an escaped slash":             {uri: "..%2fx.ts"},
		"an escaped backslash":         {uri: "..%5cx.ts"},
		"an escaped letter":            {uri: "%63.ts"},
		"an escaped question mark":     {uri: "a%3fb.ts"},
		"an escaped number sign":       {uri: "a%23b.ts"},
		"an escaped line break":        {uri: "a%0ab.ts"},
		"an escaped null byte":         {uri: "a%00b.ts"},
		"an escaped delete":            {uri: "a%7fb.ts"},
		"half an escape":               {uri: "a%2"},
		"no escape":                    {uri: "a%zz.ts"},
		"a sign in an escape":          {uri: "a%+1.ts"},
		"a tab":                        {uri: "a\tb.ts"},
		"a tab in dots":                {uri: ".\t./x.ts"},
		"a space before":               {uri: " a.ts"},
		"a space after":                {uri: "a.ts "},
		"another space after":          {uri: "a.ts\u00a0"},
		"a line separator":             {uri: "a\u2028b.ts"},
		"a direction mark":             {uri: "a\u202eb.ts"},
		"a variable":                   {uri: "{$x}/a.ts"},
		"brackets":                     {uri: "a[1].ts"},
		"a quotation mark":             {uri: `a"b.ts`},
		"angle brackets":               {uri: "a<b>.ts"},
		"user and password":            {uri: "https://d111.cloudfront.net@evil.example/x"},
		"signed":                       {uri: "a.ts?Policy=x"},
		"signed in part":               {uri: "a.ts?x=1&Expires=1"},
		"signed, escaped":              {uri: "a.ts?%50olicy=x"},
		"with our parameter":           {uri: "a.m3u8?l=x"},
		"a space in the query":         {uri: "a.ts?x= 1"},
		"a bad escape in the query":    {uri: "a.ts?x=%2"},
		"a bad escape in the fragment": {uri: "a.ts#%"},
		"a reserved name":              {uri: "a.link.m3u8"},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := resolve(folder, test.uri)
			if name == "user and password" {
				// A host that no link has.
				if l := (grant{host: "d111.cloudfront.net", folder: "/"}); l.covers(got) {
					t.Errorf("%q is signed", test.uri)
				}
				return
			}
			if ok != (test.path != "") || got.path != test.path || got.host != test.host {
				t.Errorf("%q is %q at %q, %t; want %q at %q", test.uri, got.path, got.host, ok, test.path, test.host)
			}
		})
	}
}
