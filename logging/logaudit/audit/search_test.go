package audit_test

import (
	"encoding/base64"
	"encoding/hex"
	"math/rand/v2"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/logging/logaudit/audit"
)

func TestSearch(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"nothing", "", ""},
		{"a route", "/users/{id}/orders/{order}", ""},
		{"a query", "page=2&sort=name_desc", ""},

		{"mail", "jo@example.org", "email"},
		{"mail in a query", "x=1&to=jo.doe+tag@mail.example.co.uk&y", "email"},
		{"mail encoded", "to=jo%40example.org", "email"},
		{"mail encoded twice", "to=jo%2540example%252Eorg", "email"},
		{"mail beyond ASCII", "jürgen@bücher.example", "email"},
		{"mail quoted", `"jo doe"@example.org`, "email"},
		{"a handle", "/@jo", ""},
		{"a package", "/npm/@scope/name.js", ""},
		{"a host with a user", "https://jo@localhost", ""},
		{"at without a name", "@example.org", ""},

		{"card", "4111111111111111", "card"},
		{"card in a text", "pan=5555555555554444&x", "card"},
		{"card in groups", "n=4111-1111-1111-1111", "card"},
		{"card with spaces", "4111 1111 1111 1111", "card"},
		{"card with encoded spaces", "4111%201111%201111%201111", "card"},
		{"card of fifteen digits", "378282246310005", "card"},
		{"card of fifteen digits in groups", "3782 822463 10005", "card"},
		{"card behind another number", "12-4111-1111-1111-1111", "card"},
		{"wrong check digit", "4111111111111112", ""},
		{"nobody's prefix", "9111111111111119", ""},
		{"a longer number", "41111111111111110000", ""},
		{"marks that differ", "4111-1111 1111-1111", ""},

		{"phone", "+491701234567", "phone"},
		{"phone with spaces", "+49 170 1234567", "phone"},
		{"phone with marks", "tel=+1 (212) 555-0100", "phone"},
		{"phone encoded", "tel=%2B491701234567", "phone"},
		{"too short", "+4917012", ""},
		{"no country", "+0491701234567", ""},
		{"a version", "1.2.3+20261124", ""},
		{"a sum", "12+1234567890", ""},
		{"an offset", "2026-11-24T10:00:00+01:00", ""},

		{"IPv4", "203.0.113.77", "address"},
		{"IPv4 in a name", "203.0.113.77.static.example.net", "address"},
		{"IPv4 at the end of a name", "a.203.0.113.77", "address"},
		{"IPv4 with a port", "203.0.113.77:8080", "address"},
		{"IPv4 behind a scheme", "http://203.0.113.77/", "address"},
		{"IPv4 truncated", "203.0.113.0", ""},
		{"a version of four numbers", "Chrome 120.0.6099.224", ""},
		{"a number of five parts", "1.3.6.1.4", ""},
		{"IPv6", "2001:db8:c0de:feed:1:2:3:4", "address"},
		{"IPv6 short", "x=2001:db8::1", "address"},
		{"IPv6 in brackets", "http://[2001:db8::1]:443/", "address"},
		{"IPv6 mapped", "::ffff:203.0.113.77", "address"},
		{"IPv6 before a mark", "from 2001:db8::1: refused", "address"},
		{"IPv6 truncated", "2001:db8:c0de::", ""},
		{"IPv6 with IPv4 inside, truncated", "2002:cb00::", ""},
		{"a time", "10:20:30", ""},
		{"a name", "std::vector", ""},

		{"JWT", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "token"},
		{"JWT behind a word", "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.x", "token"},
		{"hash", "v=5d41402abc4b2a76b9719d911017c592", "token"},
		{"UUID", "id=7f1c2d3e-0000-4000-8000-123456789abc", "token"},
		{"key of a service", "sk_live_4eC39HqLyjWDarjt", "token"},
		{"key of a cloud", "AKIAIOSFODNN7EXAMPLE", "token"},
		{"key of a forge", "ghp_16C7e42F292c6912E7710c838347Ae178B4a", "token"},
		{"random text", "s=Zx81kQmP0aLw93TbRf6Y", "token"},
		{"base64", "dGhpcyBpcyBhIHNlY3JldCBrZXkgMTIzNDU2Nzg5MA==", "token"},
		{"base64 with many marks", "A1b2c3d+4E5f6g7/8H9i0j1+K2l3m4", "token"},
		{"name of a campaign", "utm=Summer2026-Sale-Newsletter-Autumn-v2", ""},
		{"long name", "internationalization-and-localization_guidelines", ""},
		{"name of a method", "GetUserProfileByIdV2Json", ""},
		{"name of a product", "Mediapartners-Google", ""},
		{"slug with a date", "the-year-2026-in-review-part-2-of-10", ""},
	} {
		t.Run(c.name, func(t *testing.T) { require.Equal(t, c.want, audit.Search(c.text)) })
	}
}

// Random secrets of the usual spellings are found, nearly all of them.
func TestSearchFindsRandomTokens(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	const tries = 2000
	for _, c := range []struct {
		name  string
		bytes int
		text  func([]byte) string
	}{
		{"hex of 16 bytes", 16, hex.EncodeToString},
		{"base64 of 24 bytes", 24, base64.StdEncoding.EncodeToString},
		{"base64url of 32 bytes", 32, base64.RawURLEncoding.EncodeToString},
	} {
		found := 0
		for range tries {
			b := make([]byte, c.bytes)
			for i := range b {
				b[i] = byte(random.Uint32())
			}
			if strings.Contains(audit.Search("s="+url.QueryEscape(c.text(b))), "token") {
				found++
			}
		}
		t.Logf("%s: %d of %d", c.name, found, tries)
		require.Greater(t, found, tries*85/100, c.name)
	}
}

// Any address is found unless it is truncated.
func TestSearchFindsAddresses(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for range 5000 {
		var b [16]byte
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		b[3] |= 1
		b[15] |= 1
		for _, a := range []netip.Addr{netip.AddrFrom16(b), netip.AddrFrom4([4]byte(b[:4]))} {
			require.Contains(t, audit.Search("from "+a.String()+", again"), "address", a)
			require.Contains(t, audit.Search("x="+url.QueryEscape(a.String())), "address", a)
		}
	}
}

func FuzzSearch(f *testing.F) {
	f.Add("jo@example.org 4111 1111 1111 1111 +491701234567")
	f.Add("203.0.113.77 2001:db8::1 ::ffff:1.2.3.4")
	f.Add("eyJhbGciOiJIUzI1NiJ9.%65yJ %2B49")
	f.Add("0000A00+00A000+00000000a")
	f.Fuzz(func(t *testing.T, text string) {
		got := audit.Search(text)
		if !strings.Contains(text, "%") {
			require.Equal(t, audit.SearchFor(text), got)
		}
	})
}

func TestKeysAreShown(t *testing.T) {
	for _, c := range []struct{ name, key, want string }{
		{"a name", "http.route", "http.route"},
		{"empty", "", "-"},
		{"large letters", "User", "-"},
		{"a space", "a b", "-"},
		{"a terminal's escape", "\x1b[2J", "-"},
		{"too long", strings.Repeat("a", 65), "-"},
		{"mail", "jo@example.org", "-"},
		{"an address", "203.0.113.77", "-"},
		{"a truncated address", "203.0.113.0", "-"},
		{"a card", "4111111111111111", "-"},
		{"a phone", "x491701234567", "-"},
		{"a token", "5d41402abc4b2a76b9719d911017c592", "-"},
	} {
		t.Run(c.name, func(t *testing.T) { require.Equal(t, c.want, audit.Shown(c.key)) })
	}
}
