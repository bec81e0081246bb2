package statspage

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/candorhttp/candor/consent/analytics"
	"github.com/candorhttp/candor/consent/experiment"
)

//go:embed page.html
var pageHTML string

//go:embed style.css
var styleCSS string

// Config configures a [Page]. It is copied by New.
type Config struct {
	// Counters is required.
	Counters *analytics.Counters
	// Experiments are those whose exposures the counters count.
	Experiments []*experiment.Experiment
	// Allow is required: whether this request may see the page.
	Allow func(*http.Request) bool
	// Title is what the page is called; "" means "What is used".
	Title string
}

// Page is an http.Handler: the page, and JSON at an address that ends in ".json"
// or where Accept names it and no HTML. It is safe for concurrent use.
type Page struct {
	counters    *analytics.Counters
	experiments []*experiment.Experiment
	allow       func(*http.Request) bool
	title       string
	template    *template.Template
	policy      string // Content-Security-Policy
}

// New returns a Page, or one error that names every fault of cfg.
func New(cfg Config) (*Page, error) {
	var faults []error
	if cfg.Counters == nil {
		faults = append(faults, errors.New("statspage: config: Counters: is missing; make them with analytics.NewCounters"))
	}
	if cfg.Allow == nil {
		faults = append(faults, errors.New("statspage: config: Allow: is missing; say who may see the page"))
	}
	t, err := template.New("page").Parse(pageHTML)
	if err != nil {
		faults = append(faults, fmt.Errorf("statspage: template: %w", err))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	p := &Page{counters: cfg.Counters, experiments: append([]*experiment.Experiment(nil), cfg.Experiments...), allow: cfg.Allow, title: cfg.Title, template: t}
	if p.title == "" {
		p.title = "What is used"
	}
	sum := sha256.Sum256([]byte(styleCSS))
	p.policy = "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
	return p, nil
}

// ServeHTTP implements http.Handler.
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	switch {
	case !p.allow(r):
		http.NotFound(w, r)
		return
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "this address takes GET, HEAD", http.StatusMethodNotAllowed)
		return
	}
	published := p.counters.Publish()
	var body bytes.Buffer
	h.Add("Vary", "Accept")
	if wantsJSON(r) {
		h.Set("Content-Type", "application/json")
		err := json.NewEncoder(&body).Encode(struct {
			analytics.Publication
			Experiments []split `json:"experiments"`
		}{published, p.splits(published)})
		if err != nil {
			http.Error(w, "the counts could not be written", http.StatusInternalServerError)
			return
		}
	} else {
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", p.policy)
		h.Set("Referrer-Policy", "no-referrer")
		if err := p.template.Execute(&body, p.view(published, r.URL.Path)); err != nil {
			http.Error(w, "the page could not be made", http.StatusInternalServerError)
			return
		}
	}
	_, _ = w.Write(body.Bytes())
}

func wantsJSON(r *http.Request) bool {
	accept := strings.Join(r.Header["Accept"], ",")
	return strings.HasSuffix(r.URL.Path, ".json") ||
		strings.Contains(accept, "application/json") && !strings.Contains(accept, "text/html")
}

// split is how an experiment's visitors were split.
type split struct {
	Name string `json:"name"`
	Arms []arm  `json:"arms"`
	// Ratio is the p-value over the buckets in which every arm was shown often
	// enough to be published; nothing where there are none.
	Ratio  *float64 `json:"sample_ratio,omitempty"`
	Broken bool     `json:"mismatch"`
}

type arm struct {
	Name      string  `json:"name"`
	Weight    int     `json:"weight"`
	Exposures uint64  `json:"exposures"` // 0 where too few to be published
	Bar       float64 `json:"-"`
}

// splits adds up what was published of each experiment's arms.
func (p *Page) splits(published analytics.Publication) []split {
	out := []split{}
	for _, e := range p.experiments {
		s := split{Name: e.Name()}
		var weights []int
		for _, a := range e.Stats().Arms {
			s.Arms = append(s.Arms, arm{Name: a.Arm, Weight: a.Weight})
			weights = append(weights, a.Weight)
		}
		// Only what is known of all arms can be compared.
		whole := make([]uint64, len(s.Arms))
		for _, b := range published.Buckets {
			counts := exposures(b, s.Name)
			all := counts[analytics.Few] == 0
			for i := range s.Arms {
				n := counts[s.Arms[i].Name]
				s.Arms[i].Exposures += n
				all = all && n > 0
			}
			for i := range whole {
				if all {
					whole[i] += counts[s.Arms[i].Name]
				}
			}
		}
		if !slices.Contains(whole, 0) {
			ratio := experiment.SampleRatio(whole, weights)
			s.Ratio, s.Broken = &ratio, experiment.Suspicious(ratio)
		}
		out = append(out, s)
	}
	return out
}

// exposures are what a bucket says of an experiment, by arm.
func exposures(b analytics.PublicBucket, name string) map[string]uint64 {
	counts := map[string]uint64{}
	for _, event := range b.Events {
		for _, d := range event.Dimensions {
			if event.Event == analytics.Exposure && d.Dimension == name {
				for _, row := range d.Rows {
					counts[row.Value] += row.Count
				}
			}
		}
	}
	return counts
}

// stamp is a day, or a day and an hour.
func stamp(t time.Time, seconds int64) string {
	if seconds < 86400 {
		return t.Format("2 Jan 15:04")
	}
	return t.Format("2 Jan 2006")
}
