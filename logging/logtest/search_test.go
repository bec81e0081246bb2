package logtest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/logging/logtest"
)

// found reports whether a report names a canary and a way of writing it.
func found(report []string, kind, place, encoding string) bool {
	return slices.ContainsFunc(report, func(line string) bool {
		return strings.Contains(line, ": "+kind+" ("+encoding) && strings.HasSuffix(line, "sent as "+place)
	})
}

// Every canary of every place is found in every encoding, and is not repeated.
func TestEveryCanaryInEveryEncoding(t *testing.T) {
	canaries, report := logtest.NewCorpus("/users/{id}")
	require.Greater(t, len(canaries), 400)
	pairs := 0
	check := func(c logtest.Canary, name, want, text string) {
		if text == "" {
			return
		}
		pairs++
		lines := report([]byte("time=now level=INFO msg=" + text + " status=200\n"))
		require.True(t, found(lines, c.Kind, c.Place, want), "%s, %s, %s: %q", c.Kind, c.Place, name, lines)
		require.Empty(t, report([]byte(strings.Join(lines, "\n"))), "the report holds a canary")
	}
	for _, c := range canaries {
		for _, e := range encodings {
			check(c, e.name, e.want, e.encode(c.Value))
		}
		for _, e := range encodings {
			for _, whole := range c.Wholes {
				if strings.Contains(e.want, "SHA") || strings.Contains(e.want, "MD5") {
					check(c, "whole field in "+e.name, e.want, e.encode(whole))
				}
			}
		}
		if c.Addr.IsValid() {
			for _, e := range addressEncodings {
				check(c, e.name, e.want, e.encode(c.Addr))
			}
		}
	}
	t.Logf("%d canaries, %d texts", len(canaries), pairs)
}

func TestFormsAreLongEnough(t *testing.T) {
	texts := logtest.Forms("/")
	for _, text := range texts {
		require.GreaterOrEqual(t, len(text), logtest.MinForm)
	}
	t.Logf("%d texts are looked for", len(texts))
}

// What may stand in a log is no leak.
func TestWhatIsNotFound(t *testing.T) {
	canaries, report := logtest.NewCorpus("/")
	for _, c := range canaries {
		text := fmt.Sprintf("status=200 %s %s", c.Place, c.Kind)
		switch {
		case c.Addr.Is4():
			p, _ := c.Addr.Prefix(24)
			text += p.String() + " " + p.Addr().String()
		case c.Addr.Is6():
			p, _ := c.Addr.Prefix(56)
			text += p.String() + " " + p.Addr().String()
		case c.Kind == "user agent":
			text += strings.Split(c.Value, ".0.")[0] // the major version
		case c.Kind == "e-mail address":
			_, domain, _ := strings.Cut(c.Value, "@")
			text += domain
		}
		require.Empty(t, report([]byte(text)))
	}
	require.Empty(t, report(nil))
	require.Empty(t, report([]byte("%\\u&#%%zz\\x\\u00\\ &amp; \xff\n\n{\"a\":")))
}

// The integer of an address must stand alone: as a part of something longer it
// is chance.
func TestShortFormsStandAlone(t *testing.T) {
	canaries, report := logtest.NewCorpus("/")
	i := slices.IndexFunc(canaries, func(c logtest.Canary) bool { return c.Addr.Is4() })
	b := canaries[i].Addr.As4()
	hex := fmt.Sprintf("%x", b[:])
	for text, leaks := range map[string]bool{
		hex: true, "ip=" + hex + ";": true, `"` + hex + `"`: true, "0x" + hex: true,
		hex + "-1c2d-4e3f-8a9b-000000000000": false, "a" + hex: false, hex + "0": false, "-" + hex: false,
	} {
		require.Equal(t, leaks, len(report([]byte(text))) > 0)
	}
}

