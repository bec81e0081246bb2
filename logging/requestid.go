package logging

import (
	"context"
	"crypto/rand"
	"net/http"
	"sync"

	"github.com/google/uuid"

	"github.com/candorhttp/candor/consent/exchange"
	"github.com/candorhttp/candor/iputil"
)

// requestID is the id of one request, made when it is first asked for.
type requestID struct {
	access *Access
	x      *exchange.Exchange
	once   sync.Once
	id     uuid.UUID
}

// private reports the id of a privacy endpoint's request, told to nobody.
func (r *requestID) private() bool {
	return r.access.consent != nil && r.access.consent.PrivacyLine(r.x)
}

// ids is the place of the id in an exchange. Its address is a key, as a context
// key's is; it holds nothing.
var ids exchange.Slot[requestID]

// get returns the id. A version 4 UUID is random throughout; version 7 would
// tell the millisecond and join records that only say the day.
func (r *requestID) get() uuid.UUID {
	r.once.Do(func() {
		inbound := inboundID(r.access.visitors, r.x.Request())
		if id, err := uuid.Parse(inbound); err == nil && len(inbound) == 36 {
			r.id = id
			return
		}
		// What uuid.NewRandom does, in place: its own costs an allocation.
		rand.Read(r.id[:])
		r.id[6] = r.id[6]&0x0f | 0x40 // version 4, RFC 9562 §5.4
		r.id[8] = r.id[8]&0x3f | 0x80
	})
	return r.id
}

// RequestID returns the id that stands in the access log's line for this
// request, so that a host's own records can be joined with it, or "" outside
// the access log and in privacy endpoints. Handing it on joins what it is handed to.
func RequestID(ctx context.Context) string {
	x := exchange.From(ctx)
	if x == nil {
		return ""
	}
	r := ids.Get(x)
	if r == nil || r.private() {
		return ""
	}
	return r.get().String()
}

// inboundID returns the id that a trusted proxy gave the request, if any.
func inboundID(visitors *iputil.Resolver, r *http.Request) string {
	lines := r.Header["X-Request-Id"]
	if len(lines) != 1 || !visitors.TrustedPeer(r) {
		return ""
	}
	return lines[0]
}
