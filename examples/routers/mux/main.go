// Mux is a site on github.com/gorilla/mux that keeps its privacy policy.
//
//	go run ./mux [-addr 127.0.0.1:8080]
package main

import (
	"net/http"

	"github.com/gorilla/mux"

	"github.com/candorhttp/candor/examples/routers/site"
	"github.com/candorhttp/candor/logging"
)

func main() { site.Main(handler) }

func handler(s *site.Site) http.Handler {
	r := mux.NewRouter()
	r.Use(mux.MiddlewareFunc(logging.RouteFrom(template)))
	r.Use(site.Recover) // not handlers.RecoveryHandler, which prints the value of the panic

	r.PathPrefix("/privacy/").Handler(s.Pages)
	r.Handle("/.well-known/gpc.json", s.Pages)

	r.HandleFunc("/", s.Home).Methods("GET", "HEAD")
	r.HandleFunc("/users/{id}", site.User).Methods("GET", "HEAD")
	r.PathPrefix("/orders").Subrouter().HandleFunc("/{id}", site.Order).Methods("GET", "HEAD")
	r.HandleFunc("/stream", site.Stream).Methods("GET")
	return s.Middleware(r)
}

// template is the route's, "" where there is none.
func template(r *http.Request) string {
	t, _ := mux.CurrentRoute(r).GetPathTemplate()
	return t
}
