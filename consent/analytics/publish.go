package analytics

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"math"
	"slices"
	"time"
)

// Values of rows that stand for more than one value.
const (
	// Few stands for all values that were too rare to be named, and for those
	// that are not named so that these cannot be found by subtraction.
	Few = "(few)"
	// Without stands for events that had no value.
	Without = "(none)"
)

// Publication is the counts that may be shown to anybody who may see the site's
// figures. It says nothing of what happened fewer than Smallest times, and
// nothing follows from it by addition or subtraction.
type Publication struct {
	BucketSeconds int64          `json:"bucket_seconds"`
	Smallest      int            `json:"smallest"`
	Buckets       []PublicBucket `json:"buckets"` // in the order of time
}

// PublicBucket is an hour or a day.
type PublicBucket struct {
	Begins  time.Time     `json:"begins"`            // in UTC
	Running bool          `json:"running,omitempty"` // not over; counts are rounded down
	Events  []PublicEvent `json:"events"`            // in the order of their declaration
}

// PublicEvent is how often an event happened.
type PublicEvent struct {
	Event      string            `json:"event"`
	Count      uint64            `json:"count,omitempty"` // of all; 0 where they were not counted together
	Dimensions []PublicDimension `json:"dimensions,omitempty"`
}

// PublicDimension is how often by the values of one dimension.
type PublicDimension struct {
	Dimension string      `json:"dimension"`
	Rows      []PublicRow `json:"rows"` // the most frequent first, those that stand for several last
}

// PublicRow is how often with one value.
type PublicRow struct {
	Value string `json:"value"`
	Count uint64 `json:"count"`
}

// Publish returns the counts of the buckets that are over, and of the one that
// runs where CountersConfig.UnsafeRunning says so.
//
// An event that happened fewer than Smallest times in a bucket is not in it. Of a
// dimension, values that were counted fewer times are put together as "(few)",
// unnamed. Where these together are still fewer than Smallest, so that the total
// less the others would say too much, another is put to them: a rare one, chosen
// with some chance, because who knew that it is always the rarest could conclude
// from the others how rare. Dimensions are never crossed, and sums over buckets
// are left to whoever reads it, who cannot know more than what is here.
func (c *Counters) Publish() Publication {
	p := Publication{Buckets: []PublicBucket{}}
	if c == nil || c.now == nil {
		return p
	}
	p.BucketSeconds, p.Smallest = c.bucket, int(c.smallest)
	now := floorDiv(c.now().Unix(), c.bucket)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.expire(now)
	for number, b := range c.at {
		running := number >= now
		if running && !c.running {
			continue
		}
		out := PublicBucket{Begins: time.Unix(number*c.bucket, 0).UTC(), Running: running, Events: c.publish(b, number, running)}
		if len(out.Events) > 0 {
			p.Buckets = append(p.Buckets, out)
		}
	}
	slices.SortFunc(p.Buckets, func(a, b PublicBucket) int { return a.Begins.Compare(b.Begins) })
	return p
}

// publish returns what may be shown of a bucket.
func (c *Counters) publish(b *bucket, number int64, running bool) []PublicEvent {
	events := []PublicEvent{}
	for i, t := range c.order {
		values := b.tables[i]
		total := values[""]
		if t.dimension != "" {
			// The declaration puts an event as a whole before its dimensions.
			total = 0
			if whole, counted := c.declared[table{t.event, ""}]; counted {
				total = b.tables[whole][""]
			}
			rows := c.rows(values, total, running, c.salt(number, i))
			if len(rows) == 0 {
				continue
			}
			if n := len(events); n == 0 || events[n-1].Event != t.event {
				events = append(events, PublicEvent{Event: t.event})
			}
			e := &events[len(events)-1]
			e.Dimensions = append(e.Dimensions, PublicDimension{Dimension: t.dimension, Rows: rows})
			continue
		}
		if total >= c.smallest {
			events = append(events, PublicEvent{Event: t.event, Count: c.round(total, running)})
		}
	}
	return events
}

// rows returns what may be shown of a table whose rows, with those that have no
// value, make up total.
func (c *Counters) rows(values map[string]uint64, total uint64, running bool, salt []byte) []PublicRow {
	all := make([]PublicRow, 0, len(values)+1)
	var sum uint64
	for v, n := range values {
		all = append(all, PublicRow{v, n})
		sum += n
	}
	if total > sum {
		all = append(all, PublicRow{Without, total - sum})
	}
	few := uint64(0)
	rows := make([]PublicRow, 0, len(all))
	for _, r := range all {
		if r.Count < c.smallest {
			few += r.Count
		} else {
			rows = append(rows, r)
		}
	}
	// The most frequent first; by name where they are equal, so that the order of
	// counting does not show.
	slices.SortFunc(rows, func(a, b PublicRow) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Value, b.Value))
	})
	if few > 0 && few < c.smallest && len(rows) > 0 {
		i := cover(rows, salt)
		few += rows[i].Count
		rows = slices.Delete(rows, i, i+1)
	}
	// The rows that stand for several come last.
	slices.SortStableFunc(rows, func(a, b PublicRow) int { return cmp.Compare(several(a.Value), several(b.Value)) })
	if few >= c.smallest {
		rows = append(rows, PublicRow{Few, few})
	}
	for i := range rows {
		rows[i].Count = c.round(rows[i].Count, running)
	}
	return rows
}

// cover returns the index of the row that hides those that are too few. A row
// that is up to four times as frequent as another may be taken before it, by
// chance that nobody outside knows and that does not change, so that two
// publications of one bucket do not differ.
func cover(rows []PublicRow, salt []byte) int {
	best, least := 0, math.Inf(1)
	for i, r := range rows {
		mac := hmac.New(sha256.New, salt)
		mac.Write([]byte(r.Value))
		chance := float64(binary.BigEndian.Uint64(mac.Sum(nil))>>11) / (1 << 53)
		if weight := float64(r.Count) * (1 + 3*chance); weight < least {
			best, least = i, weight
		}
	}
	return best
}

// salt is the chance of one table in one bucket.
func (c *Counters) salt(number int64, table int) []byte {
	mac := hmac.New(sha256.New, c.seed[:])
	_ = binary.Write(mac, binary.BigEndian, [2]int64{number, int64(table)})
	return mac.Sum(nil)
}

// several orders the rows that stand for more than one value behind the others.
func several(value string) int {
	if value == Other || value == Without {
		return 1
	}
	return 0
}

// round leaves a count that still grows at a multiple of Smallest.
func (c *Counters) round(n uint64, running bool) uint64 {
	if running {
		return n - n%c.smallest
	}
	return n
}
