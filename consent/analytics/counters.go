package analytics

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// Other is the value under which a table counts what it has no room for.
	Other = "(other)"

	defaultSmallest = 5
	maxSmallest     = 1000
	// minSmallest is where "fewer" still leaves a choice: of one, or of two.
	minSmallest  = 3
	defaultCells = 200
	// maxCells bounds the cells of all tables and buckets, about 20 MiB.
	maxCells = 1 << 17
	// maxValue bounds the text of a cell; a route template is rarely longer.
	maxValue     = 128
	maxCountKeep = 400 * 24 * time.Hour
)

// CountersConfig configures [Counters]. It is copied by NewCounters.
type CountersConfig struct {
	// Events are those of the pipeline: what they list in Count is counted, and
	// nothing else.
	Events []Spec
	// Experiments are the names of those whose exposures are counted, see
	// Counters.Exposed.
	Experiments []string
	// Bucket is how fine the time is: time.Hour, or 24 hours, which are UTC days;
	// 0 means a day.
	Bucket time.Duration
	// Keep is how long counts are kept, at most 400 days; 0 means 31 days.
	Keep time.Duration
	// MaxValues is how many values a dimension has in a bucket before the rest is
	// counted as "(other)", 1 to 10,000; 0 means 200.
	MaxValues int
	// Smallest is the smallest count that is published, 3 to 1,000; 0 means 5.
	Smallest int
	// UnsafeRunning also publishes the bucket that runs, rounded down to
	// multiples of Smallest. Somebody who looks again and again, and perhaps
	// makes visits of their own, learns when about the multiples were passed, and
	// so more of the time than the bucket says. Without it a bucket is published
	// when it is over.
	UnsafeRunning bool
	// Now is the clock of what is published; nil means time.Now.
	Now func() time.Time
}

// Counters counts events in this process: how many, and how many by each
// declared dimension, in an hour or a day. Nothing in it is about anybody.
// [Counters.Publish] is what may be shown. Make it with NewCounters; the zero
// Counters and a nil one count nothing. It is safe for concurrent use.
//
// Whoever can read the memory of the process, or what Save wrote, sees small
// counts: that something happened once or twice in an hour or a day, and not
// whose doing it was. Who sees what is published and knows all but one of the
// visits of a bucket knows the last one, as with every exact count; a larger
// Smallest helps against neighbours, not against somebody who makes most of the
// visits. Each replica counts for itself: ask each, or put what they saved
// together with Load.
type Counters struct {
	bucket   int64 // seconds
	buckets  int64 // kept, beside the one that runs
	values   int
	smallest uint64
	running  bool
	now      func() time.Time
	order    []table // as declared
	declared map[table]int

	mu    sync.Mutex
	seed  [16]byte          // of what covers small counts, see Publish
	at    map[int64]*bucket // by number
	cells int

	counted, other, refused atomic.Uint64
}

// table is the counts of one event by one dimension; "" is the event as a whole.
type table struct{ event, dimension string }

// bucket is the counts of one hour or day, by the number of the table.
type bucket struct {
	tables []map[string]uint64
}

// Exposure is the event as which exposures are counted, by the names of their
// experiments.
const Exposure = "exposure"

