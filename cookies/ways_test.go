package cookies_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/http/httputil"
	"net/textproto"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// onBoth runs a test against a site on HTTP/1.1 and one on HTTP/2.
func onBoth(t *testing.T, page http.HandlerFunc, test func(t *testing.T, s *site)) {
	for _, http2 := range []bool{false, true} {
		t.Run(fmt.Sprintf("http2=%v", http2), func(t *testing.T) {
			test(t, newSite(t, options{http2: http2}, page))
		})
	}
}

// However the handler gets it into the header, "sid" goes out, once and first of
// its kind, and nothing else: cases 36 to 51.
func TestEveryWayOut(t *testing.T) {
	both := sets("_ga=1", "sid=1", "fbp=1")
	for name, page := range map[string]http.HandlerFunc{
		"helper": func(w http.ResponseWriter, r *http.Request) {
			http.SetCookie(w, &http.Cookie{Name: "_ga", Value: "1"})
			http.SetCookie(w, &http.Cookie{Name: "sid", Value: "1"})
		},
		"raw": func(w http.ResponseWriter, r *http.Request) {
			w.Header()["set-cookie"] = []string{"_ga=1", "sid=1", "fbp=1"}
		},
		"shouted": func(w http.ResponseWriter, r *http.Request) { w.Header()["SET-COOKIE"] = []string{"_ga=1", "sid=1"} },
		"mixed": func(w http.ResponseWriter, r *http.Request) {
			both(w, r)
			w.Header()["sEt-cOOkie"] = []string{"_ga=2", "fbp=2"}
		},
		"nothing": both,
		"error":   func(w http.ResponseWriter, r *http.Request) { both(w, r); http.Error(w, "x", 500) },
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			both(w, r)
			http.Redirect(w, r, "/x", http.StatusSeeOther)
		},
		"moved": func(w http.ResponseWriter, r *http.Request) {
			both(w, r)
			http.Redirect(w, r, "/x", http.StatusMovedPermanently)
		},
		"empty":     func(w http.ResponseWriter, r *http.Request) { both(w, r); w.WriteHeader(204) },
		"unchanged": func(w http.ResponseWriter, r *http.Request) { both(w, r); w.WriteHeader(304) },
		"hints":     func(w http.ResponseWriter, r *http.Request) { both(w, r); w.WriteHeader(103); w.WriteHeader(103) },
		"content": func(w http.ResponseWriter, r *http.Request) {
			both(w, r)
			http.ServeContent(w, r, "x.txt", time.Time{}, strings.NewReader("hello"))
		},
		"string":     func(w http.ResponseWriter, r *http.Request) { both(w, r); _, _ = io.WriteString(w, "x") },
		"flush":      func(w http.ResponseWriter, r *http.Request) { both(w, r); w.(http.Flusher).Flush() },
		"controller": func(w http.ResponseWriter, r *http.Request) { both(w, r); _ = http.NewResponseController(w).Flush() },
		"unwrapped": func(w http.ResponseWriter, r *http.Request) {
			both(w, r)
			u := w.(interface{ Unwrap() http.ResponseWriter }).Unwrap()
			_, _ = u.Write([]byte("x"))
		},
		"copy": func(w http.ResponseWriter, r *http.Request) { both(w, r); _, _ = io.Copy(w, strings.NewReader("x")) },
		"late": func(w http.ResponseWriter, r *http.Request) {
			sets("sid=1")(w, r)
			_, _ = w.Write([]byte("x"))
			both(w, r)
		},
		"timeout": http.TimeoutHandler(both, time.Minute, "").ServeHTTP,
		"trailer": func(w http.ResponseWriter, r *http.Request) {
			sets("sid=1")(w, r)
			w.Header().Set("Trailer", "Set-Cookie, X-Sum")
			_, _ = w.Write([]byte("x"))
			w.Header().Set("X-Sum", "1")
			both(w, r)
			w.Header().Set(http.TrailerPrefix+"Set-Cookie", "_ga=1")
			w.Header().Set(http.TrailerPrefix+"set-cookie", "_ga=1")
		},
		"odd white space": sets(" _ga =1", "_ga\t=1", "\t_ga=1", "_ga  = 1; Path=/", "sid=1"),
		"nameless":        sets("_ga", "=_ga=1", "", ";_ga=1", "=1", "   =1", "sid=1"),
		"control":         sets("sid=1\x01", "sid\x00=1", "sid=1; Path=/\x7f", "sid=1\r\nSet-Cookie: _ga=1", "sid=1"),
		"too long":        sets("sid="+strings.Repeat("x", 5000), "sid=1; x="+strings.Repeat("x", 17<<10), "sid=1"),
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, page, func(t *testing.T, s *site) {
				for _, method := range []string{"GET", "HEAD"} {
					w, _ := s.do(method, "/", "", "")
					require.Equal(t, []string{"sid"}, names(set(w)), "%q", set(w))
					require.True(t, strings.HasPrefix(set(w)[0], "sid=1; "), set(w)[0])
					require.Less(t, len(set(w)[0]), 100)
					require.Empty(t, w.Trailer.Values("Set-Cookie"))
				}
			})
		})
	}
}

