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
	x       *exchange.Exchange
	req     *http.Request
	outcome exchange.Outcome
	client  netip.Addr
	agent   agent.Agent
	granted bool
	said    consent.State
	privacy bool
}

// fill makes the record of an exchange that has ended.
func (r *record) fill(a *Access, x *exchange.Exchange) {
	*r = record{access: a, x: x, req: x.Request(), outcome: x.Outcome()}
	if a.consent != nil {
		// Peek: the response does not depend on what is logged of it.
		d := a.consent.Peek(x)
		r.privacy = a.consent.PrivacyLine(x)
		r.said = d.State(a.purpose)
		r.granted = d.Allows(a.purpose) && !r.privacy
	}
	if !r.privacy {
		r.client = a.visitors.Client(r.req)
		r.agent = agent.Parse(r.req.UserAgent())
	}
}

// forget drops what the record holds of the request.
func (r *record) forget() { *r = record{} }

// appendLine appends the record as one line of JSON.
func (r *record) appendLine(dst []byte) []byte {
	dst = append(dst, '{')
	for i := range r.access.fields {
		f := &r.access.fields[i]
		if f.Tier == Granted && !r.granted {
			continue
		}
		begin := len(dst)
		if dst[begin-1] != '{' {
			dst = append(dst, ',')
		}
		dst = append(dst, '"')
		dst = append(dst, f.Name...)
		dst = append(dst, '"', ':')
		empty := len(dst)
		if dst = f.value(dst, r); len(dst) == empty {
			dst = dst[:begin]
		}
	}
	return append(dst, '}', '\n')
}