// The report names the field of a line in JSON, and the line where it is none.
func TestFields(t *testing.T) {
	canaries, report := logtest.NewCorpus("/")
	i := slices.IndexFunc(canaries, func(c logtest.Canary) bool { return c.Kind == "token" && c.Place == "path" })
	v := canaries[i].Value
	for _, c := range []struct{ name, text, want string }{
		{"a value", `{"url.path":"/x/` + v + `","status":200}`, `line 1, field "url.path": token (plain), sent as path`},
		{"below", `{"http":{"request":{"path":"` + v + `"}}}`, `line 1, field "http > request > path": token (plain), sent as path`},
		{"in a list", `{"args":[1,["` + v + `"]]}`, `line 1, field "args": token (plain), sent as path`},
		{"a key", `{"headers":{"` + v + `":"1"}}`, `line 1, field "(a key)": token (plain), sent as path`},
		{"below such a key", `{"` + v + `":{"x":"` + v + `"}}`, `line 1, field "(a key)": token (plain), sent as path`},
		{"deeper than is named", `{"a":{"b":{"c":{"d":{"e":{"f":{"g":"` + v + `"}}}}}}}`, `line 1, field "a > b > c > d > e > f": token (plain), sent as path`},
		{"text", "ok\nGET /" + v + " 200\n", `line 2: token (plain), sent as path`},
		{"no JSON", `{"a":"` + v, `line 1: token (plain), sent as path`},
		{"a list", `["` + v + `"]`, `line 1: token (plain), sent as path`},
		{"behind a time", `now {"a":"` + v + `"}`, `line 1: token (plain), sent as path`},
		{"the second of two keys", `{"a":"` + v + `","a":1}`, `line 1: token (plain), sent as path`},
		{"twice", `{"a":"` + v + `"}` + "\n" + `{"a":"` + v + `"}`, `line 1, field "a": token (plain), sent as path (2 such lines)`},
	} {
		t.Run(c.name, func(t *testing.T) { require.Equal(t, []string{c.want}, report([]byte(c.text))) })
	}
	all := make([]string, 0, len(canaries))
	for _, c := range canaries {
		if c.Kind == "token" {
			all = append(all, c.Value)
		}
	}
	lines := report([]byte(strings.Join(all, " ")))
	require.Len(t, lines, 1)
	require.Regexp(t, `^line 1: token \(plain\), sent as path; .*; and \d+ other places$`, lines[0])
}

// Each place has its own canary, and each run has its own. Of IPv4 there is not
// enough for two runs.
func TestNoCanaryIsUsedTwice(t *testing.T) {
	before := map[string]bool{}
	for range 2 {
		now := map[string]bool{}
		canaries, _ := logtest.NewCorpus("/")
		for _, c := range canaries {
			require.False(t, now[c.Core] || before[c.Core] && !c.Addr.Is4(), "%s as %s", c.Kind, c.Place)
			now[c.Core] = true
		}
		before = now
	}
}

// Whatever surrounds a canary, it is found; whatever the text, nothing else is.
func FuzzSearch(f *testing.F) {
	canaries, report := logtest.NewCorpus("/")
	i := slices.IndexFunc(canaries, func(c logtest.Canary) bool { return c.Kind == "token" })
	token := canaries[i].Value
	f.Add("%", "%25")
	f.Add(`{"a":"\u`, `"}`)
	f.Add("&#", ";\\x4")
	f.Add(`{"a":[{"b":`, `1e400}]}`)
	f.Fuzz(func(t *testing.T, before, after string) {
		if lines := report([]byte(before + after)); len(lines) > 0 {
			t.Fatalf("%q gives %q", before+after, lines)
		}
		lines := report([]byte(before + token + after))
		if len(lines) == 0 {
			t.Fatalf("not found between %q and %q", before, after)
		}
		if again := report([]byte(strings.Join(lines, "\n"))); len(again) > 0 {
			t.Fatal("the report holds a canary")
		}
	})
}

func FuzzTarget(f *testing.F) {
	f.Add("/users/{id}/x/{rest...}")
	f.Add("/{$}")
	f.Add("/{{}}{")
	f.Fuzz(func(t *testing.T, path string) {
		out := logtest.Target(path, "s")
		if !strings.ContainsAny(path, "{") && out != path {
			t.Fatalf("%q became %q", path, out)
		}
		if strings.Contains(out, "{") {
			t.Fatalf("%q keeps a brace: %q", path, out)
		}
	})
}
