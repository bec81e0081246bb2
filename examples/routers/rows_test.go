package routers_test

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent/exchange"
)

// row is a thing that handlers do. Its number is that of the same row in the
// tests of the exchange itself.
type row struct {
	name   string
	method string
	do     http.HandlerFunc
	want   exchange.Outcome
	// differs is what a router makes of it, with the exchange and without, by its
	// name or by the exchange's place and its name.
	differs map[string]exchange.Outcome
	// broken says that the client gets an error instead of a whole response.
	broken bool
}

func write(w http.ResponseWriter, n int) { _, _ = io.WriteString(w, strings.Repeat("x", n)) }

func rows() []row {
	type out = exchange.Outcome
	panicked := func(status int, n int64) out { return out{Status: status, Bytes: n, Aborted: true, Panicked: true} }
	return []row{
		{name: "1 nothing", do: func(w http.ResponseWriter, r *http.Request) {}, want: out{Status: 200}},
		{name: "2 two WriteHeaders", do: func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(201)
			w.WriteHeader(500)
			write(w, 1)
		}, want: out{Status: 201, Bytes: 1}, differs: map[string]out{
			// It keeps the status for itself until the first byte.
			"gin": {Status: 500, Bytes: 1},
		}},
		{name: "3 WriteHeader after a write", do: func(w http.ResponseWriter, r *http.Request) {
			write(w, 1)
			w.WriteHeader(500)
		}, want: out{Status: 200, Bytes: 1}},
		{name: "4 103 then 404", do: func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(103)
			w.WriteHeader(404)
			write(w, 2)
		}, want: out{Status: 404, Bytes: 2, Informational: 1}, differs: map[string]out{
			"around gin":  {Status: 404, Bytes: 2},
			"around echo": {Status: 200, Bytes: 2, Informational: 1}, // takes the first for the final one
		}},
		{name: "5 103 then a write", do: func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(103)
			write(w, 2)
		}, want: out{Status: 200, Bytes: 2, Informational: 1}},
		{name: "6 Flush then WriteHeader", do: func(w http.ResponseWriter, r *http.Request) {
			w.(http.Flusher).Flush()
			w.WriteHeader(500)
		}, want: out{Status: 200}},
		{name: "7 ResponseController.Flush only", do: func(w http.ResponseWriter, r *http.Request) {
			_ = http.NewResponseController(w).Flush()
		}, want: out{Status: 200}},
		{name: "8 HEAD", method: "HEAD", do: func(w http.ResponseWriter, r *http.Request) { write(w, 5) }, want: out{Status: 200}},
		{name: "9 304 then a write", do: func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(304)
			write(w, 5)
		}, want: out{Status: 304}},
		{name: "9 204 then a write", do: func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(204)
			write(w, 5)
		}, want: out{Status: 204}},
		{name: "10 WriteHeader(0)", do: func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(0) },
			want: panicked(0, 0), broken: true, differs: map[string]out{"gin": {Status: 200}}},
		{name: "11 panic before a write", do: func(w http.ResponseWriter, r *http.Request) { panic("x") },
			want: panicked(0, 0), broken: true},
		{name: "12a write, panic", do: func(w http.ResponseWriter, r *http.Request) {
			write(w, 7)
			panic("x")
		}, want: panicked(200, 7), broken: true},
		{name: "12b write, flush, panic", do: func(w http.ResponseWriter, r *http.Request) {
			write(w, 7)
			w.(http.Flusher).Flush()
			panic("x")
		}, want: panicked(200, 7), broken: true},
		{name: "12b write much, panic", do: func(w http.ResponseWriter, r *http.Request) {
			write(w, 10_000)
			panic("x")
		}, want: panicked(200, 10_000), broken: true},
		{name: "13 abort", do: func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) },
			want: out{Aborted: true}, broken: true},
		{name: "13 write, abort", do: func(w http.ResponseWriter, r *http.Request) {
			write(w, 7)
			panic(http.ErrAbortHandler)
		}, want: out{Status: 200, Bytes: 7, Aborted: true}, broken: true},
		{name: "17 copy", do: func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(w, io.LimitReader(strings.NewReader(strings.Repeat("x", 10_000)), 9_000))
		}, want: out{Status: 200, Bytes: 9_000}},
		{name: "17 an empty source", do: func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(w, strings.NewReader(""))
			w.WriteHeader(418)
		}, want: out{Status: 418}},
		{name: "19 two 103s then 200", do: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Link", "</a>")
			w.WriteHeader(103)
			w.Header().Set("Link", "</b>")
			w.WriteHeader(103)
			w.WriteHeader(200)
			write(w, 1)
		}, want: out{Status: 200, Bytes: 1, Informational: 2}, differs: map[string]out{
			"around gin":  {Status: 200, Bytes: 1},
			"around echo": {Status: 200, Bytes: 1, Informational: 1},
		}},
		{name: "21 less than Content-Length", do: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "10")
			write(w, 4)
		}, want: out{Status: 200, Bytes: 4, Aborted: true}, broken: true},
		{name: "22 and 23 trailers", do: func(w http.ResponseWriter, r *http.Request) {
			write(w, 1)
			w.(http.Flusher).Flush()
			w.Header().Set(http.TrailerPrefix+"Server-Timing", "db;dur=1")
			w.Header().Set(http.TrailerPrefix+"Set-Cookie", "bad=3")
		}, want: out{Status: 200, Bytes: 1}},
	}
}