// An upstream sets what it likes, in every place where HTTP lets it, and is
// shown only what may be read: case 44.
func TestReverseProxy(t *testing.T) {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sets("_ga=1", "sid=1; Priority=High")(w, r)
		w.Header().Set("NEL", "{}")
		w.Header().Set("Link", "</x.css>; rel=preload")
		w.WriteHeader(103)
		w.Header().Set("Trailer", "Set-Cookie, X-Sum")
		w.Header().Set("X-Saw", r.Header.Get("Cookie"))
		_, _ = w.Write([]byte("x"))
		w.Header().Set("X-Sum", "1")
		w.Header().Set("Set-Cookie", "_ga=2")
	}))
	defer upstream.Close()
	target, err := url.Parse(upstream.URL)
	require.NoError(t, err)
	onBoth(t, httputil.NewSingleHostReverseProxy(target).ServeHTTP, func(t *testing.T, s *site) {
		var hints []textproto.MIMEHeader
		trace := &httptrace.ClientTrace{Got1xxResponse: func(_ int, h textproto.MIMEHeader) error {
			hints = append(hints, h)
			return nil
		}}
		r := request(t, s.server.URL, "_ga=9; sid=8; rogue=7")
		w, err := s.server.Client().Do(r.WithContext(httptrace.WithClientTrace(t.Context(), trace)))
		require.NoError(t, err)
		_, _ = io.Copy(io.Discard, w.Body)
		w.Body.Close()
		require.Equal(t, []string{"sid=1; Priority=High; Secure; HttpOnly; SameSite=Lax"}, set(w))
		require.Equal(t, "sid=8", w.Header.Get("X-Saw"))
		require.Empty(t, w.Header.Get("NEL"))
		require.Empty(t, w.Trailer.Values("Set-Cookie"))
		require.Equal(t, "1", w.Trailer.Get("X-Sum"), "other trailers pass")
		require.Len(t, hints, 1)
		require.NotEmpty(t, hints[0].Get("Link"))
		for _, f := range []string{"Set-Cookie", "Nel"} {
			require.Empty(t, hints[0].Values(f))
		}
	})
}

// Whatever the panic, nothing is left for a recoverer further out, or further
// in, to send: cases 42, 86.
func TestPanicLeavesNothingToARecoverer(t *testing.T) {
	recoverer := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer func() {
				if v := recover(); v != nil {
					if v == http.ErrAbortHandler { //nolint:errorlint // net/http compares so
						w.Header().Set("X-Abort", "1")
					}
					w.WriteHeader(500)
				}
			}()
			next.ServeHTTP(w, r)
		})
	}
	for _, cause := range []any{"x", http.ErrAbortHandler} {
		onBoth(t, func(w http.ResponseWriter, r *http.Request) {
			sets("_ga=1", "sid=1")(w, r)
			w.Header()["set-cookie"] = []string{"fbp=1"}
			w.Header().Set("NEL", "{}")
			panic(cause)
		}, func(t *testing.T, s *site) {
			page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				sets("_ga=1", "sid=1")(w, r)
				panic(cause)
			})
			for name, handler := range map[string]http.Handler{
				"outside": recoverer(s.handler),
				"within":  s.manager.Middleware(recoverer(s.gate.Middleware(page))),
				"inside":  s.manager.Middleware(s.gate.Middleware(recoverer(page))),
			} {
				server := httptest.NewServer(handler)
				w, err := server.Client().Get(server.URL)
				require.NoError(t, err)
				w.Body.Close()
				server.Close()
				require.Equal(t, 500, w.StatusCode)
				require.Equal(t, []string{"sid"}, names(set(w)), name)
				require.Empty(t, w.Header.Get("NEL"))
				require.Equal(t, cause == http.ErrAbortHandler, w.Header.Get("X-Abort") == "1", "it passes through unchanged")
			}
		})
	}
}
