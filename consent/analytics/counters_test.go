package analytics_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/analytics"
	"github.com/candorhttp/candor/consent/experiment"
)

var (
	yesterday = time.Date(2026, 11, 19, 12, 0, 0, 0, time.UTC)
	today     = yesterday.Add(24 * time.Hour)
)

func newCounters(t testing.TB, change func(*analytics.CountersConfig)) *analytics.Counters {
	t.Helper()
	cfg := analytics.CountersConfig{
		Events:      []analytics.Spec{{Name: "page_view", Count: []string{"route"}}, {Name: "purchase"}},
		Experiments: []string{"goods"}, Now: func() time.Time { return today },
	}
	if change != nil {
		change(&cfg)
	}
	c, err := analytics.NewCounters(cfg)
	require.NoError(t, err)
	return c
}

// views counts n page views of a route.
func views(c *analytics.Counters, at time.Time, route string, n int) {
	for range n {
		c.Count(at, analytics.Cell{Event: "page_view"})
		if route != "" {
			c.Count(at, analytics.Cell{Event: "page_view", Dimension: "route", Value: route})
		}
	}
}

// published returns the one bucket there is, in short.
func published(t testing.TB, c *analytics.Counters) string {
	t.Helper()
	p := c.Publish()
	if len(p.Buckets) == 0 {
		return ""
	}
	require.Len(t, p.Buckets, 1)
	var out strings.Builder
	for _, e := range p.Buckets[0].Events {
		fmt.Fprintf(&out, "%s %d;", e.Event, e.Count)
		for _, d := range e.Dimensions {
			fmt.Fprintf(&out, " %s:", d.Dimension)
			for _, r := range d.Rows {
				fmt.Fprintf(&out, " %s=%d", r.Value, r.Count)
			}
		}
	}
	return out.String()
}

func TestPublishedTables(t *testing.T) {
	type counts = map[string]int
	for _, tt := range []struct {
		name   string
		routes counts
		want   string
	}{
		{"nothing", nil, ""},
		{"all are many", counts{"/": 9, "/b": 5}, "page_view 14; route: /=9 /b=5"},
		{"fewer than five in all", counts{"/": 4}, ""},
		{"five in all, of several", counts{"/": 2, "/b": 3}, "page_view 5; route: (few)=5"},
		{"one is few: a rare one goes with it", counts{"/": 900, "/b": 90, "/c": 20, "/d": 1}, "page_view 1011; route: /=900 /b=90 (few)=21"},
		{"one is few, and there is only one other", counts{"/": 90, "/d": 1}, "page_view 91; route: (few)=91"},
		{"two are few and together too few", counts{"/": 90, "/b": 20, "/c": 2, "/d": 2}, "page_view 114; route: /=90 (few)=24"},
		{"two are few and together enough", counts{"/": 90, "/b": 20, "/c": 3, "/d": 2}, "page_view 115; route: /=90 /b=20 (few)=5"},
		{"some have no route", counts{"/": 90, "": 8}, "page_view 98; route: /=90 (none)=8"},
		{"few have no route", counts{"/": 90, "/b": 20, "": 2}, "page_view 112; route: /=90 (few)=22"},
		{"none has a route", counts{"": 8}, "page_view 8; route: (none)=8"},
		{"(other) comes behind what has a name", counts{"/": 6, "(other)": 60}, "page_view 66; route: /=6 (other)=60"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCounters(t, nil)
			for route, n := range tt.routes {
				views(c, yesterday, route, n)
			}
			require.Equal(t, tt.want, published(t, c))
		})
	}
}