// What is recorded, inside a router's writer and around the router, is what the
// client received.
func TestRowsInRouters(t *testing.T) {
	for router, mount := range mounts {
		for place, put := range map[string]func(*gate, http.Handler) http.Handler{"inside": inside(mount), "around": around(mount)} {
			for _, tt := range rows() {
				for protocol, http2 := range map[string]bool{"HTTP1": false, "HTTP2": true} {
					t.Run(place+" "+router+"/"+tt.name+"/"+protocol, func(t *testing.T) {
						if place+router == "insideecho" && (strings.HasPrefix(tt.name, "4 ") || strings.HasPrefix(tt.name, "19 ")) {
							return // echo takes a 103 as final and drops what follows: what it sends then it tells nobody
						}
						want, broken := tt.want, tt.broken
						for _, key := range []string{router, place + " " + router} {
							if other, ok := tt.differs[key]; ok {
								want, broken = other, other.Aborted
							}
						}
						g := newGate()
						bad := func(w http.ResponseWriter, r *http.Request) {
							w.Header().Add("Set-Cookie", "bad=1")
							w.Header().Add("Set-Cookie", "good=1")
							w.Header()["set-cookie"] = []string{"bad=2"}
							tt.do(w, r)
						}
						method := tt.method
						if method == "" {
							method = "GET"
						}
						got := get(t, server(t, put(g, http.HandlerFunc(bad)), http2), method)
						require.Equal(t, want, g.result(t))
						require.Equal(t, broken, got.broken)
						if broken {
							return
						}
						require.Equal(t, want.Status, got.status)
						if place == "inside" && router == "gin" && strings.HasPrefix(tt.name, "2 ") {
							want.Status = 201 // what the hooks were told; gin heard another one before the first byte
						}
						require.Equal(t, strconv.Itoa(want.Status), got.header.Get("X-Judged"), "before the header went out")
						require.EqualValues(t, want.Bytes, len(got.body))
						require.Len(t, got.early, want.Informational)
						require.Equal(t, []string{"good=1"}, got.header.Values("Set-Cookie"))
						for _, h := range got.early {
							require.Empty(t, h.Values("Set-Cookie"))
						}
						require.Empty(t, got.trailer.Values("Set-Cookie"))
						if strings.HasSuffix(tt.name, "trailers") {
							require.Equal(t, http.Header{"Server-Timing": {"db;dur=1"}}, got.trailer)
						}
					})
				}
			}
		}
	}
}
