package routers_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/cookies"
	"github.com/candorhttp/candor/examples/routers/blackbox"
	"github.com/candorhttp/candor/examples/routers/site"
)

// layer is a middleware of whoever's making.
type layer = func(http.Handler) http.Handler

// shop is a site on http.ServeMux, with code of others mounted where a test
// wants it.
type shop struct {
	around, inside layer                            // of the whole chain
	routes         func(*http.ServeMux, *site.Site) // besides the site's pages
	cookies        []cookies.Spec
	origins        []string // trusted ones
	http2          bool
}

func (o shop) start(t *testing.T) *blackbox.Running {
	t.Helper()
	return blackbox.StartWith(t, o.http2, site.Config{Cookies: o.cookies, TrustedOrigins: o.origins}, func(s *site.Site) http.Handler {
		mux := http.NewServeMux()
		mux.Handle("/privacy/", s.Pages)
		mux.HandleFunc("GET /{$}", s.Home)
		mux.HandleFunc("GET /users/{id}", site.User)
		mux.HandleFunc("GET /orders/{id}", site.Order)
		mux.HandleFunc("GET /stream", site.Stream)
		if o.routes != nil {
			o.routes(mux, s)
		}
		h := http.Handler(mux)
		if o.inside != nil {
			h = o.inside(h)
		}
		if h = s.Middleware(h); o.around != nil {
			h = o.around(h)
		}
		return h
	})
}

// essential and measured declare a cookie.
func essential(name string) cookies.Spec {
	return cookies.Spec{Name: name, Purpose: consent.Authentication, Lifetime: time.Hour, Description: consent.Text{"en": "-"}}
}

func measured(name string) cookies.Spec {
	return cookies.Spec{Name: name, Purpose: consent.Analytics, Lifetime: time.Hour, Description: consent.Text{"en": "-"}}
}

// protocols runs a test over HTTP/1.1 and HTTP/2.
func protocols(t *testing.T, test func(t *testing.T, http2 bool)) {
	t.Run("HTTP1", func(t *testing.T) { test(t, false) })
	t.Run("HTTP2", func(t *testing.T) { test(t, true) })
}
