package logging

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"github.com/candorhttp/candor/consent/exchange"
	"github.com/candorhttp/candor/iputil"
)

// id returns the id of an exchange, made when it is first asked for.
func (a *Access) id(x *exchange.Exchange, s *scratch) uuid.UUID {
	if id, ok := x.ID(); ok {
		return id
	}
	return x.LoadOrStoreID(a.makeID(x.Request(), s))
}

// told returns the log and the id for whoever asks, and false outside an access
// log. Privacy endpoints have no id, and nobody is told one.
func told(x *exchange.Exchange) (log *Access, id uuid.UUID, ok bool) {
	log, ok = exchange.EndHookOf[*Access](x) // the first, where there are several
	if !ok || log.consent != nil && log.consent.PrivacyLine(x) {
		return nil, id, false
	}
	return log, log.id(x, nil), true
}

// makeID takes the id of a trusted proxy, or makes one. A version 4 UUID is
// random throughout; version 7 would tell the millisecond and join records that
// only say the day.
func (a *Access) makeID(req *http.Request, s *scratch) (id uuid.UUID) {
	if inbound := inboundID(a.visitors, req); len(inbound) == 36 {
		if theirs, err := uuid.Parse(inbound); err == nil {
			return theirs
		}
	}
	// What uuid.NewRandom does, with the bytes from elsewhere.
	s.random(&id)
	id[6] = id[6]&0x0f | 0x40 // version 4, RFC 9562 §5.4
	id[8] = id[8]&0x3f | 0x80
	return id
}

// appendID appends the id in quotes.
func appendID(dst []byte, id uuid.UUID) []byte {
	text := [...]byte{0: '"', 9: '-', 14: '-', 19: '-', 24: '-', 37: '"'} // RFC 9562 §4
	for i, at := range idBytes {
		text[at], text[at+1] = hexDigits[id[i]>>4], hexDigits[id[i]&15]
	}
	return append(dst, text[:]...)
}

// idBytes is where the bytes of an id stand in its text in quotes.
var idBytes = [len(uuid.UUID{})]uint8{1, 3, 5, 7, 10, 12, 15, 17, 20, 22, 25, 27, 29, 31, 33, 35}

// RequestID returns the id that stands in the access log's line for this
// request, so that a host's own records can be joined with it, or "" outside
// the access log and in privacy endpoints. Handing it on joins what it is handed to.
func RequestID(ctx context.Context) string {
	if x := exchange.From(ctx); x != nil {
		if _, id, ok := told(x); ok {
			return id.String()
		}
	}
	return ""
}

// inboundID returns the id that a trusted proxy gave the request, if any.
func inboundID(visitors *iputil.Resolver, r *http.Request) string {
	lines := r.Header["X-Request-Id"]
	if len(lines) != 1 || !visitors.TrustedPeer(r) {
		return ""
	}
	return lines[0]
}
