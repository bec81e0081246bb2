package routers_test

import (
	"net/http"
	"testing"

	"github.com/gorilla/handlers"
	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/examples/routers/site"
)

// Middlewares that believe a header and change RemoteAddr: around the chain
// anybody writes an address of their choice into the log, inside it the log
// stays right and the pages see the forged one.
func addressRewritten(t *testing.T) {
	shown := ""
	pages := func(mux *http.ServeMux, _ *site.Site) {
		mux.HandleFunc("GET /who", func(_ http.ResponseWriter, r *http.Request) { shown = r.RemoteAddr })
	}
	for name, tt := range map[string]struct {
		shop
		logged string
	}{
		"around": {shop{around: handlers.ProxyHeaders, routes: pages}, "203.0.0.0"},
		"inside": {shop{inside: handlers.ProxyHeaders, routes: pages}, "127.0.0.0"},
	} {
		s := tt.start(t)
		v := s.Visitor()
		v.Header.Set("X-Forwarded-For", "203.0.113.9")
		v.Get("/who")
		require.Equal(t, "203.0.113.9", shown, name)
		require.Equal(t, tt.logged, s.Lines()[0]["client.address"], name)
	}
}
