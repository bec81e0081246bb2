package cookies_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
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

// On HTTP/1.1 lines stay apart; HTTP/2 cuts them into crumbs, of which the server
// makes one line.
func TestSeveralCookieLines(t *testing.T) { // case 56
	onBoth(t, shows, func(t *testing.T, s *site) {
		r := request(t, s.server.URL, "")
		r.Header["Cookie"] = []string{"_ga=1; sid=2", "fbp=3", "sid=4; theme=5"}
		w, err := s.server.Client().Do(r)
		require.NoError(t, err)
		defer w.Body.Close()
		var shown []string
		require.NoError(t, json.NewDecoder(w.Body).Decode(&shown))
		if s.server.EnableHTTP2 {
			require.Equal(t, []string{"sid=2; sid=4"}, shown)
		} else {
			require.Equal(t, []string{"sid=2", "sid=4"}, shown)
		}
		require.EqualValues(t, 3, s.gate.Stats().HiddenNoConsent)
	})
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
