package logging_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/logging"
)

func load[T any](t testing.TB, name string) []T {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	var file struct{ Cases []T }
	require.NoError(t, json.Unmarshal(text, &file))
	require.NotEmpty(t, file.Cases)
	return file.Cases
}

type redactCase struct {
	ID, URL, Want string
	Allow         []string
}

func (c redactCase) query() string {
	target, _, _ := strings.Cut(c.URL, "#")
	_, query, _ := strings.Cut(target, "?")
	return query
}

func TestQueryVectors(t *testing.T) {
	for _, c := range load[redactCase](t, "redact.json") {
		t.Run(c.ID, func(t *testing.T) {
			got := string(logging.AppendQuery(nil, c.query(), c.Allow))
			require.Equal(t, c.Want, got, c.URL)
			if got != "" {
				require.Regexp(t, logging.QueryForm(c.Allow), got, "as declared")
			}
		})
	}
}

// Beyond the vectors: a long number is one in whatever groups it is written, and
// a declared name lets no address of anybody out.
func TestQueryNumbers(t *testing.T) {
	for value, want := range map[string]string{
		"2": "2", "20261123": "20261123", "2026-11-23": "2026-11-23", "1.2.3": "1.2.3", "a1b2c3d4e5f6": "a1b2c3d4e5f6",
		"v1.24.3": "v1.24.3", "12..34.56.78": "12..34.56.78", "size-36_37_38": "size-36_37_38",
		"203.0.113.77": "-", "10.0.0.1": "-", "host-10.0.0.1.example": "-", "77.113.0.203.in-addr.arpa": "-", "1.10.0.0.1": "-",
		"4111-1111-1111-1111": "-", "4111.1111.1111.1111": "-", "0151-234-56789": "-", "12345678_9": "-",
	} {
		require.Equal(t, "page="+want, string(logging.AppendQuery(nil, "page="+value, []string{"page"})), value)
	}
}

// Names are compared as they decode, and a query makes a line longer by little.
func TestQueryNames(t *testing.T) {
	declared := []string{"page", "a+b", "\u00e9\"", "c%d"}
	for query, want := range map[string]string{
		"p%61ge=1": "page=1", "%70%61%67%65": "page", "PAGE=1": "", "pa+ge=1": "", "a+b=1": "", "a%2Bb=1": "a+b=1", "a%2bb": "a+b",
		"%C3%A9%22=1": `\u00e9\"=1`, "\u00e9\"=1": `\u00e9\"=1`, "c%d=1": "", "c%25d=1": "c%d=1", "%=1&page=2": "page=2", "page&page=": "page&page=",
	} {
		require.Equal(t, want, string(logging.AppendQuery(nil, query, declared)), query)
	}
	require.Less(t, len(logging.AppendQuery(nil, strings.Repeat("page=1&", 100_000), declared)), 2200)
}

// The form says which names there may be, and what plain values are.
func TestQueryForm(t *testing.T) {
	form := regexp.MustCompile(logging.QueryForm([]string{"page", "a.b[]"}))
	for text, ok := range map[string]bool{
		"page": true, "page=": true, "page=2": true, "page=-&a.b[]=x~y&page=3": true,
		"": false, "q=1": false, "page=2&q=1": false, "page=a b": false, "page=%20": false, "page=jo@example.org": false,
		"page=" + strings.Repeat("x", 65): false, "axb[]=1": false, "page=2&": false, "page=1=2": false,
	} {
		require.Equal(t, ok, form.MatchString(text), text)
	}
	require.Equal(t, "^$", logging.QueryForm(nil))
}

// Whatever the query: what gets out is declared names and plain short values.
func FuzzQuery(f *testing.F) {
	for _, c := range load[redactCase](f, "redact.json") {
		f.Add(c.query())
	}
	form := regexp.MustCompile(logging.QueryForm([]string{"page", "sort"}))
	digits := regexp.MustCompile(`[0-9]([._~-]*[0-9]){8}|(^|[^0-9.])[0-9]{1,3}([.][0-9]{1,3}){3}([^0-9.]|$)`)
	f.Fuzz(func(t *testing.T, query string) {
		out := string(logging.AppendQuery(nil, query, []string{"page", "sort"}))
		if out != "" && (!form.MatchString(out) || digits.MatchString(out)) {
			t.Fatalf("%q lets out %q", query, out)
		}
	})
}

func TestOrigin(t *testing.T) {
	for referrer, want := range map[string]string{
		"https://shop.example/users/jane?token=x#y":  "https://shop.example",
		"HTTP://Shop.Example:8080":                   "http://shop.example:8080",
		"https://xn--bcher-kva.example/":             "https://xn--bcher-kva.example",
		"http://localhost:3000/x":                    "http://localhost:3000",
		"https://jane:secret@shop.example/":          "",
		"https://jane@shop.example":                  "",
		"https://203.0.113.77/":                      "",
		"https://0xcb.0.0x71.77/":                    "",
		"https://3405803853/":                        "",
		"https://[2001:db8::1]/":                     "",
		"https://shop.example:port/":                 "",
		"https://shop.example:/":                     "",
		"https://-shop.example/":                     "",
		"https://shop..example/":                     "",
		"https://sh op.example/":                     "",
		"https://shöp.example/":                      "",
		"https://" + strings.Repeat("a.", 200) + "b": "",
		"https://":                   "",
		"javascript:alert(1)":        "",
		"android-app://com.example/": "",
		"/users/jane":                "",
		"shop.example":               "",
		"":                           "",
	} {
		require.Equal(t, want, string(logging.AppendOrigin(nil, referrer)), referrer)
	}
}

func FuzzOrigin(f *testing.F) {
	f.Add("https://shop.example:8080/users/jane?token=x")
	f.Add("http://jane@203.0.113.77")
	form := regexp.MustCompile(`^https?://([a-z0-9-]+\.)*[a-z-][a-z0-9-]*(:[0-9]{1,5})?$`)
	f.Fuzz(func(t *testing.T, referrer string) {
		out := string(logging.AppendOrigin([]byte("x"), referrer))
		if out != "x" && !form.MatchString(out[1:]) {
			t.Fatalf("%q lets out %q", referrer, out[1:])
		}
	})
}

func TestRoutePath(t *testing.T) {
	for pattern, want := range map[string]string{
		"GET /users/{id}": "/users/{id}", "/": "/", "GET /{$}": "/", "example.com/x/": "/x/",
		"POST example.com/a/{b...}": "/a/{b...}", "": "", "nothing": "",
	} {
		require.Equal(t, want, logging.RoutePath(pattern))
	}
}

// JSON holds printable ASCII alone and reads back as what it was.
func FuzzString(f *testing.F) {
	f.Add("plain")
	f.Add("\u202e\x9b\x7f\"\\é😀\xff\x00")
	f.Fuzz(func(t *testing.T, s string) {
		out := logging.AppendString(nil, s)
		for _, c := range out {
			if c < 0x20 || c > 0x7e {
				t.Fatalf("%q gives byte %#x", s, c)
			}
		}
		var back string
		if err := json.Unmarshal(out, &back); err != nil {
			t.Fatal(err)
		}
		if want := strings.ToValidUTF8(s, ""); strings.ReplaceAll(back, "\ufffd", "") != strings.ReplaceAll(want, "\ufffd", "") {
			t.Fatalf("%q came back as %q", s, back)
		}
	})
}
