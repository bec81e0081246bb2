package analytics

import "sync/atomic"

// Withheld says why something that happened became no event. The zero Withheld
// says nothing.
type Withheld uint8

const (
	NoConsent   Withheld = iota + 1 // the visitor does not allow it for any target
	Undeclared                      // no event of that name is declared
	NotMounted                      // no Candor middleware around the handler
	Robot                           // a client that says of itself that nobody looks
	Prefetch                        // a browser asked before anybody looks
	PrivacyPage                     // of the privacy endpoints, or a choice was recorded in it
	BadBeacon                       // a script's message that was not understood, or came from elsewhere
	withheldEnd
)

// String returns a word for metrics: "no_consent", "undeclared", "not_mounted",
// "robot", "prefetch", "privacy_page" or "bad_beacon".
func (w Withheld) String() string {
	switch w {
	case NoConsent:
		return "no_consent"
	case Undeclared:
		return "undeclared"
	case NotMounted:
		return "not_mounted"
	case Robot:
		return "robot"
	case Prefetch:
		return "prefetch"
	case PrivacyPage:
		return "privacy_page"
	case BadBeacon:
		return "bad_beacon"
	}
	return "none"
}

// Reason says why an event that a queue took was not sent. The zero Reason says
// nothing.
type Reason uint8

const (
	Full      Reason = iota + 1 // the queue was
	Closed                      // it came after Shutdown
	Expired                     // it had waited 10 minutes, or a minute when bare
	Withdrawn                   // the visitor took the yes back, or the grant ended otherwise
	Refused                     // the destination refused the batch for good
	Invalid                     // the destination refused the one event for good
	Unknown                     // nobody knows whether it arrived, and trying again could count twice
	Shut                        // it was still there when the context of Shutdown ended
	reasonEnd
)

// String returns a word for metrics: "full", "closed", "expired", "withdrawn",
// "refused", "invalid", "unknown" or "shut".
func (r Reason) String() string {
	switch r {
	case Full:
		return "full"
	case Closed:
		return "closed"
	case Expired:
		return "expired"
	case Withdrawn:
		return "withdrawn"
	case Refused:
		return "refused"
	case Invalid:
		return "invalid"
	case Unknown:
		return "unknown"
	case Shut:
		return "shut"
	}
	return "none"
}

type counters struct {
	captured, counted, properties atomic.Uint64
	withheld                      [withheldEnd]atomic.Uint64
}

// Stats is a snapshot of what a [Pipeline] counted since it was made.
type Stats struct {
	Captured   uint64              // events that at least one sink may have
	Counted    uint64              // events that the local counters have
	Withheld   map[Withheld]uint64 // what became no event, by why; without zeros
	Properties uint64              // values that were not declared or not valid, and left out
	Sinks      map[string]SinkStats
}

// SinkStats is what became of the events of one sink. At every moment Accepted
// is Sent + the sum of Dropped + Queued + InFlight.
type SinkStats struct {
	Accepted uint64            // that the gate let through
	Sent     uint64            // that the destination accepted
	Dropped  map[Reason]uint64 // without zeros
	Queued   int
	InFlight int // in the batch that the worker has
	Bytes    int // of memory, of Queued and InFlight together
	Attempts uint64
	Failures uint64 // attempts that ended with an error
}

// Stats returns what was counted so far.
func (p *Pipeline) Stats() Stats {
	s := Stats{
		Captured: p.counters.captured.Load(), Counted: p.counters.counted.Load(), Properties: p.counters.properties.Load(),
		Withheld: map[Withheld]uint64{}, Sinks: make(map[string]SinkStats, len(p.queues)),
	}
	for w := Withheld(1); w < withheldEnd; w++ {
		if n := p.counters.withheld[w].Load(); n > 0 {
			s.Withheld[w] = n
		}
	}
	for _, q := range p.queues {
		s.Sinks[q.to.Name] = q.snapshot()
	}
	return s
}