// Every table of three values there is, up to a size: none publishes a count
// below the smallest, and from what is published, the total included, nobody can
// tell any of the counts that are not.
func TestNothingFollowsBySubtraction(t *testing.T) {
	const most, smallest, seeds = 9, 4, 64
	routes := []string{"/a", "/b", "/c"}
	possible := map[string][][3]int{} // by what is published
	for a := range most {
		for b := range most {
			for c := range most {
				for seed := range seeds {
					counters := newCounters(t, func(cfg *analytics.CountersConfig) {
						cfg.Smallest, cfg.Events = smallest, []analytics.Spec{{Name: "page_view", Count: []string{"route"}}}
					})
					// The seeds are the same in every run, so that nothing here is left to
					// chance.
					var saved strings.Builder
					fmt.Fprintf(&saved, `{"format":1,"bucket_seconds":86400,"seed":"%s"}`+"\n", base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint64(make([]byte, 8), uint64(seed))))
					for i, n := range []int{a + b + c, a, b, c} {
						if n > 0 {
							cell := `"page_view"`
							if i > 0 {
								cell = fmt.Sprintf(`"page_view","dimension":"route","value":%q`, routes[i-1])
							}
							fmt.Fprintf(&saved, `{"begins":%d,"event":%s,"count":%d}`+"\n", yesterday.Unix(), cell, n)
						}
					}
					require.NoError(t, counters.Load(strings.NewReader(saved.String())))
					for _, bucket := range counters.Publish().Buckets {
						for _, e := range bucket.Events {
							require.GreaterOrEqual(t, e.Count, uint64(smallest))
							for _, d := range e.Dimensions {
								var sum uint64
								for _, r := range d.Rows {
									require.GreaterOrEqual(t, r.Count, uint64(smallest))
									sum += r.Count
								}
								require.Equal(t, e.Count, sum, "nothing is lost")
							}
						}
					}
					text := published(t, counters)
					possible[text] = append(possible[text], [3]int{a, b, c})
				}
			}
		}
	}
	for text, tables := range possible {
		for i, route := range routes {
			seen := map[int]bool{}
			for _, table := range tables {
				seen[table[i]] = true
			}
			for _, table := range tables {
				// Of the largest tables the next larger was not looked at.
				if n := table[i]; n > 0 && n < smallest && max(table[0], table[1], table[2]) < most-1 {
					require.Greater(t, len(seen), 1, "%q tells that %s was counted %d times", text, route, n)
				}
			}
		}
	}
}

func TestTimeIsTheBucket(t *testing.T) {
	now := today
	c := newCounters(t, func(cfg *analytics.CountersConfig) { cfg.Now = func() time.Time { return now } })
	views(c, today, "/", 12)
	require.Empty(t, c.Publish().Buckets, "a day that is not over")
	now = today.Add(12 * time.Hour)
	p := c.Publish()
	require.Len(t, p.Buckets, 1)
	require.Equal(t, time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC), p.Buckets[0].Begins)
	require.False(t, p.Buckets[0].Running)
	require.EqualValues(t, 86400, p.BucketSeconds)

	now = today
	running := newCounters(t, func(cfg *analytics.CountersConfig) {
		cfg.Bucket, cfg.UnsafeRunning, cfg.Now = time.Hour, true, func() time.Time { return now }
	})
	for n, want := range []string{"", "", "", "", "", "page_view 5; route: /=5", "page_view 5; route: /=5"} {
		if n > 0 {
			views(running, now, "/", 1)
		}
		require.Equal(t, want, published(t, running), n)
	}
	require.True(t, running.Publish().Buckets[0].Running)
	now = now.Add(time.Hour)
	require.Equal(t, "page_view 6; route: /=6", published(t, running), "over")
}

