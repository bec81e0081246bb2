package audit_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/logging/logaudit/audit"
)

func TestTablesAreTheExpressions(t *testing.T) {
	expressions := []string{
		``, `^$`, `$^`, `a`, `^a`, `a$`, `^a$`, `^(a|b)*$`, `(|a)*b`, `((a*)*)*$`, `^[^ ]*$`, `^\d{2,4}$`, `^(?i)abc$`, `(?s)^.$`, `^.$`,
		`a|^b$`, `^a{0}$`, `^[^\x00-\x7f]*$`, `^(a?){3}b?$`, `(^a|b$)`, `a*?b`, `^/[^?#]*$`, `^[1-9]\d\d$`, `[^a]`,
	}
	texts := []string{"", "a", "b", "ab", "ba", "aab", "abab", "aaaa", "abc", "ABC", " ", "12", "123", "12345", "/", "/a?b", "\n", "a\n", "xax", "200", "020"}
	for _, e := range expressions {
		re := regexp.MustCompile(e)
		for _, text := range texts {
			got, known := audit.Match(e, text)
			require.True(t, known, e)
			require.Equal(t, re.MatchString(text), got, "%s on %q", e, text)
		}
	}
}

func TestWhatHasNoTableIsLeftToRegexp(t *testing.T) {
	for _, e := range []string{`\ba`, `(?m)^a$`, `^(a|aa)(b|bb){1,900}(a|b){12}c{900}$`} {
		_, known := audit.Match(e, "a")
		require.False(t, known, e)
	}
}

func FuzzMatch(f *testing.F) {
	f.Add(`^(a|b){2,3}$`, "aba")
	f.Add(`(|a)*(b|$)`, "aa")
	f.Add(`[^a-c]+^x?`, "dx")
	f.Fuzz(func(t *testing.T, expression, text string) {
		if len(expression) > 64 || strings.ContainsFunc(text, func(r rune) bool { return r >= 0x80 }) {
			return
		}
		re, err := regexp.Compile(expression)
		if err != nil {
			return
		}
		if got, known := audit.Match(expression, text); known {
			require.Equal(t, re.MatchString(text), got, "%q on %q", expression, text)
		}
	})
}

// A field is searched for what its form leaves room for.
func TestFormsRuleOut(t *testing.T) {
	const all = "email token card phone address"
	for _, c := range []struct{ name, form, want string }{
		{"no form", ``, all},
		{"anything but spaces", `^[^ ]*$`, all},
		{"a route", `^/[^?#]*$`, all},
		{"an enumeration", `^(desktop|mobile|tablet)$`, ""},
		{"a time", `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$`, ""},
		{"a UUID", `^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`, ""},
		{"a pseudonym", `^p1:\d{8}(\d{4})?:[0-9a-f]{32}$`, ""},
		{"base64url of fixed length", `^[A-Za-z0-9_-]{22}$`, ""},
		{"a hash of one of several lengths", `^[0-9a-f]{32,64}$`, ""},
		{"a short number", `^\d{1,4}$`, ""},
		{"any number", `^\d+$`, "token card"},
		{"a card's form", `^\d{4}-\d{4}-\d{4}-\d{4}$`, "token card"},
		{"an address's form", `^\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}$`, "address"},
		{"a phone's form", `^\+\d{8}$`, "phone"},
		{"words", `^[A-Za-z0-9 ._-]{1,32}$`, "token card address"},
		{"an origin", `^https?://[a-z0-9.-]{1,253}(:\d{1,5})?$`, "token card address"},
		{"an identifier and something behind it", `^[0-9a-f]{32}-[^ ]*$`, all},
		{"not anchored", `[0-9a-f]{32}`, all},
	} {
		t.Run(c.name, func(t *testing.T) { require.Equal(t, c.want, audit.Open(c.form)) })
	}
}
