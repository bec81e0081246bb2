package routers_test

import (
	"bufio"
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

	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/cookies"
	"github.com/candorhttp/candor/examples/routers/site"
	"github.com/candorhttp/candor/logging"
)

// proxied hands what is below /up/ to an upstream.
func proxied(t *testing.T, upstream string, change ...func(*httputil.ReverseProxy)) func(*http.ServeMux, *site.Site) {
	t.Helper()
	target, err := url.Parse(upstream)
	require.NoError(t, err)
	return func(mux *http.ServeMux, _ *site.Site) {
		proxy := &httputil.ReverseProxy{
			Rewrite:  func(r *httputil.ProxyRequest) { r.SetURL(target) },
			ErrorLog: logging.ErrorLog(nil),
		}
		for _, c := range change {
			c(proxy)
		}
		mux.Handle("/up/", http.StripPrefix("/up", proxy))
	}
}

// A real nginx that sets what it likes: by hand, and with its own module for
// recognising visitors, which knows nothing of consent.
func TestNginx(t *testing.T) {
	way := nginx(t,
		"userid on; userid_name uid; userid_expires 365d; userid_path /;",
		`add_header Set-Cookie "sid=1; Path=/" always; add_header Set-Cookie "tracker=2; Max-Age=99999999" always;`,
		`add_header NEL "{\"report_to\":\"x\",\"max_age\":99999999}" always; add_header Accept-CH "Sec-CH-UA-Model" always;`,
		`location = /seen { return 200 "$http_cookie"; }`,
		`location = /moved { return 302 /up/seen; }`,
		`location = /out { add_header Set-Cookie "uid=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/"; return 204; }`,
		`location = /gone { return 404 "nothing"; }`,
	)
	sid, uid := essential("sid"), measured("uid")
	protocols(t, func(t *testing.T, http2 bool) {
		through := func(p *httputil.ReverseProxy) { p.Transport = way }
		s := shop{routes: proxied(t, "http://nginx.example", through), cookies: []cookies.Spec{sid, uid}, http2: http2}.start(t)
		const essential = "sid=1; Path=/; HttpOnly; SameSite=Lax"
		v := s.Visitor()
		for path, status := range map[string]int{"/up/seen": 200, "/up/moved": 302, "/up/gone": 404, "/up/file.txt": 200} {
			a := v.Get(path)
			require.Equal(t, status, a.StatusCode)
			require.Equal(t, []string{essential}, a.Sets(), path)
			for _, field := range []string{"NEL", "Accept-CH"} {
				require.Empty(t, a.Header.Values(field), path)
			}
		}
		require.EqualValues(t, 4, s.Site.Gate.Stats().Withheld["tracker"])

		v.Post("/privacy/decision", "action=accept")
		a := v.Get("/up/seen")
		require.Equal(t, []string{"sid", "uid"}, a.Names())
		require.Regexp(t, `^uid=[^;]{20,}; Expires=[^;]+ GMT; path=/; HttpOnly; SameSite=Lax$`, a.Sets()[1])
		ends := a.Cookies()[1].Expires
		require.WithinDuration(t, time.Now().Add(uid.Lifetime), ends, time.Minute, "a year, cut to the declared hour")
		require.Contains(t, v.Get("/up/seen").Text, "uid=", "upstream recognises who allowed it")
		require.NotContains(t, v.Get("/up/seen").Names(), "uid", "and sets it once")

		v.Header.Set("Range", "bytes=5-14")
		a = v.Get("/up/file.txt")
		require.Equal(t, 206, a.StatusCode)
		require.Equal(t, "5678901234", a.Text)
		v.Header.Del("Range")

		kept := v.Client.Jar.Cookies(a.Request.URL)
		a = v.Post("/privacy/withdraw", "")
		require.ElementsMatch(t, []string{"consent", "uid"}, a.Names())
		for _, c := range kept {
			v.Header.Add("Cookie", c.Name+"="+c.Value)
		}
		require.NotContains(t, v.Get("/up/seen").Text, "uid=", "upstream is not shown what it may not read")
		v.Header.Del("Cookie")
		require.Equal(t, []string{"uid=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/"}, v.Get("/up/out").Sets())
	})
}

// Early hints of an upstream arrive, one after the other, without the cookies
// that it put into them; those and its trailers' are judged with the answer.
func TestEarlyHintsOfAnUpstream(t *testing.T) {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, link := range []string{"</a.css>; rel=preload", "</b.css>; rel=preload"} {
			w.Header().Set("Link", link)
			w.Header().Set("Set-Cookie", "early=1")
			w.Header().Set("NEL", `{"max_age":9}`)
			w.WriteHeader(http.StatusEarlyHints)
		}
		w.Header().Set("Set-Cookie", "visits=1; Path=/")
		w.Header().Set("Trailer", "Server-Timing, Set-Cookie")
		_, _ = io.WriteString(w, "page")
		w.Header().Set("Server-Timing", "db;dur=1")
		w.Header().Set("Set-Cookie", "late=1")
	}))
	t.Cleanup(upstream.Close)
	protocols(t, func(t *testing.T, http2 bool) {
		s := shop{routes: proxied(t, upstream.URL), http2: http2}.start(t)
		v := s.Visitor()
		for _, allowed := range []bool{false, true} {
			var hints []http.Header
			ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
				Got1xxResponse: func(_ int, h textproto.MIMEHeader) error { hints = append(hints, http.Header(h)); return nil },
			})
			r, err := http.NewRequestWithContext(ctx, "GET", s.URL+"/up/", nil)
			require.NoError(t, err)
			w, err := v.Client.Do(r)
			require.NoError(t, err)
			body, err := io.ReadAll(w.Body)
			require.NoError(t, err)
			w.Body.Close()
			require.Equal(t, "page", string(body))
			require.Len(t, hints, 2)
			require.Equal(t, http.Header{"Link": {"</a.css>; rel=preload"}}, hints[0])
			require.Equal(t, http.Header{"Link": {"</b.css>; rel=preload"}}, hints[1])
			require.Equal(t, http.Header{"Server-Timing": {"db;dur=1"}}, w.Trailer)
			var want []string
			if allowed {
				want = []string{"visits=1; Path=/; HttpOnly; SameSite=Lax"}
			}
			require.Equal(t, want, w.Header["Set-Cookie"])
			require.Empty(t, w.Header.Values("NEL"))
			v.Post("/privacy/decision", "action=accept")
		}
		line := s.Lines()[0]
		require.EqualValues(t, 200, line["http.response.status_code"])
		require.EqualValues(t, 4, line["http.response.body.size"])
		require.Equal(t, "/up/", line["http.route"])
	})
}

