package consent

import (
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"sync"

	"github.com/candorhttp/candor/consent/exchange"
)

// BeforeHeader implements [exchange.HeaderHook]: it sends the consent cookie,
// and tells caches what a response depends on.
func (m *Manager) BeforeHeader(x *exchange.Exchange, status int, h http.Header) {
	s := m.state(x)
	s.mu.Lock()
	line, marks := s.line(), s.marks
	s.private = status != 0 && marks != 0
	s.mu.Unlock()
	if status == 0 {
		return
	}
	if line != "" {
		// First, so that the lines stand in the same order whichever hook ran
		// before this one.
		h["Set-Cookie"] = append([]string{line}, h["Set-Cookie"]...)
	}
	if marks != 0 {
		markResponse(h, marks)
	}
}

// MarkPrivate makes the header of a response private to its visitor, as a
// handler's question does: for middleware that finds, when the header goes out,
// that what it sends depends on the decision.
func (m *Manager) MarkPrivate(x *exchange.Exchange, h http.Header) {
	s := m.state(x)
	s.mu.Lock()
	private := s.private
	s.mu.Unlock()
	if !private {
		markResponse(h, markCookie)
	}
}

// Issued reports whether line is the Set-Cookie line of the consent cookie that
// the manager itself sends in this exchange.
func (m *Manager) Issued(x *exchange.Exchange, line string) bool {
	s := m.state(x)
	s.mu.Lock()
	defer s.mu.Unlock()
	return line != "" && s.line() == line
}

// markResponse makes a response private to the visitor. Keys that are not in
// canonical form reach the wire as well, so they are folded first.
func markResponse(h http.Header, marks mark) {
	for key := range h {
		switch n := len(key); {
		case n == len("Vary"), n == len("Cache-Control"), n >= len("Surrogate-Control"):
		default:
			continue // none of the names below is as long
		}
		name := textproto.CanonicalMIMEHeaderKey(key)
		switch name {
		case "Etag", "Last-Modified",
			// Directives for shared caches alone (RFC 9213), which would
			// outrank Cache-Control there.
			"Cdn-Cache-Control", "Surrogate-Control":
			delete(h, key)
		case "Vary", "Cache-Control":
			if key != name {
				h[name] = append(slices.Clip(h[name]), h[key]...)
				delete(h, key)
			}
		default:
			if strings.HasSuffix(name, "-Cdn-Cache-Control") {
				delete(h, key)
			}
		}
	}
	if h["Vary"] == nil && h["Cache-Control"] == nil && marks == markCookie {
		// As it is mostly, in one allocation. Each has a slice that ends with it.
		lines := [...]string{"Cookie", "private"}
		h["Vary"], h["Cache-Control"] = lines[0:1:1], lines[1:2:2]
		return
	}
	if marks&markCookie != 0 {
		addVary(h, "Cookie")
	}
	if marks&markGPC != 0 {
		addVary(h, "Sec-GPC")
	}
	if lines := h["Cache-Control"]; len(lines) != 1 || lines[0] != "private" {
		h["Cache-Control"] = privateCacheControl(lines)
	}
}

// addVary adds a member to Vary once; "*" already says more.
func addVary(h http.Header, member string) {
	for _, line := range h["Vary"] {
		if line == member {
			return
		}
		for m := range strings.SplitSeq(line, ",") {
			m = strings.Trim(m, " \t")
			if m == "*" || strings.EqualFold(m, member) {
				return
			}
		}
	}
	h["Vary"] = append(slices.Clip(h["Vary"]), member)
}

// privateCacheControl keeps what the handler said of its own response as far
// as it cannot let a shared cache keep it, or anybody show it after its time.
func privateCacheControl(lines []string) []string {
	kept := "private"
	for _, line := range lines {
		for d := range strings.SplitSeq(line, ",") {
			name, arg, _ := strings.Cut(strings.ToLower(strings.Trim(d, " \t")), "=")
			switch name {
			case "no-store":
				return []string{"no-store"}
			case "no-cache", "must-revalidate", "no-transform":
				if arg == "" {
					kept += ", " + name
				}
			case "max-age":
				if arg != "" && strings.Trim(arg, "0123456789") == "" {
					kept += ", max-age=" + arg
				}
			}
		}
	}
	return []string{kept}
}

// maxLateRoutes bounds how many routes are named for asking too late.
const maxLateRoutes = 128

// routeSet remembers routes that were named, up to its bound.
type routeSet struct {
	mu   sync.Mutex
	seen map[string]bool
}

func (s *routeSet) add(route string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen[route] || len(s.seen) >= maxLateRoutes {
		return false
	}
	if s.seen == nil {
		s.seen = map[string]bool{}
	}
	s.seen[route] = true
	return true
}

// AtEnd implements [exchange.EndHook]: it names, once, a route that asked about
// consent after its header was sent.
func (m *Manager) AtEnd(x *exchange.Exchange) {
	if route := x.Route(); m.lateRoutes.add(route) {
		m.logger.Warn("consent: asked after the first byte, so caches were not told; ask before writing", "http.route", route)
	}
}
