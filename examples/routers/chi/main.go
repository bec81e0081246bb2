// Chi is a site on github.com/go-chi/chi that keeps its privacy policy.
//
//	go run ./chi [-addr 127.0.0.1:8080]
package main

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/candorhttp/candor/examples/routers/site"
	"github.com/candorhttp/candor/logging"
)

func main() { site.Main(handler) }

func handler(s *site.Site) http.Handler {
	r := chi.NewRouter()
	r.Use(logging.RouteFrom(func(r *http.Request) string { return chi.RouteContext(r.Context()).RoutePattern() }))
	r.Use(site.Recover) // not middleware.Recoverer, which prints the value of the panic

	r.Handle("/privacy/*", s.Pages)
	r.Handle("/.well-known/gpc.json", s.Pages)

	r.Get("/", s.Home)
	r.Get("/users/{id}", site.User)
	r.Route("/orders", func(r chi.Router) { r.Get("/{id}", site.Order) })
	r.Get("/stream", site.Stream)
	return s.Middleware(r)
}
