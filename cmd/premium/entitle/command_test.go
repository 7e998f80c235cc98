package main

import (
	"errors"
	"flag"
	"strings"
	"testing"
	"time"
)

var now = time.Date(2026, 11, 24, 12, 0, 0, 500, time.UTC)

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t
}

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		line string
		want command
		err  string
	}{
		{"grant -table t ada course-1", command{"grant", "t", "", "ada", "course-1", time.Time{}}, ""},
		{"grant -stack s ada *", command{"grant", "", "s", "ada", "*", time.Time{}}, ""},
		{"grant -table t -until 2027-01-31 ada a/b", command{"grant", "t", "", "ada", "a/b", at("2027-02-01T00:00:00Z")}, ""},
		{"grant -table t -until 2026-11-24 ada a", command{"grant", "t", "", "ada", "a", at("2026-11-25T00:00:00Z")}, ""},
		{"grant -table t -until 2027-01-31T12:00:00+01:00 ada a", command{"grant", "t", "", "ada", "a", at("2027-01-31T11:00:00Z")}, ""},
		{"grant -table t -until 30d ada a", command{"grant", "t", "", "ada", "a", at("2026-12-24T12:00:00Z")}, ""},
		{"grant -table t -until 12h30m ada a", command{"grant", "t", "", "ada", "a", at("2026-11-25T00:30:00Z")}, ""},
		{"grant -table t auth0|5f7c8ec7c33c6c004bbafe82 a", command{"grant", "t", "", "auth0|5f7c8ec7c33c6c004bbafe82", "a", time.Time{}}, ""},
		{"revoke -table t ada course-1", command{"revoke", "t", "", "ada", "course-1", time.Time{}}, ""},
		{"list -table t", command{verb: "list", table: "t"}, ""},
		{"list -table t ada", command{verb: "list", table: "t", viewer: "ada"}, ""},

		{"", command{}, "say what to do"},
		{"give -table t ada a", command{}, "not grant, revoke or list"},
		{"grant ada a", command{}, "say which table"},
		{"list -table t -stack s", command{}, "say which table"},
		{"grant -table t ada", command{}, "needs a viewer and a path"},
		{"revoke -table t", command{}, "needs a viewer and a path"},
		{"grant -table t ada a b", command{}, "in quotes"}, // * became the names of files
		{"grant ada a -table t", command{}, "options come before"},
		{"list -table t ada a", command{}, "one viewer"},
		{"revoke -table t -until 30d ada a", command{}, "not defined: -until"},
		{"grant -table t ada course-1/", command{}, "cannot be granted"},
		{"grant -table t ada /course-1", command{}, "cannot be granted"},
		{"grant -table t ada course-*", command{}, "cannot be granted"},
		{"grant -table t ada ..", command{}, "cannot be granted"},
		{"revoke -table t ada a//b", command{}, "cannot be granted"},
		{"grant -table t -until soon ada a", command{}, "it must be a day"},
		{"grant -table t -until 1767225600 ada a", command{}, "it must be a day"},
		{"grant -table t -until 2026-11-23 ada a", command{}, "is past"},
		{"grant -table t -until -1h ada a", command{}, "is past"},
		{"grant -table t -until 0d ada a", command{}, "is past"},
		{"grant -table t -until 9999-12-31 ada a", command{}, "after the year 9999"},
		{"grant -table t \x07 a", command{}, "cannot be seen"},
		{"grant -table t " + strings.Repeat("a", 2049) + " a", command{}, "longer than 2048"},
	} {
		t.Run(tt.line, func(t *testing.T) {
			got, err := parse(strings.Fields(tt.line), now)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("error %v, want one with %q", err, tt.err)
				}
				return
			}
			if err != nil || got != tt.want {
				t.Errorf("%+v, %v; want %+v", got, err, tt.want)
			}
		})
	}
	for _, args := range [][]string{{"-h"}, {"help"}, {"grant", "-h"}} {
		if _, err := parse(args, now); !errors.Is(err, flag.ErrHelp) {
			t.Errorf("%q: %v", args, err)
		}
	}
	for _, args := range [][]string{{"grant", "-table", "t", "", "a"}, {"grant", "-table", "t", "ada", ""}} {
		if _, err := parse(args, now); err == nil || !strings.Contains(err.Error(), "is empty") {
			t.Errorf("%q: %v", args, err)
		}
	}
}
