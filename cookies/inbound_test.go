package cookies_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/cookies"
)

// shows is a page that answers with the Cookie lines it was shown.
func shows(w http.ResponseWriter, r *http.Request) {
	_ = json.NewEncoder(w).Encode(r.Header["Cookie"])
}

func TestHandlersSeeWhatMayBeRead(t *testing.T) { // cases 54, 56
	for _, http2 := range []bool{false, true} {
		s := newSite(t, options{http2: http2}, shows)
		granted := s.choose("", `{"analytics":true}`)
		for _, tt := range []struct{ name, cookie, want string }{
			{"undecided", "_ga=1; sid=2; theme=3; rogue=4", `["sid=2"]`},
			{"nothing left", "_ga=1; rogue=4", `null`},
			{"all of it", `sid="a b"; sid=c,d`, `["sid=\"a b\"; sid=c,d"]`},
			{"granted", granted + "; _ga=1; _ga_X=2; theme=3", `["` + granted + `; _ga=1; _ga_X=2"]`},
			{"raw bytes stay", "  sid=\u00e9\u00ff{}\\ ;; _ga=1;sid", `["sid=éÿ{}\\; sid"]`},
			{"white space around names", "_ga =1;\t_ga\t=1; sid =2", `["sid =2"]`},
			{"names that hide in values", "sid=1,_ga=2; x=; =_ga=3", `["sid=1,_ga=2"]`},
			{"other letters are another name", "_GA=1; SID=2; sid=3", `["sid=3"]`},
		} {
			t.Run(fmt.Sprintf("%s/http2=%v", tt.name, http2), func(t *testing.T) {
				_, body := s.get("/", tt.cookie)
				require.Equal(t, tt.want, strings.TrimSpace(body))
			})
		}
	}
}

func TestSeveralCookieLines(t *testing.T) {
	s := newSite(t, options{}, shows)
	r, err := http.NewRequest("GET", s.server.URL, nil)
	require.NoError(t, err)
	r.Header["Cookie"] = []string{"_ga=1; sid=2", "fbp=3", "sid=4; theme=5"}
	w, err := s.server.Client().Do(r)
	require.NoError(t, err)
	defer w.Body.Close()
	var shown []string
	require.NoError(t, json.NewDecoder(w.Body).Decode(&shown))
	// net/http's client sends one line; the server sees what was sent.
	require.Equal(t, "sid=2; sid=4", strings.Join(shown, "; "))
}

// Whoever stands outside the gate sees the request as it came: case 58.
func TestTheCallersRequestStays(t *testing.T) {
	s := newSite(t, options{}, func(w http.ResponseWriter, r *http.Request) {
		require.Empty(t, r.CookiesNamed("_ga"))
		r.Header.Set("X-Mine", "changed inside")
	})
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Cookie", "_ga=1; sid=2")
	before, lines := r.Header.Clone(), r.Header["Cookie"]
	s.handler.ServeHTTP(httptest.NewRecorder(), r)
	require.Equal(t, before, r.Header)
	require.Equal(t, []string{"_ga=1; sid=2"}, lines)
}

func TestThousandsOfCookies(t *testing.T) {
	s := newSite(t, options{}, shows)
	var b strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&b, "n%d=%d; ", i, i)
	}
	_, body := s.get("/", b.String()+"sid=1")
	require.Equal(t, `["sid=1"]`+"\n", body)
	require.EqualValues(t, 20_000, s.gate.Stats().HiddenUndeclared)
	require.Empty(t, s.gate.Stats().Withheld, "names from a request are not remembered")
}

// naiveNames are the names that a server could read out of Cookie lines.
func naiveNames(lines []string) (out []string) {
	for _, line := range lines {
		for _, part := range strings.Split(line, ";") {
			part = strings.Trim(part, " \t")
			name, _, _ := strings.Cut(part, "=")
			if part != "" {
				out = append(out, strings.Trim(name, " \t"))
			}
		}
	}
	return out
}

