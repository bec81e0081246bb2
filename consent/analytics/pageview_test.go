package analytics_test

import (
	"bufio"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/analytics"
)

const (
	firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
	phone   = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"
	robot   = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
)

// answerWith is a page of a status and a content type; "" lets it be found out.
func answerWith(status int, kind string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if kind != "" {
			w.Header().Set("Content-Type", kind)
		}
		w.WriteHeader(status)
		if status != 304 && status != 204 {
			_, _ = w.Write([]byte("<!doctype html><p>Hello"))
		}
	}
}

// What is a page view, and what of it is told.
func TestPageViews(t *testing.T) {
	pages := map[string]http.HandlerFunc{
		"GET /users/{id}":    answerWith(200, "text/html; charset=utf-8"),
		"GET /xhtml":         answerWith(200, "Application/XHTML+XML"),
		"GET /silent":        answerWith(200, ""),
		"GET /missing":       answerWith(404, "text/html"),
		"GET /broken":        answerWith(503, "text/html"),
		"GET /moved":         answerWith(302, "text/html"),
		"GET /same":          answerWith(304, ""),
		"GET /none":          answerWith(204, ""),
		"GET /style.css":     answerWith(200, "text/css"),
		"GET /api":           answerWith(200, "application/json"),
		"POST /users/{id}":   answerWith(200, "text/html"),
		"GET /privacy/about": answerWith(200, "text/html"),
		"GET /panic":         func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"GET /early": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusEarlyHints)
			html(w, r)
		},
		"GET /hijack": func(w http.ResponseWriter, r *http.Request) {
			c, rw, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_, _ = rw.WriteString("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
				_ = rw.Flush()
				c.Close()
			}
		},
	}
	for _, tt := range []struct {
		name, method, path string
		header             []string
		route, status      string // "" is no page view
		device             string
	}{
		{name: "page", path: "/users/jane@example.com", route: "/users/{id}", status: "2xx"},
		{name: "page by a browser", path: "/users/1", header: []string{"Sec-Fetch-Dest", "document", "User-Agent", firefox}, route: "/users/{id}", status: "2xx", device: "desktop"},
		{name: "page on a phone", path: "/users/1", header: []string{"User-Agent", phone}, route: "/users/{id}", status: "2xx", device: "mobile"},
		{name: "xhtml", path: "/xhtml", route: "/xhtml", status: "2xx"},
		{name: "type left open, a document", path: "/silent", header: []string{"Sec-Fetch-Dest", "document"}, route: "/silent", status: "2xx"},
		{name: "type left open, html is asked for", path: "/silent", header: []string{"Accept", "text/html,*/*;q=0.8"}, route: "/silent", status: "2xx"},
		{name: "type left open", path: "/silent"},
		{name: "not found", path: "/missing", route: "/missing", status: "4xx"},
		{name: "no route", path: "/nothing/here", header: []string{"Accept", "text/html"}}, // http.NotFound is plain text
		{name: "error", path: "/broken", route: "/broken", status: "5xx"},
		{name: "not modified", path: "/same", header: []string{"Sec-Fetch-Dest", "document"}, route: "/same", status: "3xx"},
		{name: "after a 103", path: "/early", route: "/early", status: "2xx"},
		{name: "redirect", path: "/moved"},
		{name: "no content", path: "/none", header: []string{"Sec-Fetch-Dest", "document"}},
		{name: "style", path: "/style.css"},
		{name: "data", path: "/api"},
		{name: "post", method: "POST", path: "/users/1"},
		{name: "head", method: "HEAD", path: "/users/1"},
		{name: "fetched by a script", path: "/users/1", header: []string{"Sec-Fetch-Dest", "empty"}},
		{name: "in a frame", path: "/users/1", header: []string{"Sec-Fetch-Dest", "iframe"}},
		{name: "panic", path: "/panic"},
		{name: "hijacked", path: "/hijack"},
		{name: "decision", path: "/privacy/decision", header: []string{"Accept", "text/html"}},
		{name: "prefetch", path: "/users/1", header: []string{"Sec-Purpose", "prefetch"}},
		{name: "prerender", path: "/users/1", header: []string{"Sec-Purpose", "prefetch;prerender"}},
		{name: "anonymised prefetch", path: "/users/1", header: []string{"Sec-Purpose", "prefetch;anonymous-client-ip"}},
		{name: "old prefetch", path: "/users/1", header: []string{"Purpose", "prefetch"}},
		{name: "older prefetch", path: "/users/1", header: []string{"X-Moz", "prefetch"}},
		{name: "preview", path: "/users/1", header: []string{"X-Purpose", "preview"}},
		{name: "second line", path: "/users/1", header: []string{"Sec-Purpose", "x", "Sec-Purpose", "Prefetch"}},
		{name: "robot", path: "/users/1", header: []string{"User-Agent", robot}},
	} {
		for _, http2 := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, HTTP/2 %v", tt.name, http2), func(t *testing.T) {
				own, counts := firstParty("own", 100), &tally{}
				s := newSite(t, newManager(t), analytics.Config{Sinks: []analytics.Sink{own}, Counters: counts, Events: []analytics.Spec{analytics.PageViews("own")}}, pages)
				server := httptest.NewUnstartedServer(s.handler)
				if server.EnableHTTP2 = http2; http2 {
					server.StartTLS()
				} else {
					server.Start()
				}
				defer server.Close()
				cookie := s.choose("", `{"analytics":true}`)
				r, err := http.NewRequest(cmpOr(tt.method, "GET"), server.URL+tt.path, nil)
				require.NoError(t, err)
				r.Header.Set("Cookie", cookie)
				for i := 0; i < len(tt.header); i += 2 {
					r.Header.Add(tt.header[i], tt.header[i+1])
				}
				client := server.Client()
				client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
				client.Transport.(*http.Transport).DisableKeepAlives = !http2 // no second try
				if w, err := client.Do(r); err == nil {
					require.Equal(t, http2, w.ProtoMajor == 2)
					_, _ = bufio.NewReader(w.Body).Peek(1)
					w.Body.Close()
				}
				server.Close() // every exchange has ended
				s.flush()
				got := own.all()
				if tt.status == "" {
					require.Empty(t, got)
					require.Zero(t, counts.of(analytics.PageView))
					return
				}
				require.Len(t, got, 1)
				require.Equal(t, tt.route, got[0].Route)
				want := fmt.Sprintf("status=%s device=%s ", tt.status, cmpOr(tt.device, "other"))
				text := ""
				for _, p := range got[0].Properties {
					text += p.Name() + "=" + p.Text() + " "
				}
				require.Equal(t, want, text)
				cells := slices.Collect(maps.Keys(counts.cells))
				require.ElementsMatch(t, []analytics.Cell{
					{Event: "page_view"}, {Event: "page_view", Dimension: "route", Value: tt.route},
					{Event: "page_view", Dimension: "status", Value: tt.status}, {Event: "page_view", Dimension: "device", Value: cmpOr(tt.device, "other")},
				}, cells)
			})
		}
	}
}

