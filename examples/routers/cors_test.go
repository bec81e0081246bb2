package routers_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/rs/cors"
	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/examples/routers/blackbox"
	"github.com/candorhttp/candor/examples/routers/site"
)

const (
	app  = "https://app.shop.example" // the site's own single-page application
	evil = "https://evil.example"
)

// crossOrigin is rs/cors with credentials for the origins, or for every one.
func crossOrigin(origins ...string) layer {
	options := cors.Options{AllowCredentials: true, AllowedOrigins: origins, AllowedHeaders: []string{"Content-Type"}}
	if len(origins) == 0 {
		options.AllowOriginFunc = func(string) bool { return true }
	}
	return cors.New(options).Handler
}

// api has routes of the site's own that other origins may call.
func api(mux *http.ServeMux, _ *site.Site) {
	mux.Handle("/api/", crossOrigin(app)(http.HandlerFunc(site.User)))
}

// ask sends a request from a page of another origin and returns what its script
// may read of the answer.
func ask(s *blackbox.Running, method, path, origin string) (readable bool, a blackbox.Answer) {
	v := s.Visitor()
	v.Header.Set("Origin", origin)
	v.Header.Set("Sec-Fetch-Site", "cross-site")
	if method == http.MethodOptions {
		v.Header.Set("Access-Control-Request-Method", "POST")
		v.Header.Set("Access-Control-Request-Headers", "content-type")
	}
	a = v.Do(method, path, "")
	allowed := strings.Join(a.Header.Values("Access-Control-Allow-Origin"), ", ")
	return allowed == origin && a.Header.Get("Access-Control-Allow-Credentials") == "true", a
}

// On the routes that need it, inside the chain. The privacy endpoints answer the
// origins that they trust by themselves.
func corsInside(t *testing.T) {
	protocols(t, func(t *testing.T, http2 bool) {
		s := shop{routes: api, origins: []string{app}, http2: http2}.start(t)
		for path, can := range map[string]bool{"/api/x": true, "/privacy/decision": true, "/users/42": false, "/": false} {
			readable, _ := ask(s, "GET", path, app)
			require.Equal(t, can, readable, path)
			readable, _ = ask(s, "GET", path, evil)
			require.False(t, readable, path)
		}
		preflight, a := ask(s, "OPTIONS", "/api/x", app)
		require.True(t, preflight)
		require.Equal(t, 204, a.StatusCode)
		lines := s.Lines()
		require.EqualValues(t, 204, lines[len(lines)-1]["http.response.status_code"])
		require.Equal(t, "OPTIONS", lines[len(lines)-1]["http.request.method"])
		require.Equal(t, "/api/", lines[len(lines)-1]["http.route"])
	})
}

// Around the chain with credentials for everybody: any site reads what a visitor
// decided. It cannot change it.
func corsForEverybody(t *testing.T) {
	s := shop{around: crossOrigin()}.start(t)
	readable, a := ask(s, "GET", "/privacy/decision", evil)
	require.True(t, readable)
	require.Contains(t, a.Text, "analytics")
	_, a = ask(s, "POST", "/privacy/decision", evil)
	require.Equal(t, 403, a.StatusCode)
}

// Around the chain, preflights are answered before the chain: they have no line,
// and the application's to the privacy endpoints is answered by who does not
// know what those allow.
func corsAround(t *testing.T) {
	s := shop{around: crossOrigin("https://other.shop.example"), origins: []string{app}}.start(t)
	preflight, a := ask(s, "OPTIONS", "/privacy/decision", app)
	require.False(t, preflight)
	require.Less(t, a.StatusCode, 300)
	require.Empty(t, s.Lines())

	s = shop{origins: []string{app}}.start(t)
	preflight, _ = ask(s, "OPTIONS", "/privacy/decision", app)
	require.True(t, preflight, "without it, it is")
	require.Len(t, s.Lines(), 1)
}

// http.CrossOriginProtection around the chain refuses the posts of trusted
// origins unless it is told of them as well.
func crossOriginProtection(t *testing.T) {
	around, told := http.NewCrossOriginProtection(), http.NewCrossOriginProtection()
	require.NoError(t, told.AddTrustedOrigin(app))
	for p, want := range map[*http.CrossOriginProtection]int{around: 403, told: 303} {
		s := shop{around: p.Handler, origins: []string{app}}.start(t)
		v := s.Visitor()
		v.Header.Set("Origin", app)
		v.Header.Set("Sec-Fetch-Site", "same-site")
		require.Equal(t, want, v.Post("/privacy/decision", "action=refuse").StatusCode)
	}
}