func proxyInside(t *testing.T) { TestNginx(t); TestEarlyHintsOfAnUpstream(t) }

// A stream comes through as it is sent.
func TestStreamOfAnUpstream(t *testing.T) {
	next := make(chan bool)
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		w.Header().Set("Set-Cookie", "rogue=1")
		for range 3 {
			_, _ = io.WriteString(w, "data: x\n\n")
			w.(http.Flusher).Flush()
			<-next
		}
	}))
	t.Cleanup(upstream.Close)
	protocols(t, func(t *testing.T, http2 bool) {
		s := shop{routes: proxied(t, upstream.URL), http2: http2}.start(t)
		w, err := s.Client().Get(s.URL + "/up/")
		require.NoError(t, err)
		defer w.Body.Close()
		require.Empty(t, w.Header.Values("Set-Cookie"))
		lines := bufio.NewScanner(w.Body)
		for range 3 {
			require.True(t, lines.Scan())
			require.Equal(t, "data: x", lines.Text())
			require.True(t, lines.Scan())
			next <- true
		}
		require.False(t, lines.Scan())
	})
}

// An upstream that breaks off: the visitor's answer breaks off too, and the line
// does not call it whole.
func TestUpstreamBreaksOff(t *testing.T) {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "200000")
		w.Header().Set("Set-Cookie", "rogue=1")
		_, _ = io.WriteString(w, strings.Repeat("half", 25_000))
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}))
	t.Cleanup(upstream.Close)
	protocols(t, func(t *testing.T, http2 bool) {
		s := shop{routes: proxied(t, upstream.URL), http2: http2}.start(t)
		w, err := s.Client().Get(s.URL + "/up/")
		require.NoError(t, err)
		defer w.Body.Close()
		require.Empty(t, w.Header.Values("Set-Cookie"))
		_, err = io.ReadAll(w.Body)
		require.Error(t, err)
		line := s.Lines()[0]
		require.EqualValues(t, 200, line["http.response.status_code"])
		require.Equal(t, "abort", line["error.type"])
	})
}

// An upstream that is not there.
func TestUpstreamDown(t *testing.T) {
	down := httptest.NewServer(nil)
	down.Close()
	s := shop{routes: proxied(t, down.URL)}.start(t)
	require.Equal(t, 502, s.Visitor().Get("/up/").StatusCode)
	require.EqualValues(t, 502, s.Lines()[0]["http.response.status_code"])
}

// socket is an upstream that upgrades, and sets a cookie with that.
func socket(t *testing.T) string {
	upgrader := websocket.Upgrader{}
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := upgrader.Upgrade(w, r, http.Header{"Set-Cookie": {"rogue=1"}})
		if err != nil {
			return
		}
		defer conn.Close()
		if kind, message, err := conn.ReadMessage(); err == nil {
			_ = conn.WriteMessage(kind, append(message, " back"...))
		}
	}))
	t.Cleanup(upstream.Close)
	return upstream.URL
}

// talk upgrades through the site and returns the answer's cookies.
func talk(t *testing.T, s *http.Response, conn *websocket.Conn) []string {
	t.Helper()
	require.NoError(t, conn.WriteMessage(websocket.TextMessage, []byte("there and")))
	_, message, err := conn.ReadMessage()
	require.NoError(t, err)
	require.Equal(t, "there and back", string(message))
	require.NoError(t, conn.Close())
	return s.Header["Set-Cookie"]
}

// A websocket through ReverseProxy works. The proxy writes the upstream's header
// into the connection that it hijacked, where no gate sees it.
func upgradeThroughProxy(t *testing.T) {
	s := shop{routes: proxied(t, socket(t))}.start(t)
	conn, answer, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(s.URL, "http")+"/up/", nil)
	require.NoError(t, err)
	require.Equal(t, []string{"rogue=1"}, talk(t, answer, conn))
	// A server does not wait for the connections that it gave away.
	require.Eventually(t, func() bool { return s.Log.String() != "" }, 10*time.Second, time.Millisecond)
	require.EqualValues(t, 101, s.Lines()[0]["http.response.status_code"])
}

// The proxy can drop it first.
func upgradeWithoutCookies(t *testing.T) {
	s := shop{routes: proxied(t, socket(t), func(p *httputil.ReverseProxy) {
		p.ModifyResponse = func(w *http.Response) error {
			if w.StatusCode == http.StatusSwitchingProtocols {
				w.Header.Del("Set-Cookie")
			}
			return nil
		}
	})}.start(t)
	conn, answer, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(s.URL, "http")+"/up/", nil)
	require.NoError(t, err)
	require.Empty(t, talk(t, answer, conn))
}
