package analytics_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent/analytics"
)

// Every beacon gets the same answer, whatever became of it.
func TestBeacon(t *testing.T) {
	const form, text, plain = "application/x-www-form-urlencoded", "application/json", "text/plain;charset=UTF-8"
	notForScripts := click("", "own")
	notForScripts.Name, notForScripts.Script = "server_only", false
	long := strings.Repeat(" ", 8<<10)
	many := func(n int) string {
		return "[" + strings.TrimSuffix(strings.Repeat(`{"event":"click"},`, n), ",") + "]"
	}
	for _, tt := range []struct {
		name, kind, body string
		method           string
		header           []string
		want             string // events and their properties
		withheld         analytics.Withheld
	}{
		{name: "text", kind: plain, body: `{"event":"click","properties":{"size":"small","first":true,"items":3,"took":12.5}}`, want: "click size=small first=true items=3 took=12.5;"},
		{name: "json", kind: text, body: `{"event":"click"}`, want: "click;"},
		{name: "list", kind: text, body: `[{"event":"click","properties":{"items":1}},{"event":"click"}]`, want: "click items=1;click;"},
		{name: "as many as may be", kind: text, body: many(16), want: strings.Repeat("click;", 16)},
		{name: "form", kind: form, body: "event=click&size=large&first=false&items=7&took=0.25", want: "click size=large first=false items=7 took=0.25;"},
		{name: "same origin", kind: plain, body: `{"event":"click"}`, header: []string{"Sec-Fetch-Site", "same-origin"}, want: "click;"},
		{name: "values that are not valid", kind: plain, body: `{"event":"click","properties":{"size":"jane@example.com","first":"yes","items":1e9,"took":null,"email":"jane@example.com"}}`, want: "click;"},
		{name: "values of other types", kind: plain, body: `{"event":"click","properties":{"size":1,"first":1,"items":1.5,"took":"12"}}`, want: "click;"},
		{name: "form values that are not valid", kind: form, body: "event=click&size=tiny&first=1&items=x&took=y", want: "click;"},
		{name: "nested", kind: plain, body: `{"event":"click","properties":{"size":["small"],"items":{"a":1}}}`, want: "click;"},

		{name: "not declared", kind: plain, body: `{"event":"other"}`, withheld: analytics.Undeclared},
		{name: "not for scripts", kind: plain, body: `{"event":"server_only"}`, withheld: analytics.Undeclared},
		{name: "cross-site", kind: plain, body: `{"event":"click"}`, header: []string{"Sec-Fetch-Site", "cross-site"}, withheld: analytics.BadBeacon},
		{name: "sibling host", kind: plain, body: `{"event":"click"}`, header: []string{"Sec-Fetch-Site", "same-site"}, withheld: analytics.BadBeacon},
		{name: "other origin", kind: plain, body: `{"event":"click"}`, header: []string{"Origin", "https://evil.example"}, withheld: analytics.BadBeacon},
		{name: "get", method: "GET", kind: plain, body: `{"event":"click"}`, withheld: analytics.BadBeacon},
		{name: "put", method: "PUT", kind: plain, body: `{"event":"click"}`, withheld: analytics.BadBeacon},
		{name: "empty", kind: plain, withheld: analytics.BadBeacon},
		{name: "no type", body: `{"event":"click"}`, withheld: analytics.BadBeacon},
		{name: "other type", kind: "application/xml", body: `{"event":"click"}`, withheld: analytics.BadBeacon},
		{name: "broken type", kind: "text/", body: `{"event":"click"}`, withheld: analytics.BadBeacon},
		{name: "not json", kind: plain, body: `{"event":`, withheld: analytics.BadBeacon},
		{name: "more behind", kind: plain, body: `{"event":"click"}{"event":"click"}`, withheld: analytics.BadBeacon},
		{name: "unknown field", kind: plain, body: `{"event":"click","user":"jane"}`, withheld: analytics.BadBeacon},
		{name: "too many events", kind: plain, body: many(17), withheld: analytics.BadBeacon},
		{name: "too many properties", kind: plain, body: `{"event":"click","properties":{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1,"j":1,"k":1,"l":1,"m":1,"n":1,"o":1,"p":1,"q":1}}`, withheld: analytics.BadBeacon},
		{name: "too large", kind: plain, body: `{"event":"click"}` + long, withheld: analytics.BadBeacon},
		{name: "form without event", kind: form, body: "size=small", withheld: analytics.BadBeacon},
		{name: "form with two", kind: form, body: "event=click&event=click", withheld: analytics.BadBeacon},
		{name: "form with a value twice", kind: form, body: "event=click&size=small&size=large", withheld: analytics.BadBeacon},
		{name: "broken form", kind: form, body: "event=click&size=%zz", withheld: analytics.BadBeacon},
		{name: "robot", kind: plain, body: `{"event":"click"}`, header: []string{"User-Agent", robot}, withheld: analytics.Robot},
		{name: "no consent", kind: plain, body: `{"event":"click"}`, header: []string{"Cookie", "consent=x"}, withheld: analytics.NoConsent},
	} {
		t.Run(tt.name, func(t *testing.T) {
			own := firstParty("own", 100)
			s := newSite(t, newManager(t), analytics.Config{Sinks: []analytics.Sink{own}, Events: []analytics.Spec{click("", "own"), notForScripts}}, map[string]http.HandlerFunc{"/shop/{item}": html})
			cookie := s.choose("", `{"analytics":true}`)
			header := append([]string{"Referer", "http://example.com/shop/teapot?q=jane"}, tt.header...)
			if tt.kind != "" {
				header = append(header, "Content-Type", tt.kind)
			}
			w := s.do(cmpOr(tt.method, "POST"), "/privacy/events/beacon", cookie, tt.body, header...)
			require.Equal(t, 204, w.Code)
			require.Equal(t, http.Header{"Cache-Control": {"no-store"}, "X-Content-Type-Options": {"nosniff"}}, w.Result().Header)
			require.Empty(t, w.Body.String())
			s.flush()
			var text strings.Builder
			for _, d := range own.all() {
				require.Equal(t, "/shop/{item}", d.Route, "of the page, not of the beacon")
				text.WriteString(d.Name)
				for _, p := range d.Properties {
					text.WriteString(" " + p.Name() + "=" + p.Text())
				}
				text.WriteString(";")
			}
			require.Equal(t, tt.want, text.String())
			want := map[analytics.Withheld]uint64{}
			if tt.withheld != 0 {
				want[tt.withheld] = 1
			}
			require.Equal(t, want, s.events.Stats().Withheld)
		})
	}
}