func TestWhatIsCounted(t *testing.T) {
	now := today
	c := newCounters(t, func(cfg *analytics.CountersConfig) { cfg.Now = func() time.Time { return now } })
	for _, cell := range []analytics.Cell{
		{Event: "login"},
		{Event: "page_view", Dimension: "country", Value: "DE"},
		{Event: "page_view", Dimension: "route"},
		{Event: "page_view", Value: "/"},
		{Event: "exposure"},
		{Event: "exposure", Dimension: "cart", Value: "a"},
		{},
	} {
		c.Count(today, cell)
	}
	for _, at := range []time.Time{today.Add(-33 * 24 * time.Hour), today.Add(24 * time.Hour), {}, time.Unix(-1, 0)} {
		c.Count(at, analytics.Cell{Event: "purchase"})
	}
	require.Equal(t, analytics.CounterStats{Refused: 11}, c.Stats())
	c.Count(today.Add(-31*24*time.Hour), analytics.Cell{Event: "purchase"})
	c.Exposed(t.Context(), experiment.Exposure{Experiment: "goods", Arm: "cards"})
	require.Equal(t, analytics.CounterStats{Refused: 11, Counted: 2, Cells: 2, Buckets: 2}, c.Stats())
	now = today.Add(24 * time.Hour)
	c.Publish()
	require.Equal(t, 1, c.Stats().Buckets, "after 31 days it is forgotten, when somebody looks")
	now = today.Add(60 * 24 * time.Hour)
	c.Count(now, analytics.Cell{Event: "purchase"})
	require.Equal(t, analytics.CounterStats{Refused: 11, Counted: 3, Cells: 1, Buckets: 1}, c.Stats())

	var none *analytics.Counters
	for _, zero := range []*analytics.Counters{none, {}} {
		zero.Count(today, analytics.Cell{Event: "purchase"})
		zero.Exposed(t.Context(), experiment.Exposure{})
		require.Empty(t, zero.Publish().Buckets)
		require.Equal(t, analytics.CounterStats{}, zero.Stats())
		require.Error(t, zero.Save(&bytes.Buffer{}))
		require.Error(t, zero.Load(&bytes.Buffer{}))
		zero.Describe(&consent.Manifest{})
	}
}

// A million paths that an attacker chose leave the counters at their cap, and
// what was there before stays what it was.
func TestMillionValues(t *testing.T) {
	c := newCounters(t, nil)
	views(c, yesterday, "/", 50)
	const n = 1_000_000
	for i := range n {
		c.Count(yesterday, analytics.Cell{Event: "page_view"})
		c.Count(yesterday, analytics.Cell{Event: "page_view", Dimension: "route", Value: fmt.Sprintf("/%x/wp-login.php", i)})
	}
	views(c, yesterday, "/", 50)
	s := c.Stats()
	require.Equal(t, 1+200+1, s.Cells, "all, 200 values and (other)")
	require.EqualValues(t, n-199, s.Other)
	require.Equal(t, fmt.Sprintf("page_view %d; route: /=100 (other)=%d (few)=199", n+100, n-199), published(t, c))
	c.Count(yesterday, analytics.Cell{Event: "page_view", Dimension: "route", Value: strings.Repeat("/x", 65)})
	require.EqualValues(t, s.Cells, c.Stats().Cells, "too long a value is another one as well")
}

// The cells of all buckets together have a bound of their own.
func TestCellsOfAllBuckets(t *testing.T) {
	c := newCounters(t, func(cfg *analytics.CountersConfig) { cfg.Bucket, cfg.MaxValues = time.Hour, 10_000 })
	for h := range 20 {
		for i := range 10_000 {
			c.Count(today.Add(-time.Duration(h)*time.Hour), analytics.Cell{Event: "page_view", Dimension: "route", Value: fmt.Sprint(i)})
		}
	}
	require.LessOrEqual(t, c.Stats().Cells, 1<<17+20)
	require.EqualValues(t, 200_000, c.Stats().Counted)
}

