// Alice is a site on http.ServeMux, chained with github.com/justinas/alice, that
// keeps its privacy policy. The mux tells its routes by itself.
//
//	go run ./alice [-addr 127.0.0.1:8080]
package main

import (
	"net/http"

	"github.com/justinas/alice"

	"github.com/candorhttp/candor/examples/routers/site"
)

func main() { site.Main(handler) }

func handler(s *site.Site) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/privacy/", s.Pages)
	mux.Handle("/.well-known/gpc.json", s.Pages)

	mux.HandleFunc("GET /{$}", s.Home)
	mux.HandleFunc("GET /users/{id}", site.User)
	mux.HandleFunc("GET /orders/{id}", site.Order)
	mux.HandleFunc("GET /stream", site.Stream)

	return alice.New(s.Access.Middleware, s.Consent.Middleware, s.Gate.Middleware, site.Recover).Then(mux)
}
