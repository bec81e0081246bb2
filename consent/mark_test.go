package consent_test

import (
	"bufio"
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
)

// A response that asked is private to the visitor, one that did not is left as
// the handler made it. The whole header set is compared.
func TestResponsesAreMarked(t *testing.T) {
	type hs = map[string]string
	for _, tt := range []struct {
		name string
		page func(w http.ResponseWriter, r *http.Request)
		want hs
	}{
		{"nobody asked", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Etag", `"x"`)
			w.Header().Set("Cache-Control", "public, max-age=60")
		}, hs{"Etag": `"x"`, "Cache-Control": "public, max-age=60"}},
		{"asked for one purpose", func(w http.ResponseWriter, r *http.Request) {
			consent.Allowed(r.Context(), consent.Analytics)
		}, hs{"Vary": "Cookie", "Cache-Control": "private"}},
		{"asked for one the signal can deny", func(w http.ResponseWriter, r *http.Request) {
			consent.Allowed(r.Context(), consent.Marketing)
		}, hs{"Vary": "Cookie|Sec-GPC", "Cache-Control": "private"}},
		{"asked for an unknown one", func(w http.ResponseWriter, r *http.Request) {
			consent.Allowed(r.Context(), "unheard_of")
		}, hs{"Vary": "Cookie", "Cache-Control": "private"}},
		{"asked whether to show the banner", func(w http.ResponseWriter, r *http.Request) {
			consent.Decided(r.Context())
		}, hs{"Vary": "Cookie|Sec-GPC", "Cache-Control": "private"}},
		{"validators would revive the page", func(w http.ResponseWriter, r *http.Request) {
			consent.Allowed(r.Context(), consent.Analytics)
			w.Header().Set("Etag", `"x"`)
			w.Header()["ETag"] = []string{`"y"`}
			w.Header().Set("Last-Modified", "Sun, 15 Nov 2026 12:00:00 GMT")
		}, hs{"Vary": "Cookie", "Cache-Control": "private"}},
		{"other members of Vary stay", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Vary", "Accept-Encoding, COOKIE")
			consent.Allowed(r.Context(), consent.Analytics)
		}, hs{"Vary": "Accept-Encoding, COOKIE", "Cache-Control": "private"}},
		{"a star says more", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Vary", "*")
			consent.Allowed(r.Context(), consent.Analytics)
		}, hs{"Vary": "*", "Cache-Control": "private"}},
		{"what shared caches were told is taken back", func(w http.ResponseWriter, r *http.Request) {
			consent.Allowed(r.Context(), consent.Analytics)
			w.Header().Set("Cache-Control", "Public, s-maxage=600, max-age=60, immutable, no-transform, stale-while-revalidate=9")
			w.Header().Set("CDN-Cache-Control", "max-age=600")
			w.Header().Set("Some-CDN-Cache-Control", "max-age=600")
			w.Header().Set("Surrogate-Control", "max-age=600")
		}, hs{"Vary": "Cookie", "Cache-Control": "private, max-age=60, no-transform"}},
		{"keys that are not canonical", func(w http.ResponseWriter, r *http.Request) {
			consent.Allowed(r.Context(), consent.Analytics)
			w.Header()["cache-control"] = []string{"public"}
			w.Header()["vary"] = []string{"Accept"}
		}, hs{"Vary": "Accept|Cookie", "Cache-Control": "private"}},
		{"no-store is stronger", func(w http.ResponseWriter, r *http.Request) {
			consent.Allowed(r.Context(), consent.Analytics)
			w.Header().Set("Cache-Control", "no-store, public")
		}, hs{"Vary": "Cookie", "Cache-Control": "no-store"}},
		{"private for one field only is not private", func(w http.ResponseWriter, r *http.Request) {
			consent.Allowed(r.Context(), consent.Analytics)
			w.Header().Set("Cache-Control", `private="x-a, x-b", no-cache`)
		}, hs{"Vary": "Cookie", "Cache-Control": "private, no-cache"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := newManager(t, config(t))
			for _, version := range []string{"HTTP/1.1", "HTTP/2.0"} {
				s := httptest.NewUnstartedServer(m.Middleware(http.HandlerFunc(tt.page)))
				s.EnableHTTP2 = version == "HTTP/2.0"
				s.StartTLS()
				w, err := s.Client().Get(s.URL)
				require.NoError(t, err)
				w.Body.Close()
				s.Close()
				require.Equal(t, version, w.Proto)
				got := hs{}
				for k, v := range w.Header {
					if k != "Date" && k != "Content-Length" {
						got[k] = strings.Join(v, "|")
					}
				}
				require.Equal(t, tt.want, got)
			}
		})
	}
}

func TestAskedTooLate(t *testing.T) {
	var log bytes.Buffer
	cfg := config(t)
	cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
	m := newManager(t, cfg)
	s := serve(t, m, map[string]http.HandlerFunc{
		"/users/{id}": func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte("hello "))
			fmt.Fprint(w, consent.Allowed(r.Context(), consent.Analytics))
		},
	})
	c := s.choose("", `{"analytics":true}`)
	for range 3 {
		require.Equal(t, "hello true", s.do("GET", "/users/jane", "", "Cookie", c).body, "answered all the same")
	}
	require.EqualValues(t, 3, m.Stats().LateReads)
	require.Equal(t, 1, strings.Count(log.String(), "asked after the first byte"), log.String())
	require.Contains(t, log.String(), "http.route=/users/{id}")
	require.NotContains(t, log.String(), "jane")
}

// A handler that streams for long hears of a withdrawal in another tab.
func TestStreamHearsOfWithdrawal(t *testing.T) {
	asked := make(chan struct{})
	s := serve(t, newManager(t, config(t)), map[string]http.HandlerFunc{
		"/stream": func(w http.ResponseWriter, r *http.Request) {
			for range 2 {
				fmt.Fprintln(w, consent.Allowed(r.Context(), consent.Analytics))
				w.(http.Flusher).Flush()
				<-asked
			}
		},
	})
	c := s.choose("", `{"analytics":true}`)
	r, err := http.NewRequest("GET", s.URL+"/stream", nil)
	require.NoError(t, err)
	r.Header.Set("Cookie", c)
	w, err := s.Client().Do(r)
	require.NoError(t, err)
	defer w.Body.Close()
	lines := bufio.NewScanner(w.Body)
	require.True(t, lines.Scan())
	require.Equal(t, "true", lines.Text())
	s.json("/privacy/withdraw", c, "")
	asked <- struct{}{}
	require.True(t, lines.Scan())
	require.Equal(t, "false", lines.Text())
	asked <- struct{}{}
	require.Equal(t, "private", w.Header.Get("Cache-Control"))
	require.Zero(t, s.m.Stats().LateReads, "it asked in time first")
}

func TestOutsideTheManager(t *testing.T) {
	m := newManager(t, config(t))
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		require.False(t, consent.Allowed(r.Context(), consent.Authentication))
		require.False(t, consent.Decided(r.Context()))
		err := m.Record(w, r, consent.Choices{Grants: map[consent.Purpose]bool{consent.Analytics: true}})
		require.ErrorIs(t, err, consent.ErrNotMounted)
	}))
	defer s.Close()
	w, err := s.Client().Get(s.URL)
	require.NoError(t, err)
	w.Body.Close()
	require.Empty(t, w.Header["Set-Cookie"])
	require.EqualValues(t, 1, m.Stats().NotMounted)
}
