package logging

import (
	"net/http"
	"net/netip"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/exchange"
	"github.com/candorhttp/candor/consent/exchange/agent"
)

// record is what a line is made from.
type record struct {
	access  *Access
	scratch *scratch
	x       *exchange.Exchange
	req     *http.Request
	outcome exchange.Outcome
	client  netip.Addr
	agent   agent.Agent
	granted bool
	said    consent.State
	privacy bool
}

// fill makes the record, which is empty, of an exchange that has ended.
func (r *record) fill(a *Access, x *exchange.Exchange, s *scratch) {
	r.access, r.scratch, r.x, r.req, r.outcome = a, s, x, x.Request(), x.Outcome()
	if a.consent != nil {
		// Peek: the response does not depend on what is logged of it.
		d := a.consent.Peek(x)
		r.privacy = a.consent.PrivacyLine(x)
		r.said = d.State(a.purpose)
		r.granted = d.Allows(a.purpose) && !r.privacy
	}
	if !r.privacy {
		r.client = a.visitors.Client(r.req)
		if lines := r.req.Header["User-Agent"]; len(lines) > 0 {
			r.agent = agent.Parse(lines[0])
		} else {
			r.agent = agent.Parse("")
		}
	}
}

// forget drops what the record holds of the request.
func (r *record) forget() { *r = record{} }

// write is what of a field it takes to write it.
type write struct {
	key     string // as it stands in a line: ,"name":
	granted bool
	value   func(dst []byte, r *record) []byte
}

// appendLine appends the record as one line of JSON.
func (r *record) appendLine(dst []byte) []byte {
	start := len(dst)
	for i := range r.access.writes {
		w := &r.access.writes[i]
		if w.granted && !r.granted {
			continue
		}
		begin := len(dst)
		dst = append(dst, w.key...)
		empty := len(dst)
		if dst = w.value(dst, r); len(dst) == empty {
			dst = dst[:begin]
		}
	}
	if len(dst) == start {
		return append(dst, "{}\n"...)
	}
	dst[start] = '{' // in place of the first comma
	return append(dst, '}', '\n')
}
