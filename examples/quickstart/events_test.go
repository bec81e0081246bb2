package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent/analytics"
)

// collector is a first-party sink that keeps everything.
type collector struct {
	mu     sync.Mutex
	events []analytics.Delivery
}

func (*collector) Destination() analytics.Destination {
	return analytics.Destination{Name: "collector", MaxEvents: 100}
}

func (c *collector) Send(_ context.Context, batch []analytics.Delivery) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, d := range batch {
		d.Properties = append([]analytics.Property(nil), d.Properties...)
		c.events = append(c.events, d)
	}
	return nil
}

func (c *collector) all() []analytics.Delivery {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]analytics.Delivery(nil), c.events...)
}

// said is what the shop learned, in the order of the visits.
func (r *running) said() (names []string) {
	require.NoError(r.t, r.site.events.Flush(r.t.Context()))
	for _, e := range r.events.all() {
		text := e.Name + " " + e.Route
		for _, p := range e.Properties {
			text += " " + p.Name() + "=" + p.Text()
		}
		names = append(names, text)
	}
	return names
}

// Events begin with the yes and end with the no.
func TestEventsAskFirst(t *testing.T) {
	s := start(t, newKeys(t))
	v := s.visitor()
	outbound := func() string {
		_, rest, _ := strings.Cut(v.get("/").body, `<a href="/privacy/events/out?`)
		query, _, _ := strings.Cut(rest, `"`)
		return "/privacy/events/out?" + strings.ReplaceAll(query, "&amp;", "&")
	}
	link := outbound()
	require.NotContains(t, v.get("/").body, "script.js", "nothing is measured")
	require.Equal(t, 302, v.get(link).StatusCode, "links work all the same")
	v.get("/search?q=shoes&page=2")
	require.Empty(t, s.said())

	v.form("/privacy/decision", "action=accept")
	require.Contains(t, v.get("/").body, `<script src="/privacy/events/script.js" defer>`)
	v.get("/search?q=jane%40example.com&page=2")
	v.get("/users/42")
	v.header.Set("Referer", s.URL+"/users/42")
	a := v.get(link)
	require.Equal(t, "https://en.wikipedia.org/wiki/Utah_teapot", a.Header.Get("Location"))
	require.Empty(t, a.names())
	require.Equal(t, 204, v.do("POST", "/privacy/events/beacon", "text/plain", `{"event":"web_vitals","properties":{"lcp":812.4,"cls":0.02}}`).StatusCode)
	require.Equal(t, []string{
		"page_view / status=2xx device=other", "search /search page=2", "page_view /search status=2xx device=other",
		"page_view /users/{id} status=2xx device=other", "outbound_link /users/{id} host=en.wikipedia.org", "web_vitals /users/{id} lcp=812 cls=0.02",
	}, s.said())
	for _, e := range s.events.all() {
		require.Equal(t, s.events.all()[0].Pseudonym, e.Pseudonym)
	}

	v.get("/users/43") // waits for others
	v.form("/privacy/withdraw", "purpose=analytics")
	v.get("/users/44")
	v.get(link)
	require.Len(t, s.said(), 6, "what was queued was dropped")
	require.EqualValues(t, 1, s.site.events.Stats().Sinks["collector"].Dropped[analytics.Withdrawn])
}

// Whoever has the access log and the events, both whole, cannot lay one beside
// the other: no id, no pseudonym and no second of an event is in the log.
func TestPromise_P19_EventsAndLogDoNotJoin(t *testing.T) {
	s := start(t, newKeys(t))
	for i := range 40 {
		v := s.visitor()
		v.header.Set("X-Forwarded-For", fmt.Sprintf("198.51.100.%d", i))
		v.form("/privacy/decision", "action=accept")
		v.get("/")
		v.get("/users/1")
	}
	require.Len(t, s.said(), 80)
	s.Close()
	log := s.log.String()
	minutes := map[string]map[string]bool{}
	for _, e := range s.events.all() {
		require.NotContains(t, log, e.ID)
		require.NotContains(t, log, e.Pseudonym)
		require.NotContains(t, log, strings.TrimPrefix(e.Pseudonym, "p1:"))
		require.Zero(t, e.Time.Second()+e.Time.Nanosecond())
		at := e.Time.String() + e.Route
		if minutes[at] == nil {
			minutes[at] = map[string]bool{}
		}
		minutes[at][e.Pseudonym] = true
	}
	require.LessOrEqual(t, len(minutes), 4, "all visitors of a minute are alike")
}

// With -data events are lines of a file of their own, and what the access log
// may hold is what it was.
func TestEventsFile(t *testing.T) {
	binary, data := build(t), t.TempDir()
	p := launch(t, binary, "-data", data)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	w, err := client.PostForm(p.url+"/privacy/decision", map[string][]string{"action": {"accept"}})
	require.NoError(t, err)
	w.Body.Close()
	cookie := w.Cookies()[0].Name + "=" + w.Cookies()[0].Value
	for _, path := range []string{"/users/jane@example.com", "/search?q=jane@example.com&page=3"} {
		r, err := http.NewRequest("GET", p.url+path, nil)
		require.NoError(t, err)
		r.Header.Set("Cookie", cookie)
		w, err := client.Do(r)
		require.NoError(t, err)
		w.Body.Close()
	}
	p.end(syscall.SIGTERM)
	files, err := filepath.Glob(filepath.Join(data, "events", "events-*.log"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	text, err := os.ReadFile(files[0])
	require.NoError(t, err)
	require.NotContains(t, string(text), "jane")
	var routes []string
	for line := range strings.Lines(string(text)) {
		var e map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &e))
		require.Regexp(t, regexp.MustCompile(`^p1:\d{8}:[0-9a-f]{32}$`), e["client.pseudonym"])
		at, err := time.Parse(time.RFC3339, e["time"].(string))
		require.NoError(t, err)
		require.Zero(t, at.Second())
		routes = append(routes, fmt.Sprint(e["event.name"], " ", e["http.route"], " ", e["event.properties"]))
	}
	require.Equal(t, []string{
		"page_view /users/{id} map[device:other status:2xx]", "search /search map[page:3]", "page_view /search map[device:other status:2xx]",
	}, routes)
}
