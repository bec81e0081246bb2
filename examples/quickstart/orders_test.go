package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent/exchange"
)

// standIn is a fourth user of the exchange: it looks at the header and the end
// as the analytics pipeline will, and changes nothing.
func standIn(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x, w, r := exchange.Begin(w, r)
		x.OnHeader(bystander{})
		x.OnEnd(bystander{})
		x.Serve(next, w, r)
	})
}

type bystander struct{}

func (bystander) BeforeHeader(*exchange.Exchange, int, http.Header) {}
func (bystander) AtEnd(x *exchange.Exchange)                        { x.Outcome() }

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
		fmt.Fprintf(&story, "%d %s\n", a.StatusCode, a.body)
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
	return story.String()
}

// The middlewares in all 24 mount orders: the same on the wire, in the log and
// for the handler.
func TestMountOrders(t *testing.T) {
	orders := permutations(4)
	require.Len(t, orders, 24)
	want := tell(t, orders[0])
	require.Contains(t, want, `data-theme="dark"`)
	for _, order := range orders[1:] {
		t.Run(fmt.Sprint(order), func(t *testing.T) { require.Equal(t, want, tell(t, order)) })
	}
}
