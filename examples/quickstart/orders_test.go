package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// permutations of n things.
func permutations(n int) [][]int {
	if n == 0 {
		return [][]int{{}}
	}
	var out [][]int
	for _, p := range permutations(n - 1) {
		for i := 0; i <= len(p); i++ {
			out = append(out, slices.Insert(slices.Clone(p), i, n-1))
		}
	}
	return out
}

// tell is a visit as the wire, the log and the handler saw it, less what
// differs by chance.
func tell(t *testing.T, order []int) string {
	s := start(t, newKeys(t), order...)
	v := s.visitor()
	v.header.Set("X-Forwarded-For", "198.51.100.77")
	var story strings.Builder
	note := func(a answer) {
		h := a.Header.Clone()
		h.Del("Date")
		for _, c := range a.Cookies() {
			for i, line := range h["Set-Cookie"] {
				if c.Value != "" && c.Name != "visits" && c.Name != "theme" {
					h["Set-Cookie"][i] = strings.Replace(line, c.Value, "…", 1)
				}
			}
		}
		for _, k := range slices.Sorted(maps.Keys(h)) {
			fmt.Fprintf(&story, "%s: %q\n", k, h[k])
		}
		// The keys are others in every run.
		fmt.Fprintf(&story, "%d %s\n", a.StatusCode, signature.ReplaceAllString(a.body, "s=…"))
	}
	note(v.get("/"))
	note(v.get("/privacy/decision"))
	note(v.form("/privacy/decision", "action=save&purpose=analytics&purpose=preferences"))
	note(v.get("/"))
	note(v.form("/settings", "theme=dark"))
	note(v.form("/login", "email=jane%40example.com"))
	note(v.get("/"))
	note(v.get("/download"))
	note(v.get("/nothing"))
	note(v.get("/search?q=shoes&page=2"))
	note(v.form("/privacy/events/beacon", "event=web_vitals&lcp=1234.5"))
	require.NoError(t, s.site.events.Flush(t.Context()))
	v.header.Set("Sec-GPC", "1")
	note(v.get("/login"))
	note(v.form("/privacy/withdraw", "purpose=analytics"))
	note(v.get("/"))
	note(v.json("/privacy/decision", `{"grants":{"spying":true}}`))
	v.panics("/panic")
	s.Close()
	for text := range strings.Lines(s.log.String()) {
		var line map[string]any
		require.NoError(t, json.Unmarshal([]byte(text), &line))
		for _, k := range []string{"time", "http.server.request.duration", "request.id", "client.pseudonym"} {
			if _, ok := line[k]; ok {
				line[k] = "…"
			}
		}
		clean, err := json.Marshal(line)
		require.NoError(t, err)
		story.Write(clean)
		story.WriteByte('\n')
	}
	require.NoError(t, s.site.events.Flush(t.Context()))
	for _, e := range s.events.all() {
		e.ID, e.Pseudonym, e.Time = "…", e.Pseudonym[:3], time.Time{}
		fmt.Fprintf(&story, "%+v\n", e)
	}
	fmt.Fprintf(&story, "%+v\n", s.site.events.Stats().Withheld)
	return story.String()
}

var signature = regexp.MustCompile(`s=[A-Za-z0-9_-]{22}`)

// The middlewares in all 24 mount orders: the same on the wire, in the log, for
// the handler and in the events.
func TestMountOrders(t *testing.T) {
	orders := permutations(4)
	require.Len(t, orders, 24)
	want := tell(t, orders[0])
	require.Contains(t, want, `data-theme="dark"`)
	require.Equal(t, 5, strings.Count(want, "Pseudonym:p1:"), "events of the visit between the yes and the no")
	for _, order := range orders[1:] {
		t.Run(fmt.Sprint(order), func(t *testing.T) { require.Equal(t, want, tell(t, order)) })
	}
}
