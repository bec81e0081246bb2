package logging

import (
	"net/http"
	"strings"

	"github.com/candorhttp/candor/consent/exchange"
)

// RouteFrom tells the access log the route template that a router other than
// http.ServeMux matched. Mount it inside the router, where template knows it:
//
//	r.Use(logging.RouteFrom(func(r *http.Request) string { return chi.RouteContext(r.Context()).RoutePattern() }))
//
// template is called after the handler returned, also when it panicked, and
// before where something asks sooner. It must return the template, such as
// "/users/{id}", and never the path.
func RouteFrom(template func(*http.Request) string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if x := exchange.From(r.Context()); x != nil {
				x.RouteBy(r, template)
				defer func() {
					// Routers use their contexts again for other requests.
					x.RouteBy(nil, nil)
					if route := template(r); route != "" {
						x.SetRoute(route)
					}
				}()
			}
			next.ServeHTTP(w, r)
		})
	}
}

// routePath takes the path from a pattern of http.ServeMux, "[METHOD ][HOST]/[PATH]".
// The mark "{$}" says how the pattern matches and is left out.
func routePath(pattern string) string {
	i := strings.IndexByte(pattern, '/')
	if i < 0 {
		return ""
	}
	return strings.TrimSuffix(pattern[i:], "{$}")
}