// NewCounters returns Counters, or one error that names every fault of cfg.
func NewCounters(cfg CountersConfig) (*Counters, error) {
	c := &Counters{
		bucket: int64(cfg.Bucket / time.Second), values: cfg.MaxValues, smallest: uint64(max(cfg.Smallest, 0)), running: cfg.UnsafeRunning,
		now: cfg.Now, declared: map[table]int{}, at: map[int64]*bucket{},
	}
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("analytics: counters: "+format, args...))
	}
	if cfg.Bucket == 0 {
		c.bucket = 86400
	}
	if c.bucket != 3600 && c.bucket != 86400 {
		fault("Bucket: is %v; choose time.Hour or 24 hours", cfg.Bucket)
	}
	if cfg.Keep == 0 {
		cfg.Keep = 31 * 24 * time.Hour
	}
	if cfg.Keep < 24*time.Hour || cfg.Keep > maxCountKeep {
		fault("Keep: is %v; choose a day to 400 days, or 0 for 31 days", cfg.Keep)
	}
	if c.values == 0 {
		c.values = defaultCells
	}
	if c.values < 1 || c.values > 10_000 {
		fault("MaxValues: is %d; choose 1 to 10000, or 0 for %d", cfg.MaxValues, defaultCells)
	}
	if cfg.Smallest == 0 {
		c.smallest = defaultSmallest
	}
	if cfg.Smallest != 0 && cfg.Smallest < minSmallest || cfg.Smallest > maxSmallest {
		fault("Smallest: is %d; choose %d to %d, or 0 for %d", cfg.Smallest, minSmallest, maxSmallest, defaultSmallest)
	}
	if c.now == nil {
		c.now = time.Now
	}
	for i, s := range cfg.Events {
		if !isName(s.Name) || s.Name == Exposure {
			fault("Events[%d]: Name: is not a name, or %q, which means exposures", i, Exposure)
			continue
		}
		for _, d := range append([]string{""}, s.Count...) {
			if d != "" && !isName(d) || !c.declare(table{s.Name, d}) {
				fault("Events[%d] (%s): is there twice, or counts by something that is not a name or there twice; drop one", i, s.Name)
			}
		}
	}
	for i, name := range cfg.Experiments {
		if !isName(name) || !c.declare(table{Exposure, name}) {
			fault("Experiments[%d]: is not the name of an experiment, or there twice", i)
		}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	rand.Read(c.seed[:]) // never fails, crypto/rand ends the program instead
	c.buckets = (int64(cfg.Keep/time.Second) + c.bucket - 1) / c.bucket
	return c, nil
}

func (c *Counters) declare(t table) bool {
	if _, there := c.declared[t]; there {
		return false
	}
	c.declared[t] = len(c.order)
	c.order = append(c.order, t)
	return true
}

// Count implements [Tally]. What is not declared, and what is older than Keep or
// of a bucket that has not begun, is not counted.
func (c *Counters) Count(at time.Time, cell Cell) { c.add(at.Unix(), cell, 1) }

// add adds n to a cell, in the bucket of a time.
func (c *Counters) add(unix int64, cell Cell, n uint64) {
	if c == nil || c.now == nil {
		return
	}
	t, ok := c.declared[table{cell.Event, cell.Dimension}]
	if !ok || (cell.Dimension == "") != (cell.Value == "") {
		c.refused.Add(n)
		return
	}
	if len(cell.Value) > maxValue {
		cell.Value = Other
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	number := floorDiv(unix, c.bucket)
	b := c.at[number]
	if b == nil {
		// A bucket is opened rarely enough to ask what time it is.
		now := floorDiv(c.now().Unix(), c.bucket)
		if number > now || number < now-c.buckets {
			c.refused.Add(n)
			return
		}
		c.expire(now)
		b = &bucket{tables: make([]map[string]uint64, len(c.order))}
		c.at[number] = b
	}
	values := b.tables[t]
	if values == nil {
		values = map[string]uint64{}
		b.tables[t] = values
	}
	if _, known := values[cell.Value]; !known {
		if cell.Dimension != "" && cell.Value != Other && (len(values) >= c.values || c.cells >= maxCells) {
			cell.Value = Other
			c.other.Add(n)
		}
		if _, known = values[cell.Value]; !known {
			// A piece of a longer text would keep all of it.
			cell.Value = strings.Clone(cell.Value)
			c.cells++
		}
	}
	values[cell.Value] += n
	c.counted.Add(n)
}

// expire forgets the buckets that are over for longer than Keep. The lock is held.
func (c *Counters) expire(now int64) {
	for number, b := range c.at {
		if number < now-c.buckets {
			for _, values := range b.tables {
				c.cells -= len(values)
			}
			delete(c.at, number)
		}
	}
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// CounterStats is a snapshot of what Counters did since they were made.
type CounterStats struct {
	Counted uint64 // additions to a cell
	Other   uint64 // of those, to "(other)" because there was no room
	Refused uint64 // of what is not declared, or of another time
	Cells   int    // held now
	Buckets int    // held now
}

// Stats returns what was counted so far. Those of zero and nil Counters are zero.
func (c *Counters) Stats() CounterStats {
	if c == nil || c.now == nil {
		return CounterStats{}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return CounterStats{
		Counted: c.counted.Load(), Other: c.other.Load(), Refused: c.refused.Load(), Cells: c.cells, Buckets: len(c.at),
	}
}
