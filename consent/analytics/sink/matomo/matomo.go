package matomo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/candorhttp/candor/consent/analytics"
	"github.com/candorhttp/candor/consent/analytics/sink"
)

const (
	maxEvents = 100
	// maxDimension is the highest number of a custom dimension.
	maxDimension = 999
)

// Config configures a [Sink]. It is copied by New.
type Config struct {
	sink.Common
	// Site is required: the address of the site, without a path.
	Site string
	// SiteID is required: the number of the site in Matomo.
	SiteID int
	// Token is a token_auth; "" sends none, and then no country either.
	Token sink.Secret
	// Dimensions says which property goes to which custom dimension of the scope
	// "Action", 1 to 999.
	Dimensions map[string]int
}

// Sink hands events to Matomo. Make it with New; the zero Sink refuses. It is
// safe for concurrent use and does not print its token.
type Sink struct {
	client      *sink.Client
	destination analytics.Destination
	site        *url.URL
	id          string
	token       sink.Secret
	dimensions  map[string]string
}

// New returns a Sink, or one error that names every fault of cfg.
func New(cfg Config) (*Sink, error) {
	s := &Sink{id: strconv.Itoa(cfg.SiteID), token: cfg.Token, dimensions: map[string]string{}}
	var faults []error
	var err error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("matomo: config: "+format, args...))
	}
	if s.client, s.destination, err = cfg.Connect("matomo", "matomo.php", maxEvents); err != nil {
		faults = append(faults, err)
	}
	if s.site, err = sink.ParseSite(cfg.Site); err != nil {
		fault("Site: %w", err)
	}
	if cfg.SiteID < 1 {
		fault("SiteID: is %d; write the site's number in Matomo, from 1", cfg.SiteID)
	}
	if cfg.Token != "" && !cfg.Token.Usable() {
		fault("Token: is not a token; write the 32 characters that Matomo shows")
	}
	taken := map[int]bool{}
	for name, n := range cfg.Dimensions {
		if n < 1 || n > maxDimension || taken[n] {
			fault("Dimensions: %d is out of 1 to %d or there twice; write the number that Matomo shows", n, maxDimension)
		}
		taken[n] = true
		s.dimensions[name] = "dimension" + strconv.Itoa(n)
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return s, nil
}

// Destination implements [analytics.Sink].
func (s *Sink) Destination() analytics.Destination { return s.destination }

// bulk is the body of POST /matomo.php.
type bulk struct {
	Requests []string `json:"requests"`
	Token    string   `json:"token_auth,omitempty"`
}

// Send implements [analytics.Sink].
func (s *Sink) Send(ctx context.Context, batch []analytics.Delivery) error {
	if s.client == nil || len(batch) == 0 || len(batch) > maxEvents {
		return &analytics.Failed{Kind: analytics.Permanent, Reason: "not 1 to 100 events"}
	}
	order := chronological(batch)
	b := bulk{Requests: make([]string, 0, len(batch)), Token: string(s.token)}
	for _, i := range order {
		b.Requests = append(b.Requests, "?"+s.request(batch[i]).Encode())
	}
	body, err := json.Marshal(b)
	if err != nil {
		return &analytics.Failed{Kind: analytics.Permanent, Reason: "events not encoded"}
	}
	answer, err := s.client.Post(ctx, http.Header{"Content-Type": {"application/json"}}, body)
	if err != nil {
		return err
	}
	err = judge(answer.Body, len(batch))
	var r *analytics.Rejected
	if errors.As(err, &r) {
		for i, at := range r.Indexes {
			r.Indexes[i] = order[at]
		}
		slices.Sort(r.Indexes)
	}
	return err
}

// chronological returns the indexes of a batch in the order of their times, which
// Matomo asks for. An event without a yes has the time of its hour.
func chronological(batch []analytics.Delivery) []int {
	order := make([]int, len(batch))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return batch[a].Time.Compare(batch[b].Time) })
	return order
}

// request is one event as a query.
func (s *Sink) request(d analytics.Delivery) url.Values {
	path := sink.Path(d)
	q := url.Values{
		"idsite": {s.id}, "rec": {"1"}, "apiv": {"1"},
		"url": {sink.PageURL(s.site, d)}, "action_name": {path},
		"cdt": {strconv.FormatInt(d.Time.Unix(), 10)},
	}
	if visitor := sink.Visitor(d, 8); visitor != "" {
		q.Set("cid", visitor)
	} else {
		q.Set("new_visit", "1")
	}
	if d.Name != analytics.PageView {
		q.Set("e_c", "event")
		q.Set("e_a", d.Name)
		q.Set("e_n", path)
		q.Set("ca", "1")
	}
	for _, p := range d.Properties {
		if p.Name() == "country" && s.token != "" {
			q.Set("country", strings.ToLower(p.Text()))
		}
		if key, ok := s.dimensions[p.Name()]; ok {
			q.Set(key, p.Text())
		}
	}
	return q
}

// judge reads an answer of 2xx to a batch of n events. Something that is not
// Matomo's, or an error of Matomo's, leaves open what became of them.
func judge(body []byte, n int) error {
	var a struct {
		Status  string `json:"status"`
		Tracked *int   `json:"tracked"`
		Invalid int    `json:"invalid"`
		Indexes []int  `json:"invalid_indices"`
	}
	if err := json.Unmarshal(body, &a); err != nil || a.Status != "success" || a.Tracked == nil || a.Invalid < 0 || a.Invalid > n {
		return &analytics.Failed{Kind: analytics.Ambiguous, Reason: "answer not understood"}
	}
	if a.Invalid == 0 {
		return nil
	}
	r := &analytics.Rejected{Reason: "invalid"}
	refused := make([]bool, n)
	for _, i := range a.Indexes {
		if i >= 0 && i < n {
			refused[i] = true
		}
	}
	for i := range n {
		if refused[i] || len(a.Indexes) == 0 && i < a.Invalid {
			r.Indexes = append(r.Indexes, i)
		}
	}
	return r
}

// String says what it is and nothing of its token.
func (s *Sink) String() string { return "matomo.Sink" }

// Format implements fmt.Formatter so that no verb prints the token.
func (s *Sink) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue implements slog.LogValuer so that no log holds the token.
func (s *Sink) LogValue() slog.Value { return slog.StringValue(s.String()) }