// A body whose length is not said is bounded as well.
func TestBeaconOfUnknownLength(t *testing.T) {
	own := firstParty("own", 100)
	s := newSite(t, newManager(t), analytics.Config{Sinks: []analytics.Sink{own}, Events: []analytics.Spec{click("", "own")}}, nil)
	server := httptest.NewServer(s.handler)
	defer server.Close()
	cookie := s.choose("", `{"analytics":true}`)
	for _, n := range []int{8 << 10, 8<<10 + 1, 1 << 20} {
		body := `{"event":"click"}` + strings.Repeat(" ", n-len(`{"event":"click"}`))
		r, err := http.NewRequest("POST", server.URL+"/privacy/events/beacon", io.MultiReader(strings.NewReader(body)))
		require.NoError(t, err)
		r.Header.Set("Cookie", cookie)
		r.Header.Set("Content-Type", "text/plain")
		w, err := server.Client().Do(r)
		require.NoError(t, err)
		w.Body.Close()
		require.Equal(t, 204, w.StatusCode)
	}
	s.flush()
	require.Len(t, own.all(), 1)
	require.EqualValues(t, 2, s.events.Stats().Withheld[analytics.BadBeacon])
}

// The page of a beacon is known by its route alone, and only if it is one of the
// site's own.
func TestBeaconRoute(t *testing.T) {
	for referrer, want := range map[string]string{
		"http://example.com/shop/teapot": "/shop/{item}", "https://EXAMPLE.com/shop/x?y#z": "/shop/{item}", "http://example.com/nothing": "",
		"http://example.com": "", "https://evil.example/shop/teapot": "", "": "", "/shop/teapot": "", "http://example.com/%zz": "",
		"http://example.com/shop/" + strings.Repeat("x", 5000): "", "http://example.com//shop/x": "/shop/{item}",
	} {
		own := firstParty("own", 100)
		s := newSite(t, newManager(t), analytics.Config{Sinks: []analytics.Sink{own}, Events: []analytics.Spec{click("", "own")}}, map[string]http.HandlerFunc{"/shop/{item}": html})
		s.do("POST", "/privacy/events/beacon", s.choose("", `{"analytics":true}`), `{"event":"click"}`, "Content-Type", "text/plain", "Referer", referrer)
		s.flush()
		require.Len(t, own.all(), 1)
		if referrer != "http://example.com//shop/x" { // net/http redirects; either answer is a pattern of the site's
			require.Equal(t, want, own.all()[0].Route, referrer)
		}
	}
}

// The beacon works without a middleware around it.
func TestBeaconAlone(t *testing.T) {
	own := firstParty("own", 100)
	s := newSite(t, newManager(t), analytics.Config{Sinks: []analytics.Sink{own}, Events: []analytics.Spec{click("", "own")}}, nil)
	cookie := s.choose("", `{"analytics":true}`)
	s.handler = s.events.Handler()
	s.do("POST", "/privacy/events/beacon", cookie, `{"event":"click"}`, "Content-Type", "text/plain")
	s.do("POST", "/privacy/events/beacon", "", `{"event":"click"}`, "Content-Type", "text/plain")
	s.flush()
	require.Len(t, own.all(), 1)
}