func TestSaveAndLoad(t *testing.T) {
	c := newCounters(t, nil)
	views(c, yesterday, "/", 12)
	views(c, yesterday, "/b", 12)
	views(c, yesterday, "/c", 1)
	views(c, yesterday.Add(-24*time.Hour), "/b", 3)
	c.Exposed(t.Context(), experiment.Exposure{Experiment: "goods", Arm: "cards"})
	var saved bytes.Buffer
	require.NoError(t, c.Save(&saved))
	text := saved.String()
	require.True(t, strings.HasPrefix(text, `{"format":1,"bucket_seconds":86400,"seed":"`), text)

	again := newCounters(t, nil)
	require.NoError(t, again.Load(strings.NewReader(text)))
	require.Equal(t, c.Publish(), again.Publish())
	require.Equal(t, c.Stats().Cells, again.Stats().Cells)
	require.NoError(t, again.Load(strings.NewReader(text)), "a second replica")
	p := again.Publish()
	require.Len(t, p.Buckets, 2)
	require.EqualValues(t, 6, p.Buckets[0].Events[0].Count)
	require.EqualValues(t, 50, p.Buckets[1].Events[0].Count)
	for range 20 {
		// One of the two is hidden behind (few), by chance, and always the same.
		require.Equal(t, c.Publish(), newLoaded(t, text).Publish())
	}

	for name, bad := range map[string]string{
		"nothing":        "",
		"another bucket": strings.Replace(text, "86400", "3600", 1),
		"another format": strings.Replace(text, `"format":1`, `"format":2`, 1),
		"cut":            text[:len(text)-9],
		"a long line":    text + strings.Repeat(" ", 2000) + "\n",
		"no seed":        strings.Replace(text, `"seed":"`, `"seed":"AAAA`, 1),
		"no count":       text + `{"begins":1795651200,"event":"purchase","count":0}` + "\n",
		"too high":       text + `{"begins":1795651200,"event":"purchase","count":18446744073709551615}` + "\n",
		"negative":       text + `{"begins":1795651200,"event":"purchase","count":-1}` + "\n",
	} {
		err := newCounters(t, nil).Load(strings.NewReader(bad))
		require.EqualError(t, err, "analytics: counters: what was saved cannot be read; remove it to begin anew", name)
	}
	fewer := newCounters(t, func(cfg *analytics.CountersConfig) { cfg.Events, cfg.Experiments = cfg.Events[1:], nil })
	require.NoError(t, fewer.Load(strings.NewReader(text)), "what is not declared any more is passed over")
	require.Equal(t, 0, fewer.Stats().Cells)
}

func newLoaded(t testing.TB, texts ...string) *analytics.Counters {
	c := newCounters(t, nil)
	for _, text := range texts {
		require.NoError(t, c.Load(strings.NewReader(text)))
	}
	return c
}

