package analytics

import (
	"time"

	"github.com/candorhttp/candor/consent"
)

// Event is something that happened and may be about somebody. Whether it may be
// kept is decided by [Pipeline.Track]; until then it is nothing but its name and
// its values, which are held against the declaration.
type Event struct {
	Name       string
	Properties []Property
}

// inlineValues is how many values an event has room for in its own allocation.
const inlineValues = 4

// captured is an event that passed the gate. It does not change, and the queues
// of all its sinks hold the same one. Values are packed: what is declared need
// not be kept beside each of them.
type captured struct {
	spec   *spec
	permit consent.Permit
	since  time.Duration // from the pipeline's start, on the monotonic clock
	unix   int64         // the server's clock, in seconds
	route  string
	bare   bool
	mask   uint16 // bit i: the value of property i is here
	inline [inlineValues]uint64
	more   []uint64
}

// draft is the values of an event while it is captured.
type draft struct {
	mask   uint16
	values [maxProperties]uint64 // by number of the property
}

func (d *draft) set(i int, bits uint64) {
	d.mask |= 1 << i
	d.values[i] = bits
}

// pack copies the values that are there into e, one behind the other.
func (e *captured) pack(d *draft) {
	e.mask = d.mask
	n := 0
	for i := range maxProperties {
		if d.mask&(1<<i) == 0 {
			continue
		}
		if n < inlineValues {
			e.inline[n] = d.values[i]
		} else {
			if e.more == nil {
				e.more = make([]uint64, 0, maxProperties-inlineValues)
			}
			e.more = append(e.more, d.values[i])
		}
		n++
	}
}

// appendProperties appends what the event says, in the order of the declaration.
func (e *captured) appendProperties(dst []Property) []Property {
	n := 0
	for i := range e.spec.properties {
		if e.mask&(1<<i) == 0 {
			continue
		}
		bits := uint64(0)
		if n < inlineValues {
			bits = e.inline[n]
		} else {
			bits = e.more[n-inlineValues]
		}
		dst = append(dst, e.spec.properties[i].property(bits))
		n++
	}
	return dst
}

// coarse is how finely the time of an event is told: to the minute, so that
// events cannot be laid beside the access log by their second, and to the hour
// where nobody said yes.
func (e *captured) coarse() time.Time {
	unit := int64(60)
	if e.bare {
		unit = 3600
	}
	return time.Unix(e.unix-e.unix%unit, 0).UTC()
}
