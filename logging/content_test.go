package logging_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
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
			require.Equal(t, c.Want, string(logging.AppendQuery(nil, c.query(), c.Allow)), c.URL)
		})
	}
}

// Whatever the query: what gets out is declared names and plain short values.
func FuzzQuery(f *testing.F) {
	for _, c := range load[redactCase](f, "redact.json") {
		f.Add(c.query())
	}
	form := regexp.MustCompile(`^(page|sort)(=([A-Za-z0-9._~-]{0,64}))?(&(page|sort)(=([A-Za-z0-9._~-]{0,64}))?)*$`)
	digits := regexp.MustCompile(`[0-9]{9}`)
	f.Fuzz(func(t *testing.T, query string) {
		out := string(logging.AppendQuery(nil, query, []string{"page", "sort"}))
		if out != "" && (!form.MatchString(out) || digits.MatchString(out)) {
			t.Fatalf("%q lets out %q", query, out)
		}
	})
}

type agentCase struct {
	ID, UA, Family, Major, Device, OS string
	AcceptFamily                      []string `json:"accept_family"`
	AcceptMajor                       []string `json:"accept_major"`
	AcceptDevice                      []string `json:"accept_device"`
	AcceptOS                          []string `json:"accept_os"`
}

func TestAgentVectors(t *testing.T) {
	cases := load[agentCase](t, "useragents.json")
	wrong := 0
	for _, c := range cases {
		a := logging.ParseAgent(c.UA)
		ok := (a.Name == c.Family || slices.Contains(c.AcceptFamily, a.Name)) &&
			(a.Version == c.Major || slices.Contains(c.AcceptMajor, a.Version)) &&
			(a.Device == c.Device || slices.Contains(c.AcceptDevice, a.Device)) &&
			(c.Device == "bot" || c.Device == "other" || a.OS == c.OS || slices.Contains(c.AcceptOS, a.OS))
		if !ok {
			wrong++
			t.Logf("%s: %+v, want %s %s %s %s: %s", c.ID, a, c.Family, c.Major, c.Device, c.OS, c.UA)
		}
	}
	require.LessOrEqual(t, wrong*100, len(cases)*3, "%d of %d are wrong", wrong, len(cases))
}

// Whatever the field holds, only words from the lists get out.
func FuzzAgent(f *testing.F) {
	for _, c := range load[agentCase](f, "useragents.json") {
		f.Add(c.UA)
	}
	names := logging.AgentNames()
	version := regexp.MustCompile(`^[0-9]{0,4}$`)
	f.Fuzz(func(t *testing.T, ua string) {
		a := logging.ParseAgent(ua)
		if !slices.Contains(names, a.Name) || !version.MatchString(a.Version) ||
			!slices.Contains([]string{"desktop", "mobile", "tablet", "bot", "other"}, a.Device) ||
			!slices.Contains([]string{"", "Windows", "Windows Phone", "macOS", "iOS", "Android", "Linux", "ChromeOS", "FreeBSD", "Symbian", "Firefox OS"}, a.OS) {
			t.Fatalf("%q gives %+v", ua, a)
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
