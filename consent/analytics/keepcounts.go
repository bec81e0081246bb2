package analytics

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/experiment"
)

// Exposed counts an exposure. Give it to experiment.Config.Exposed, and the
// name of the experiment to CountersConfig.Experiments.
func (c *Counters) Exposed(_ context.Context, e experiment.Exposure) {
	if c == nil || c.now == nil {
		return
	}
	c.Count(c.now(), Cell{Event: Exposure, Dimension: e.Experiment, Value: e.Arm})
}

// Describe implements [consent.Describer].
func (c *Counters) Describe(m *consent.Manifest) {
	if c == nil || c.now == nil {
		return
	}
	name := "1 day"
	if c.bucket == 3600 {
		name = "1 hour"
	}
	keep := time.Duration(c.buckets*c.bucket) * time.Second
	first := len(m.Counters)
	for _, t := range c.order {
		if n := len(m.Counters); n == first || m.Counters[n-1].Name != t.event {
			m.Counters = append(m.Counters, consent.ManifestCounter{
				Name: t.event, Dimensions: []string{}, Bucket: name, Smallest: int(c.smallest),
				Retention: fmt.Sprintf("%g days", keep.Hours()/24),
			})
		}
		if t.dimension != "" {
			row := &m.Counters[len(m.Counters)-1]
			row.Dimensions = append(row.Dimensions, t.dimension)
		}
	}
}

const (
	savedFormat = 1
	// maxLine bounds a line of what Save wrote.
	maxLine = 1 << 10
)

// savedHead is the first line of what Save writes, savedCell each other one.
type savedHead struct {
	Format        int    `json:"format"`
	BucketSeconds int64  `json:"bucket_seconds"`
	Seed          []byte `json:"seed"`
}

type savedCell struct {
	Begins    int64  `json:"begins"` // Unix time
	Event     string `json:"event"`
	Dimension string `json:"dimension,omitempty"`
	Value     string `json:"value,omitempty"`
	Count     uint64 `json:"count"`
}

var errSaved = errors.New("analytics: counters: what was saved cannot be read; remove it to begin anew")

// Save writes all counts, small ones too, as lines of JSON that Load reads: to
// keep them over a restart. What it writes is not to be published, see Publish.
func (c *Counters) Save(w io.Writer) error {
	if c == nil || c.now == nil {
		return errors.New("analytics: counters: were not made with NewCounters")
	}
	out := bufio.NewWriter(w)
	lines := json.NewEncoder(out)
	head, cells := c.snapshot()
	if err := lines.Encode(head); err != nil {
		return fmt.Errorf("analytics: counters: save: %w", err)
	}
	for _, cell := range cells {
		if err := lines.Encode(cell); err != nil {
			return fmt.Errorf("analytics: counters: save: %w", err)
		}
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("analytics: counters: save: %w", err)
	}
	return nil
}

func (c *Counters) snapshot() (savedHead, []savedCell) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.expire(floorDiv(c.now().Unix(), c.bucket))
	cells := make([]savedCell, 0, c.cells)
	for number, b := range c.at {
		for i, values := range b.tables {
			for v, n := range values {
				cells = append(cells, savedCell{number * c.bucket, c.order[i].event, c.order[i].dimension, v, n})
			}
		}
	}
	return savedHead{savedFormat, c.bucket, slices.Clone(c.seed[:])}, cells
}

// Load adds counts that Save wrote, of this process before a restart or of
// another replica; call it before anything is counted or published. What is not declared any more, or too old, is passed over. It
// fails, and has added what stood before, on anything that Save does not write
// and on counts of another Bucket.
func (c *Counters) Load(r io.Reader) error {
	if c == nil || c.now == nil {
		return errors.New("analytics: counters: were not made with NewCounters")
	}
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, maxLine), maxLine)
	var head savedHead
	if !lines.Scan() || json.Unmarshal(lines.Bytes(), &head) != nil || head.Format != savedFormat || head.BucketSeconds != c.bucket || len(head.Seed) != len(c.seed) {
		return errSaved
	}
	c.mu.Lock()
	if len(c.at) == 0 {
		// What covered small counts before goes on covering them.
		copy(c.seed[:], head.Seed)
	}
	c.mu.Unlock()
	for n := 0; lines.Scan(); n++ {
		var s savedCell
		// A count above what a site can have had would wrap around in a sum.
		if json.Unmarshal(lines.Bytes(), &s) != nil || s.Count == 0 || s.Count > 1<<48 || n >= 2*maxCells {
			return errSaved
		}
		c.add(s.Begins, Cell{s.Event, s.Dimension, s.Value}, s.Count)
	}
	if lines.Err() != nil {
		return errSaved
	}
	return nil
}
