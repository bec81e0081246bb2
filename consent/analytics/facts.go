package analytics

import (
	"net/http"
	"strings"

	"github.com/candorhttp/candor/consent/exchange"
	"github.com/candorhttp/candor/consent/exchange/agent"
)

// facts is what the fields of a request say that matters to every event of it.
type facts struct {
	noVisit Withheld // why the request is no visit; 0 when it is
	device  string
}

// factsSlot is where they are kept for the other events of an exchange. Its
// address is a key, as a context key's is; it holds nothing.
var factsSlot exchange.Slot[facts]

func (p *Pipeline) factsOf(x *exchange.Exchange) *facts {
	if f := factsSlot.Get(x); f != nil {
		return f
	}
	r := x.Request()
	f := &facts{}
	if isSpeculative(r.Header) {
		f.noVisit = Prefetch
	} else if a := agent.Parse(r.UserAgent()); a.Robot() {
		f.noVisit = Robot
	} else {
		f.device = a.Device
	}
	factsSlot.Set(x, f)
	return f
}

// isSpeculative reports whether a browser asks before anybody looks: Sec-Purpose
// (Fetch §3.7.4, "prefetch" and "prefetch;prerender"), and what came before it.
func isSpeculative(h http.Header) bool {
	for _, v := range h["Sec-Purpose"] {
		if isSpeculation(v) {
			return true
		}
	}
	for _, v := range h["Purpose"] {
		if isSpeculation(v) {
			return true
		}
	}
	for _, v := range h["X-Moz"] {
		if isSpeculation(v) {
			return true
		}
	}
	for _, v := range h["X-Purpose"] {
		if isSpeculation(v) {
			return true
		}
	}
	return false
}

func isSpeculation(v string) bool {
	v = strings.ToLower(v[:min(len(v), 64)])
	return strings.Contains(v, "prefetch") || strings.Contains(v, "prerender") || strings.Contains(v, "preview")
}