func TestScript(t *testing.T) {
	s := newSite(t, newManager(t), analytics.Config{Events: []analytics.Spec{analytics.Vitals()}}, nil)
	w := s.get("/privacy/events/script.js", "")
	require.Equal(t, 200, w.Code)
	require.Equal(t, "text/javascript; charset=utf-8", w.Header().Get("Content-Type"))
	require.Contains(t, w.Body.String(), "sendBeacon")
	require.Less(t, w.Body.Len(), 4<<10)
	for _, banned := range []string{"cookie", "localStorage", "sessionStorage", "indexedDB", "http://", "https://"} {
		require.NotContains(t, w.Body.String(), banned)
	}
	require.Equal(t, 405, s.do("POST", "/privacy/events/script.js", "", "").Code)
	require.Equal(t, 404, s.get("/privacy/events/", "").Code)
	require.Equal(t, 404, s.get("/privacy/events/other", "").Code)
}

// Whatever is sent, no event says more than its declaration.
func FuzzBeacon(f *testing.F) {
	f.Add(`{"event":"click","properties":{"size":"small","first":true,"items":3,"took":12.5}}`, true)
	f.Add(`[{"event":"click"},{"event":"click","properties":{"items":-1}}]`, true)
	f.Add("event=click&size=large&first=false&items=7&took=0.25", false)
	f.Add(`{"EVENT":"click","event":"x"}`, true)
	own := firstParty("own", 1)
	s := newSite(f, newManager(f), analytics.Config{Sinks: []analytics.Sink{own}, Events: []analytics.Spec{click("", "own")}}, nil)
	cookie := s.choose("", `{"analytics":true}`)
	f.Fuzz(func(t *testing.T, body string, asJSON bool) {
		s.t = t
		kind := "application/x-www-form-urlencoded"
		if asJSON {
			kind = "text/plain"
		}
		require.Equal(t, 204, s.do("POST", "/privacy/events/beacon", cookie, body, "Content-Type", kind).Code)
		s.flush()
		got := own.all()
		own.mu.Lock()
		own.got, own.batches = nil, nil
		own.mu.Unlock()
		for _, d := range got {
			require.Equal(t, "click", d.Name)
			for _, p := range d.Properties {
				switch p.Name() {
				case "size":
					require.Contains(t, []string{"small", "large"}, p.Text())
				case "first":
					require.Equal(t, analytics.KindBool, p.Kind())
				case "items":
					require.True(t, p.Int() >= 0 && p.Int() <= 100)
				case "took":
					require.True(t, p.Float() >= 0 && p.Float() <= 1000)
				default:
					t.Fatal(p.Name())
				}
			}
		}
		if len(got) > 0 && !asJSON {
			values, err := url.ParseQuery(body)
			require.NoError(t, err)
			require.Equal(t, []string{"click"}, values["event"])
		}
		if len(got) > 0 && asJSON {
			require.True(t, json.Valid([]byte(body)))
		}
	})
}

func TestPromise_P18_UseAndPerformanceAreCounted(t *testing.T) {
	counts := &tally{}
	page := analytics.PageViews()
	page.Properties = append(page.Properties, analytics.CountryCode())
	page.Count = append(page.Count, "country")
	s := newSite(t, newManager(t), analytics.Config{
		Counters: counts, Events: []analytics.Spec{page, analytics.Vitals(), click("")},
		Country: func(*http.Request) string { return "DE" },
	}, map[string]http.HandlerFunc{"/shop/{item}": html})
	s.get("/shop/teapot", "", "User-Agent", phone)
	s.get("/track", "")
	s.do("POST", "/privacy/events/beacon", "", `{"event":"web_vitals","properties":{"lcp":2600,"cls":0.05,"inp":800}}`, "Content-Type", "text/plain")
	require.Equal(t, map[analytics.Cell]int{
		{Event: "page_view"}: 1, {Event: "page_view", Dimension: "route", Value: "/shop/{item}"}: 1,
		{Event: "page_view", Dimension: "status", Value: "2xx"}: 1, {Event: "page_view", Dimension: "device", Value: "mobile"}: 1,
		{Event: "page_view", Dimension: "country", Value: "DE"}: 1,
		{Event: "click"}: 1, {Event: "click", Dimension: "size", Value: "small"}: 1,
		{Event: "web_vitals"}: 1, {Event: "web_vitals", Dimension: "lcp", Value: "<=4000"}: 1,
		{Event: "web_vitals", Dimension: "cls", Value: "<=0.1"}: 1, {Event: "web_vitals", Dimension: "inp", Value: ">500"}: 1,
	}, counts.cells)
	refused := s.choose("", `{"analytics":false}`)
	s.get("/shop/teapot", refused)
	require.Equal(t, 1, counts.of("page_view"), "a no is not counted")
}
