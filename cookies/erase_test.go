package cookies_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/cookies"
)

// Whoever is erased loses every declared cookie, those of essential purposes
// included, on every path, and no other: Clear-Site-Data would take the refusal
// along. A withdrawal leaves the essential ones.
func TestErasureExpiresEverythingDeclared(t *testing.T) {
	cart := spec("cart", necessary)
	cart.Variants = []cookies.Variant{{Path: "/shop"}}
	nel := cookies.Spec{Name: "NEL", Field: true, Purpose: consent.Analytics, Description: consent.Text{"en": "-"}}
	s := newSite(t, options{specs: append(specs(), cart, nel)}, func(http.ResponseWriter, *http.Request) {})
	granted := s.choose("", `{"analytics":true}`)
	const seen = "; sid=1; _ga=2; _ga_X=3; fbp=4; rogue=5"

	expired := func(w *http.Response) (names []string) {
		for _, line := range set(w) {
			name, rest, _ := strings.Cut(line, "=")
			if strings.HasSuffix(name, "consent") {
				continue
			}
			require.Contains(t, rest, "Max-Age=0", line)
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		return names
	}
	w, _ := s.do("POST", "/privacy/withdraw", granted+seen, "")
	require.Equal(t, []string{"_ga", "_ga_X", "fbp"}, expired(w))

	granted = s.choose("", `{"analytics":true}`)
	w, _ = s.do("POST", "/privacy/erase", granted+seen, "")
	require.Equal(t, 200, w.StatusCode)
	require.Equal(t, []string{"_ga", "_ga_X", "cart", "fbp", "sid"}, expired(w))
	require.Equal(t, `{"max_age":0}`, w.Header.Get("NEL"))
	require.Empty(t, w.Header.Get("Clear-Site-Data"))
	lines := set(w)
	require.Len(t, slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return !strings.HasPrefix(l, "_ga=") }), 3, "on every variant")
	require.True(t, slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, "cart=; Path=/shop;") }))
	require.True(t, slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, "__Host-consent=") }), "a refusal, as everybody's")
}
