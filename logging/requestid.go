package logging

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"github.com/candorhttp/candor/consent/exchange"
	"github.com/candorhttp/candor/iputil"
)

// logs is the place of the first log in an exchange, ids that of the request's
// id. Their addresses are keys, as a context key's is; they hold nothing.
var (
	logs exchange.Slot[Access]
	ids  exchange.Slot[uuid.UUID]
)

// idOf returns the id of a request, made when it is first asked for, or nil
// outside an access log.
func idOf(x *exchange.Exchange, s *scratch) *uuid.UUID {
	if id := ids.Get(x); id != nil {
		return id
	}
	log := logs.Get(x)
	if log == nil {
		return nil
	}
	id := new(uuid.UUID)
	log.makeID(id, x.Request(), s)
	return ids.LoadOrStore(x, id)
}

// toldID is idOf for whoever asks. Privacy endpoints have no id, and nobody is
// told one.
func toldID(x *exchange.Exchange) *uuid.UUID {
	if log := logs.Get(x); log == nil || log.consent != nil && log.consent.PrivacyLine(x) {
		return nil
	}
	return idOf(x, nil)
}

// makeID takes the id of a trusted proxy, or makes one. A version 4 UUID is
// random throughout; version 7 would tell the millisecond and join records that
// only say the day.
func (a *Access) makeID(id *uuid.UUID, req *http.Request, s *scratch) {
	if inbound := inboundID(a.visitors, req); len(inbound) == 36 {
		if theirs, err := uuid.Parse(inbound); err == nil {
			*id = theirs
			return
		}
	}
	// What uuid.NewRandom does, in place.
	s.random(id[:])
	id[6] = id[6]&0x0f | 0x40 // version 4, RFC 9562 §5.4
	id[8] = id[8]&0x3f | 0x80
}

// appendID appends the id in quotes.
func appendID(dst []byte, id *uuid.UUID) []byte {
	dst = append(dst, '"')
	for i, b := range id {
		if i == 4 || i == 6 || i == 8 || i == 10 { // RFC 9562 §4
			dst = append(dst, '-')
		}
		dst = append(dst, hexDigits[b>>4], hexDigits[b&15])
	}
	return append(dst, '"')
}

// RequestID returns the id that stands in the access log's line for this
// request, so that a host's own records can be joined with it, or "" outside
// the access log and in privacy endpoints. Handing it on joins what it is handed to.
func RequestID(ctx context.Context) string {
	if x := exchange.From(ctx); x != nil {
		if id := toldID(x); id != nil {
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