// Whatever a client sends: what is shown was sent so, and is declared and
// allowed, in the eyes of net/http and of a plain reading.
func FuzzCookieLines(f *testing.F) {
	f.Add("_ga=1; sid=2", "theme=3")
	f.Add(" _ga =1;;;sid\t=2;=;", "\x00sid=;sid")
	inventory, err := cookies.NewInventory(policy(), specs()...)
	require.NoError(f, err)
	gate, err := cookies.NewGate(cookies.GateConfig{Inventory: inventory})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, one, two string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header["Cookie"] = []string{one, two}
		gate.Middleware(http.HandlerFunc(func(w http.ResponseWriter, inner *http.Request) {
			for _, name := range naiveNames(inner.Header["Cookie"]) {
				if name != "sid" && !strings.EqualFold(strings.TrimPrefix(strings.ToLower(strings.TrimPrefix(strings.ToLower(name), "__host-")), "__secure-"), "consent") {
					t.Fatalf("%q is shown of %q", name, []string{one, two})
				}
			}
			for _, c := range inner.Cookies() {
				if c.Name != "sid" && !strings.Contains(strings.ToLower(c.Name), "consent") {
					t.Fatalf("net/http reads %q", c.Name)
				}
			}
			want := 0
			for _, name := range naiveNames(r.Header["Cookie"]) {
				if name == "sid" {
					want++
				}
			}
			got := 0
			for _, name := range naiveNames(inner.Header["Cookie"]) {
				if name == "sid" {
					got++
				}
			}
			if got != want {
				t.Fatalf("%d of %d allowed cookies are shown", got, want)
			}
			for _, line := range inner.Header["Cookie"] {
				for _, pair := range strings.Split(line, "; ") {
					if !strings.Contains(one, pair) && !strings.Contains(two, pair) {
						t.Fatalf("%q was not sent so", pair)
					}
				}
			}
		})).ServeHTTP(httptest.NewRecorder(), r)
	})
}

// Whatever a handler sets: what goes out sets nothing that is not allowed.
func FuzzSetCookie(f *testing.F) {
	f.Add("sid=1; Path=/; SameSite=None")
	f.Add("_ga=1; Max-Age=0; Max-Age=5")
	f.Add("__Host-consent=x; Expires=Thu, 01 Jan 1970 00:00:00 GMT")
	inventory, err := cookies.NewInventory(policy(), specs()...)
	require.NoError(f, err)
	gate, err := cookies.NewGate(cookies.GateConfig{Inventory: inventory})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, line string) {
		rec := httptest.NewRecorder()
		gate.Middleware(sets(line)).ServeHTTP(rec, httptest.NewRequest("GET", "/", nil))
		for _, out := range rec.Header()["Set-Cookie"] {
			name, _, _ := strings.Cut(strings.Split(out, ";")[0], "=")
			deleted := naiveDeletion(out)
			if name = strings.Trim(name, " \t"); name != "sid" && !deleted {
				t.Fatalf("%q sends %q", line, out)
			}
			if c, err := http.ParseSetCookie(out); err == nil && c.Name != "sid" && (!deleted || c.Value != "") {
				t.Fatalf("net/http reads %q as setting %q", out, c.Name)
			} else if err == nil && !deleted && (!c.Secure || !c.HttpOnly || c.SameSite == http.SameSiteNoneMode || c.MaxAge > 0) {
				t.Fatalf("%q is not hardened: %q", line, out)
			}
		}
	})
}

// naiveDeletion reads a line the plainest way: the last Max-Age decides.
func naiveDeletion(line string) bool {
	age, date := "", ""
	for _, av := range strings.Split(line, ";")[1:] {
		name, value, _ := strings.Cut(av, "=")
		switch strings.ToLower(strings.Trim(name, " \t")) {
		case "max-age":
			age = strings.Trim(value, " \t")
		case "expires":
			date = strings.Trim(value, " \t")
		}
	}
	if age != "" {
		return age == "0" || strings.HasPrefix(age, "-")
	}
	t, err := http.ParseTime(date)
	return err == nil && t.Year() < 2026
}