// A page that a timeout answered in the place of is none, and neither is one
// whose status no class has.
func TestNoPageAfterAll(t *testing.T) {
	answered := make(chan struct{})
	own := firstParty("own", 100)
	s := newSite(t, newManager(t), analytics.Config{Sinks: []analytics.Sink{own}, Events: []analytics.Spec{analytics.PageViews("own")}}, map[string]http.HandlerFunc{
		"/odd": answerWith(700, "text/html"),
		"/slow": func(w http.ResponseWriter, r *http.Request) {
			<-answered
			html(w, r)
		},
	})
	cookie := s.choose("", `{"analytics":true}`)
	s.get("/odd", cookie)
	ended := make(chan struct{})
	inner := s.handler
	s.handler = http.TimeoutHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(ended)
		inner.ServeHTTP(w, r)
	}), time.Millisecond, "too slow")
	require.Equal(t, 503, s.get("/slow", cookie).Code)
	close(answered)
	<-ended
	s.flush()
	require.Empty(t, own.all())
}

func cmpOr(a, b string) string {
	if a == "" {
		return b
	}
	return a
}

// Robots and prefetching make no event of a handler's either, and are counted.
func TestNobodyLooks(t *testing.T) {
	own, counts := firstParty("own", 100), &tally{}
	s := newSite(t, newManager(t), analytics.Config{Sinks: []analytics.Sink{own}, Counters: counts, Events: []analytics.Spec{click("", "own"), analytics.PageViews("own")}}, map[string]http.HandlerFunc{"/page": html})
	cookie := s.choose("", `{"analytics":true}`)
	for _, path := range []string{"/track", "/page"} {
		s.get(path, cookie, "User-Agent", robot)
		s.get(path, cookie, "Sec-Purpose", "prefetch")
		s.get(path, "", "User-Agent", robot)
	}
	s.flush()
	require.Empty(t, own.all())
	require.Empty(t, counts.cells)
	require.Equal(t, map[analytics.Withheld]uint64{analytics.Robot: 4, analytics.Prefetch: 2}, s.events.Stats().Withheld)
}

