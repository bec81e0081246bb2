package analytics

import (
	_ "embed"
	"net/http"
	"net/url"
	"strings"
)

//go:embed script.js
var script string

// Prefix returns the path that Handler is to be mounted at, with its slashes.
func (p *Pipeline) Prefix() string { return p.prefix }

// Handler serves what pages need, below Prefix. Mount it there in the router:
//
//	mux.Handle("/privacy/events/", events.Handler())
//
//	POST beacon     events from a script, see below
//	GET  script.js  a script that sends WebVitals and OutboundLink
//	GET  out        the redirects of Link
//
// A beacon is {"event":"name","properties":{"name":value}}, or a list of up to 16
// of them, as JSON or as text/plain, which needs no preflight; or the same as a
// form, event=name&name=value. It takes at most 8 KiB, from this site's own
// pages, of events whose Spec allows it. The answer is always 204, whatever
// became of it, and never sets a cookie.
//
// Scripts measure in the visitor's browser, so leave the script out of the page
// unless the visitor agreed (with html/template and package banner):
//
//	{{if consentAllowed "analytics"}}<script src="/privacy/events/script.js" defer></script>{{end}}
func (p *Pipeline) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		get := r.Method == http.MethodGet || r.Method == http.MethodHead
		switch name := strings.TrimPrefix(r.URL.Path, p.prefix); {
		case name == "beacon":
			p.takeBeacon(r)
			w.Header().Set("Cache-Control", "no-store")
			w.WriteHeader(http.StatusNoContent)
		case name != "script.js" && name != "out":
			http.NotFound(w, r)
		case !get:
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "this address takes GET, HEAD", http.StatusMethodNotAllowed)
		case name == "out":
			p.serveLink(w, r)
		default:
			w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
			w.Header().Set("Cache-Control", "public, max-age=3600")
			_, _ = w.Write([]byte(script)) // an error is the connection's
		}
	})
}

// pageRoute returns the route of the page that a request came from, if it is one
// of the host's own and the mux knows it. Of the path nothing else is kept.
func (p *Pipeline) pageRoute(r *http.Request) string {
	referrer := one(r.Header["Referer"])
	if p.mux == nil || referrer == "" || len(referrer) > maxReferrer {
		return ""
	}
	u, err := url.Parse(referrer)
	if err != nil || !strings.EqualFold(u.Host, r.Host) || u.Path == "" {
		return ""
	}
	_, pattern := p.mux.Handler(&http.Request{Method: http.MethodGet, Host: r.Host, URL: &url.URL{Path: u.Path}})
	return routePath(pattern)
}

// maxReferrer bounds what is looked up; browsers cut theirs at 4,096 characters
// (Referrer Policy §8.3).
const maxReferrer = 4096
