package statspage

import (
	"cmp"
	"fmt"
	"html/template"
	"slices"
	"strings"

	"github.com/candorhttp/candor/consent/analytics"
)

// view is what the template shows.
type view struct {
	Title, Span, Unit, JSON string
	Smallest                int
	Running                 bool
	Style                   template.CSS
	Events                  []eventView
	Experiments             []split
}

// eventView is one event over all buckets.
type eventView struct {
	Title      string
	Total      string
	Columns    []column
	Highest    string
	First      string
	Last       string
	Dimensions []dimensionView
}

// column is the bar of one bucket; sizes are those of the drawing.
type column struct {
	Label   string
	Count   string
	Running bool
	X, Y    float64
	W, H    float64
}

type dimensionView struct {
	Title string
	Rows  []rowView
	More  int
}

type rowView struct {
	Label   string
	Several bool
	Count   string
	Share   string
	Bar     float64 // 0 to 100
}

const (
	chartHeight = 96
	chartWidth  = 620
	maxColumns  = 62
	maxRows     = 20
)

func (p *Page) view(published analytics.Publication, path string) view {
	v := view{
		Title: p.title, Smallest: published.Smallest, JSON: path + ".json", Unit: "day", Style: template.CSS(styleCSS), Experiments: p.splits(published),
	}
	if published.BucketSeconds < 86400 {
		v.Unit = "hour"
	}
	if n := len(published.Buckets); n > 0 {
		v.Span = stamp(published.Buckets[0].Begins, published.BucketSeconds)
		if last := stamp(published.Buckets[n-1].Begins, published.BucketSeconds); last != v.Span {
			v.Span += " to " + last
		}
		v.Running = published.Buckets[n-1].Running
	}
	for _, name := range eventNames(published) {
		if name != analytics.Exposure {
			v.Events = append(v.Events, viewOfEvent(published, name))
		}
	}
	for i := range v.Experiments {
		arms := v.Experiments[i].Arms
		highest := slices.MaxFunc(arms, func(a, b arm) int { return cmp.Compare(a.Exposures, b.Exposures) }).Exposures
		for j := range arms {
			arms[j].Bar = part(arms[j].Exposures, highest, 100)
		}
	}
	return v
}

func eventNames(published analytics.Publication) (names []string) {
	for _, b := range published.Buckets {
		for _, e := range b.Events {
			if !slices.Contains(names, e.Event) {
				names = append(names, e.Event)
			}
		}
	}
	return names
}

func viewOfEvent(published analytics.Publication, name string) eventView {
	e := eventView{Title: title(name)}
	var total, highest uint64
	var counts []column
	var raw []uint64
	sums, order := map[string]map[string]uint64{}, []string{}
	seconds := published.BucketSeconds
	at := published.Buckets[0].Begins.Unix()
	for _, b := range published.Buckets {
		// A bucket without an entry is one with too few.
		for ; at < b.Begins.Unix(); at += seconds {
			counts, raw = append(counts, column{}), append(raw, 0)
		}
		at += seconds
		var n uint64
		for _, event := range b.Events {
			if event.Event != name {
				continue
			}
			n = event.Count
			for _, d := range event.Dimensions {
				if sums[d.Dimension] == nil {
					sums[d.Dimension], order = map[string]uint64{}, append(order, d.Dimension)
				}
				for _, row := range d.Rows {
					sums[d.Dimension][row.Value] += row.Count
				}
			}
		}
		counts, raw = append(counts, column{Label: stamp(b.Begins, seconds), Count: digits(n), Running: b.Running}), append(raw, n)
		total, highest = total+n, max(highest, n)
	}
	if len(counts) > maxColumns {
		counts, raw = counts[len(counts)-maxColumns:], raw[len(raw)-maxColumns:]
	}
	e.Total, e.Highest = digits(total), digits(highest)
	// One bar alone shows nothing.
	if e.Columns = draw(counts, raw); len(e.Columns) < 2 {
		e.Columns = nil
	} else {
		e.First, e.Last = e.Columns[0].Label, e.Columns[len(e.Columns)-1].Label
	}
	for _, d := range order {
		e.Dimensions = append(e.Dimensions, viewOfDimension(d, sums[d]))
	}
	return e
}

// draw gives each bar its place and leaves out those without a height.
func draw(counts []column, raw []uint64) (out []column) {
	highest := slices.Max(raw)
	step := min(float64(chartWidth)/float64(len(raw)), 40)
	for i, c := range counts {
		if raw[i] == 0 {
			continue
		}
		c.H = max(part(raw[i], highest, chartHeight), 1)
		c.X, c.Y, c.W = float64(i)*step, chartHeight-c.H, step*0.8
		out = append(out, c)
	}
	return out
}

func viewOfDimension(name string, sums map[string]uint64) dimensionView {
	d := dimensionView{Title: dimensionTitle(name)}
	var total, highest uint64
	values := make([]string, 0, len(sums))
	for v, n := range sums {
		values = append(values, v)
		total, highest = total+n, max(highest, n)
	}
	several := func(v string) bool { return v == analytics.Few || v == analytics.Other || v == analytics.Without }
	slices.SortFunc(values, func(a, b string) int {
		if several(a) != several(b) {
			if several(a) {
				return 1
			}
			return -1
		}
		return cmp.Or(cmp.Compare(sums[b], sums[a]), cmp.Compare(a, b))
	})
	for i, v := range values {
		if i >= maxRows && !several(v) {
			d.More++
			continue
		}
		d.Rows = append(d.Rows, rowView{
			Label: label(v), Several: several(v), Count: digits(sums[v]),
			Share: fmt.Sprintf("%.0f %%", part(sums[v], total, 100)), Bar: part(sums[v], highest, 100),
		})
	}
	return d
}

func part(n, of uint64, size float64) float64 {
	if of == 0 {
		return 0
	}
	return size * float64(n) / float64(of)
}

// digits groups a number by thousands, with narrow spaces.
func digits(n uint64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "\u202f" + s[i:]
	}
	return s
}

// title is what an event is called; names of a host's own are made readable.
func title(name string) string {
	switch name {
	case analytics.PageView:
		return "Page views"
	case analytics.OutboundLink:
		return "Links to other sites"
	case analytics.WebVitals:
		return "How fast pages are"
	}
	return readable(name)
}

func dimensionTitle(name string) string {
	switch name {
	case "route":
		return "Page"
	case "status":
		return "Answer"
	case "lcp", "inp", "cls", "fcp", "ttfb":
		return strings.ToUpper(name)
	}
	return readable(name)
}

func readable(name string) string {
	name = strings.NewReplacer("_", " ", "-", " ", ".", " ").Replace(name)
	return strings.ToUpper(name[:1]) + name[1:]
}

func label(value string) string {
	switch value {
	case analytics.Few:
		return "too few to name"
	case analytics.Other:
		return "others"
	case analytics.Without:
		return "not known"
	}
	// Ranges of numbers; no word of an enum begins so.
	if n, ok := strings.CutPrefix(value, "<="); ok {
		return "up to " + n
	}
	if n, ok := strings.CutPrefix(value, ">"); ok {
		return "above " + n
	}
	return value
}