// Nothing of the response is changed, and it is not marked as dependent on
// consent.
func TestMiddlewareChangesNothing(t *testing.T) {
	own := firstParty("own", 100)
	m := newManager(t)
	s := newSite(t, m, analytics.Config{Sinks: []analytics.Sink{own}, Events: []analytics.Spec{analytics.PageViews("own"), click("", "own")}}, nil)
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.events.Track(r.Context(), analytics.Event{Name: "click"})
		w.Header().Set("ETag", `"1"`)
		html(w, r)
	})
	s.handler = page
	want := s.get("/", "")
	s.handler = m.Middleware(s.events.Middleware(page))
	for _, cookie := range []string{"", "consent=bad"} {
		got := s.get("/", cookie)
		require.Equal(t, want.Result().Header, got.Result().Header)
		require.Equal(t, want.Body.String(), got.Body.String())
	}
}

// In an exchange in which a choice was recorded nothing is captured: the minute
// and the pseudonym of an event would lead to the ledger's entry.
func TestNothingBesideAChoice(t *testing.T) {
	own := firstParty("own", 100)
	var s *site
	s = newSite(t, newManager(t), analytics.Config{Sinks: []analytics.Sink{own}, Events: []analytics.Spec{analytics.PageViews("own"), click("", "own")}}, map[string]http.HandlerFunc{
		"GET /dialog": func(w http.ResponseWriter, r *http.Request) {
			require.NoError(t, s.manager.Record(w, r, consent.Choices{Grants: map[consent.Purpose]bool{consent.Analytics: true}}))
			s.events.Track(r.Context(), analytics.Event{Name: "click"})
			html(w, r)
		},
	})
	s.get("/dialog", "")
	s.flush()
	require.Empty(t, own.all())
	require.Equal(t, map[analytics.Withheld]uint64{analytics.PrivacyPage: 2}, s.events.Stats().Withheld)
}

// The country is what the host's callback says, if it is one.
func TestCountry(t *testing.T) {
	for given, want := range map[string]string{"DE": "DE", "ZW": "ZW", "AD": "AD", "de": "", "XX": "", "": "", "DEU": "", "jane@example.com": ""} {
		own := firstParty("own", 100)
		spec := analytics.PageViews("own")
		spec.Properties = []analytics.PropertySpec{analytics.CountryCode()}
		spec.Count = nil
		s := newSite(t, newManager(t), analytics.Config{
			Sinks: []analytics.Sink{own}, Events: []analytics.Spec{spec},
			Country: func(r *http.Request) string { return r.Header.Get("Cf-Ipcountry") },
		}, map[string]http.HandlerFunc{"/page": html})
		s.get("/page", s.choose("", `{"analytics":true}`), "CF-IPCountry", given)
		s.flush()
		require.Len(t, own.all(), 1)
		text := ""
		for _, p := range own.all()[0].Properties {
			text += p.Text()
		}
		require.Equal(t, want, text)
	}
}

// Whatever a visitor puts into a request, none of it is in what a sink gets.
func TestPromise_P20_PageViewsHoldNothingOfTheRequest(t *testing.T) {
	const email, token, address = "jane@example.com", "s3cr3t-t0ken", "198.51.100.77"
	own, counts := firstParty("own", 100), &tally{}
	s := newSite(t, newManager(t), analytics.Config{
		Sinks: []analytics.Sink{own}, Counters: counts,
		Events: []analytics.Spec{analytics.PageViews("own"), analytics.Vitals("own"), analytics.OutboundLinks([]string{"partner.example"}, "own")},
	}, map[string]http.HandlerFunc{"GET /users/{id}": html, "/": html})
	cookie := s.choose("", `{"analytics":true}`)
	for _, path := range []string{"/users/" + email, "/" + token, "/x/" + address + "?q=" + email} {
		s.get(path, cookie, "Referer", "https://example.com/"+email, "X-Forwarded-For", address, "User-Agent", token, "Authorization", token)
		s.do("POST", s.events.Prefix()+"beacon", cookie, `{"event":"web_vitals","properties":{"lcp":12,"`+token+`":"`+email+`"}}`,
			"Content-Type", "text/plain", "Referer", "http://example.com"+path)
		s.do("POST", s.events.Prefix()+"beacon", cookie, `{"event":"outbound_link","properties":{"host":"`+email+`"}}`, "Content-Type", "text/plain")
	}
	s.flush()
	require.Len(t, own.all(), 9)
	text := fmt.Sprintf("%+v %+v %+v", own.all(), counts.cells, s.events.Stats())
	for _, canary := range []string{email, "jane", token, address, "198.51", "consent="} {
		require.NotContains(t, strings.ToLower(text), canary)
	}
}
