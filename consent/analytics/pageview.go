package analytics

import (
	"net/http"
	"strings"

	"github.com/candorhttp/candor/consent/exchange"
)

// Middleware captures a page view for each page that is looked at, when PageView
// is declared. Mount it around the router, in any order with the others; with
// a router other than http.ServeMux also logging.RouteFrom inside it.
//
// A page is an HTML answer to a GET that a browser shows as a document. Answers
// to prefetching, prerendering and robots, redirects, parts of pages that
// scripts fetch, and everything of the privacy endpoints are none. Nothing is
// changed in the response, and it is not marked as dependent on consent.
func (p *Pipeline) Middleware(next http.Handler) http.Handler {
	if p.specs[PageView] == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x, w, r := exchange.Begin(w, r)
		p.consent.Attach(x)
		x.OnHeader(p)
		x.Serve(next, w, r)
	})
}

// BeforeHeader implements [exchange.HeaderHook]: it sees whether the answer is a
// page.
func (p *Pipeline) BeforeHeader(x *exchange.Exchange, status int, h http.Header) {
	if isPage(x.Request(), status, h) {
		x.OnEnd(p)
	}
}

// AtEnd implements [exchange.EndHook]: a page was sent.
func (p *Pipeline) AtEnd(x *exchange.Exchange) {
	status := x.Outcome().Status
	if status < 200 || status > 599 {
		return // something else answered
	}
	s := p.specs[PageView]
	var d draft
	for i := range s.properties {
		if s.properties[i].filled == byStatus {
			d.set(i, uint64(status/100-2))
		}
	}
	p.capture(x, s, &d, routePath(x.Route()))
}

// isPage reports whether an answer is what somebody looks at.
func isPage(r *http.Request, status int, h http.Header) bool {
	if r.Method != http.MethodGet || status < 200 || status == http.StatusNoContent || status == http.StatusResetContent ||
		status >= 300 && status < 400 && status != http.StatusNotModified {
		return false
	}
	dest := one(r.Header["Sec-Fetch-Dest"])
	if dest != "" && dest != "document" {
		return false
	}
	if kind := one(h["Content-Type"]); kind != "" {
		return hasPrefixFold(kind, "text/html") || hasPrefixFold(kind, "application/xhtml+xml")
	}
	// Left to be found out from the first bytes, or not said again (304).
	return dest == "document" || strings.Contains(one(r.Header["Accept"]), "text/html")
}

// one returns the first line of a field, or "".
func one(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return lines[0]
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}
