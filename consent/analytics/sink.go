package analytics

import (
	"context"
	"fmt"
	"time"

	"github.com/candorhttp/candor/consent"
)

// Sink hands events to one destination. The pipeline calls Send from one
// goroutine at a time, and holds its own deadline in ctx.
type Sink interface {
	// Destination says where events go. It is asked once, at construction.
	Destination() Destination
	// Send makes one attempt to hand over a batch: at least one delivery, at
	// most Destination.MaxEvents. The slice and what it holds belong to the
	// pipeline and must not be kept or changed. Send does not retry: consent is
	// looked at again before each attempt, and only the pipeline can.
	//
	// The answer is nil when all were accepted, a [*Rejected] when some were
	// refused for good, and a [*Failed] when none was taken or nobody knows. Any
	// other error is read as Failed with Ambiguous. Errors hold no secret, no
	// address and nothing of an event or of an answer's body.
	Send(ctx context.Context, batch []Delivery) error
}

// Destination is what a [Sink] says of where events go.
type Destination struct {
	// Name identifies the sink in declarations, statistics and the manifest: 1
	// to 32 of a-z, 0-9, '_', '-', '.', beginning with a letter.
	Name string
	// Recipient is the name of one of the policy's Recipients; "" means that the
	// events stay with the controller (first party).
	Recipient string
	// Country and Safeguard say where the recipient's endpoint is and what
	// protects the transfer. Left empty they are the policy's; set, they must be
	// what the policy says of the recipient.
	Country   string
	Safeguard consent.Safeguard
	// Endpoint is the URL that is sent to, for the check that it is https and
	// for its host in the manifest; "" for what stays in the process or on its
	// own disk. It must hold no secret.
	Endpoint string
	// Idempotent says that an event sent twice counts once there, by its ID: a
	// failure after which nobody knows may then be tried again.
	Idempotent bool
	// MaxEvents bounds a batch; 0 means 1.
	MaxEvents int
}

// Delivery is one event as it leaves. It names nobody, and neither its ID nor
// its Time stands in the access log.
type Delivery struct {
	// ID is a random UUID (RFC 9562 version 4), the same in every attempt.
	ID string
	// Name is the declared name of the event.
	Name string
	// Time is when it happened by the server's clock, in UTC: to the minute, and
	// to the hour when it is Bare.
	Time time.Time
	// Route is the route template the event happened on, without its method,
	// such as "/users/{id}"; "" when there is none.
	Route string
	// Pseudonym stands for the visitor for one epoch (a day by default), in the
	// form of package pseudonym; "" when the event is Bare. It differs from
	// destination to destination.
	Pseudonym string
	// Bare says that the event was allowed without a yes: it has no pseudonym
	// and a coarse time.
	Bare bool
	// Properties are the declared ones that had a valid value, in the order of
	// the declaration.
	Properties []Property
}

// Rejected is the answer of a [Sink] to a batch of which some events were
// refused for good. The others were accepted.
type Rejected struct {
	// Indexes of the refused ones in the batch, in ascending order.
	Indexes []int
	// Reason is a word of the sink's own, for operators: "filtered", "invalid".
	Reason string
}

// Error says how many were refused and why.
func (r *Rejected) Error() string {
	return fmt.Sprintf("analytics: %d events refused: %s", len(r.Indexes), r.Reason)
}

// FailureKind says what may be done about a failure. The zero FailureKind is
// Ambiguous, the one after which least may be done.
type FailureKind uint8

const (
	// Ambiguous means that nobody knows whether the destination took the batch:
	// the connection broke after it was sent. It is tried again only where
	// Destination.Idempotent says that this does no harm.
	Ambiguous FailureKind = iota
	// Temporary means that the batch was not taken and may be tried again.
	Temporary
	// Permanent means that the batch was refused and would be again.
	Permanent
)

// String returns "ambiguous", "temporary" or "permanent".
func (k FailureKind) String() string {
	switch k {
	case Temporary:
		return "temporary"
	case Permanent:
		return "permanent"
	}
	return "ambiguous"
}

// Failed is the answer of a [Sink] to a batch of which nothing was accepted, as
// far as anybody knows.
type Failed struct {
	Kind FailureKind
	// After is how long the destination asked to be left alone (Retry-After, RFC
	// 9110 §10.2.3); 0 when it said nothing. The pipeline clamps it.
	After time.Duration
	// Reason is a word or a status of the sink's own making, for operators:
	// "status 503", "connection refused".
	Reason string
}

// Error says what may be done and why.
func (f *Failed) Error() string {
	return fmt.Sprintf("analytics: %s failure: %s", f.Kind, f.Reason)
}