func FuzzLoad(f *testing.F) {
	c := newCounters(f, nil)
	views(c, yesterday, "/", 12)
	var saved bytes.Buffer
	require.NoError(f, c.Save(&saved))
	f.Add(saved.Bytes())
	f.Add([]byte(`{"format":1,"bucket_seconds":86400,"seed":"AAAAAAAAAAAAAAAAAAAAAA=="}` + "\n" + `{"begins":-9223372036854775808,"event":"purchase","count":1}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		c := newCounters(t, nil)
		if c.Load(bytes.NewReader(text)) != nil {
			return
		}
		var once, twice bytes.Buffer
		require.NoError(t, c.Save(&once))
		again := newCounters(t, nil)
		require.NoError(t, again.Load(&once))
		require.Equal(t, c.Publish(), again.Publish())
		require.NoError(t, again.Save(&twice))
	})
}

func TestCountersFaults(t *testing.T) {
	_, err := analytics.NewCounters(analytics.CountersConfig{
		Events:      []analytics.Spec{{Name: "Page View"}, {Name: "exposure"}, {Name: "a", Count: []string{"b", "b"}}, {Name: "a"}},
		Experiments: []string{"goods", "goods"}, Bucket: time.Minute, Keep: time.Hour, MaxValues: -1, Smallest: 2,
	})
	for _, want := range []string{
		"analytics: counters: Bucket: is 1m0s; choose time.Hour or 24 hours",
		"analytics: counters: Keep: is 1h0m0s; choose a day to 400 days",
		"analytics: counters: MaxValues: is -1; choose 1 to 10000",
		"analytics: counters: Smallest: is 2; choose 3 to 1000",
		`analytics: counters: Events[0]: Name: is not a name`,
		`analytics: counters: Events[1]: Name: is not a name, or "exposure"`,
		"analytics: counters: Events[2] (a): is there twice, or counts",
		"analytics: counters: Events[3] (a): is there twice",
		"analytics: counters: Experiments[1]: is not the name",
	} {
		require.ErrorContains(t, err, want)
	}
}

func TestCountersInTheManifest(t *testing.T) {
	var m consent.Manifest
	newCounters(t, nil).Describe(&m)
	newCounters(t, func(cfg *analytics.CountersConfig) {
		cfg.Events, cfg.Experiments, cfg.Bucket, cfg.Smallest, cfg.Keep = cfg.Events[1:], nil, time.Hour, 10, 48*time.Hour
	}).Describe(&m)
	require.Equal(t, []consent.ManifestCounter{
		{Name: "page_view", Dimensions: []string{"route"}, Bucket: "1 day", Smallest: 5, Retention: "31 days"},
		{Name: "purchase", Dimensions: []string{}, Bucket: "1 day", Smallest: 5, Retention: "31 days"},
		{Name: "exposure", Dimensions: []string{"goods"}, Bucket: "1 day", Smallest: 5, Retention: "31 days"},
		{Name: "purchase", Dimensions: []string{}, Bucket: "1 hour", Smallest: 10, Retention: "2 days"},
	}, m.Counters)
}

func TestCountersAreSafeForConcurrentUse(t *testing.T) {
	c := newCounters(t, nil)
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 2000 {
				views(c, yesterday, fmt.Sprint("/", (w+i)%300), 1)
				if i%500 == 0 {
					c.Publish()
					c.Stats()
					require.NoError(t, c.Save(&bytes.Buffer{}))
				}
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 16_000, c.Stats().Counted)
}

// Counting costs the capturing request no allocation once a cell is there.
func TestCountAllocatesNothing(t *testing.T) {
	c := newCounters(t, nil)
	cell := analytics.Cell{Event: "page_view", Dimension: "route", Value: "/"}
	require.Zero(t, testing.AllocsPerRun(100, func() { c.Count(yesterday, cell) }))
}

func BenchmarkCount(b *testing.B) {
	c := newCounters(b, nil)
	cells := make([]analytics.Cell, 64)
	for i := range cells {
		cells[i] = analytics.Cell{Event: "page_view", Dimension: "route", Value: fmt.Sprintf("/goods/{id}/%d", i)}
	}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		i := rand.IntN(64)
		for pb.Next() {
			i = (i + 1) % 64
			c.Count(yesterday, cells[i])
		}
	})
}

func ExampleCounters() {
	now := time.Date(2026, 11, 20, 23, 0, 0, 0, time.UTC)
	counters, err := analytics.NewCounters(analytics.CountersConfig{
		Events: []analytics.Spec{{Name: "order", Count: []string{"goods"}}}, Now: func() time.Time { return now },
	})
	if err != nil {
		panic(err)
	}
	for goods, n := range map[string]int{"teapot": 40, "kettle": 8, "samovar": 1} {
		for range n {
			counters.Count(now, analytics.Cell{Event: "order"})
			counters.Count(now, analytics.Cell{Event: "order", Dimension: "goods", Value: goods})
		}
	}
	now = now.Add(time.Hour) // the day is over
	text, _ := json.Marshal(counters.Publish().Buckets[0].Events)
	fmt.Println(string(text))
	// Output: [{"event":"order","count":49,"dimensions":[{"dimension":"goods","rows":[{"value":"teapot","count":40},{"value":"(few)","count":9}]}]}]
}
