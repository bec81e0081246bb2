package routers_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/justinas/nosurf"
	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/cookies"
	"github.com/candorhttp/candor/examples/routers/blackbox"
	"github.com/candorhttp/candor/examples/routers/site"
)

// csrf is nosurf for a site on plain http, exempt for the paths below some.
func csrf(exempt ...string) layer {
	return func(next http.Handler) http.Handler {
		h := nosurf.New(next)
		h.SetIsTLSFunc(func(r *http.Request) bool { return r.TLS != nil })
		h.ExemptFunc(func(r *http.Request) bool {
			for _, prefix := range exempt {
				if strings.HasPrefix(r.URL.Path, prefix) {
					return true
				}
			}
			return false
		})
		return h
	}
}

// orderPages is a form with a token, and what takes it.
func orderPages(mux *http.ServeMux, _ *site.Site) {
	mux.HandleFunc("GET /order", func(w http.ResponseWriter, r *http.Request) { _, _ = fmt.Fprint(w, nosurf.Token(r)) })
	mux.HandleFunc("POST /order", func(w http.ResponseWriter, r *http.Request) { _, _ = fmt.Fprint(w, "ordered") })
}

// browse makes a visitor look like a browser on the site's own pages.
func browse(s *blackbox.Running) *blackbox.Visitor {
	v := s.Visitor()
	v.Header.Set("Sec-Fetch-Site", "same-origin")
	return v
}

// order posts the form with a token.
func order(v *blackbox.Visitor, token string) blackbox.Answer {
	return v.Post("/order", url.Values{"csrf_token": {token}}.Encode())
}

// nosurf inside the chain, with its cookie declared as essential.
func TestNosurf(t *testing.T) {
	protocols(t, func(t *testing.T, http2 bool) {
		s := shop{inside: csrf("/privacy/"), routes: orderPages, cookies: []cookies.Spec{essential("csrf_token")}, http2: http2}.start(t)
		v := browse(s)
		a := v.Get("/order")
		require.Len(t, a.Sets(), 1)
		require.Regexp(t, `^csrf_token=[^;]+; Max-Age=3600; HttpOnly; SameSite=Lax$`, a.Sets()[0], "a year, cut to the declared hour")
		require.Equal(t, "ordered", order(v, a.Text).Text)
		require.Equal(t, 400, order(v, "guessed").StatusCode)
		require.Equal(t, 400, order(browse(s), a.Text).StatusCode, "somebody else's token")
		v.Header.Set("Sec-Fetch-Site", "cross-site")
		v.Header.Set("Origin", "https://evil.example")
		require.Equal(t, 400, order(v, a.Text).StatusCode)
	})
}

// Undeclared, its cookie is withheld, no form can be sent, and the operator is
// told why.
func TestNosurfUndeclared(t *testing.T) {
	s := shop{inside: csrf("/privacy/"), routes: orderPages}.start(t)
	v := browse(s)
	a := v.Get("/order")
	require.Empty(t, a.Sets())
	require.Equal(t, 400, order(v, a.Text).StatusCode)
	require.Contains(t, s.Own.String(), `withheld \"csrf_token\": not declared`)
}

// Its forms of the privacy pages have no token of somebody else's making: where
// nosurf looks at them as well, nobody can say no.
func csrfOnPrivacy(t *testing.T) {
	for _, exempt := range [][]string{nil, {"/privacy/"}} {
		s := shop{inside: csrf(exempt...), cookies: []cookies.Spec{essential("csrf_token")}}.start(t)
		v := browse(s)
		v.Get("/")
		for _, form := range []string{"action=refuse", "action=accept"} {
			want := 400
			if exempt != nil {
				want = 303
			}
			require.Equal(t, want, v.Post("/privacy/decision", form).StatusCode)
			require.Equal(t, want, v.Post("/privacy/withdraw", "").StatusCode)
		}
		if exempt != nil {
			v.Header.Set("Sec-Fetch-Site", "cross-site")
			require.Equal(t, 403, v.Post("/privacy/decision", "action=accept").StatusCode, "they are protected by themselves")
		}
	}
}

// Around the chain, what it refuses is in no log, and the cookie that it sets
// with the refusal was judged by nobody.
func csrfAround(t *testing.T) {
	s := shop{around: csrf("/privacy/"), routes: orderPages}.start(t)
	v := browse(s)
	a := v.Post("/order", "")
	require.Equal(t, 400, a.StatusCode)
	require.Equal(t, []string{"csrf_token"}, a.Names(), "declared nowhere")
	require.Empty(t, s.Lines())
}

func csrfInside(t *testing.T) {
	TestNosurf(t)
	s := shop{inside: csrf("/privacy/"), routes: orderPages}.start(t)
	require.Empty(t, browse(s).Post("/order", "").Sets())
	require.EqualValues(t, 400, s.Lines()[0]["http.response.status_code"])
}
