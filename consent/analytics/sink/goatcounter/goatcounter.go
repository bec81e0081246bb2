package goatcounter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/candorhttp/candor/consent/analytics"
	"github.com/candorhttp/candor/consent/analytics/sink"
)

// maxEvents is what every version takes; since 2.5 it may be 500.
const maxEvents = 100

// Config configures a [Sink]. It is copied by New.
type Config struct {
	sink.Common
	// Token is required: a key of the interface with the permission to record
	// pageviews.
	Token sink.Secret
}

// Sink hands events to GoatCounter. Make it with New; the zero Sink refuses. It
// is safe for concurrent use and does not print its token.
type Sink struct {
	client      *sink.Client
	destination analytics.Destination
	token       sink.Secret
}

// New returns a Sink, or one error that names every fault of cfg.
func New(cfg Config) (*Sink, error) {
	client, destination, err := cfg.Connect("goatcounter", "api/v0/count", maxEvents)
	if !cfg.Token.Usable() {
		err = errors.Join(err, errors.New("goatcounter: config: Token: is not a token; write the key that GoatCounter shows"))
	}
	if err != nil {
		return nil, err
	}
	return &Sink{client, destination, cfg.Token}, nil
}

// Destination implements [analytics.Sink].
func (s *Sink) Destination() analytics.Destination { return s.destination }

// count is the body of POST /api/v0/count.
type count struct {
	NoSessions bool  `json:"no_sessions"`
	Hits       []hit `json:"hits"`
}

type hit struct {
	Path      string    `json:"path"`
	Event     bool      `json:"event"`
	CreatedAt time.Time `json:"created_at"`
	Session   string    `json:"session,omitempty"`
	Location  string    `json:"location,omitempty"`
}

// Send implements [analytics.Sink].
func (s *Sink) Send(ctx context.Context, batch []analytics.Delivery) error {
	if s.client == nil || len(batch) == 0 || len(batch) > maxEvents {
		return &analytics.Failed{Kind: analytics.Permanent, Reason: "not 1 to 100 events"}
	}
	c := count{Hits: make([]hit, 0, len(batch))}
	for _, d := range batch {
		h := hit{Path: sink.Path(d), CreatedAt: d.Time, Session: sink.Visitor(d, 16)}
		if d.Name != analytics.PageView {
			h.Path, h.Event = d.Name, true
		}
		for _, p := range d.Properties {
			if p.Name() == "country" {
				h.Location = p.Text()
			}
		}
		c.NoSessions = c.NoSessions || h.Session == ""
		c.Hits = append(c.Hits, h)
	}
	body, err := json.Marshal(c)
	if err != nil {
		return &analytics.Failed{Kind: analytics.Permanent, Reason: "events not encoded"}
	}
	answer, err := s.client.Post(ctx, http.Header{
		"Content-Type":  {"application/json"},
		"Authorization": {"Bearer " + string(s.token)},
	}, body)
	return judge(answer, err, len(batch))
}

// judge reads the answer to a batch of n events.
func judge(a sink.Answer, err error, n int) error {
	refused := make([]bool, n)
	reason := "filtered"
	if err != nil {
		if a.Status == http.StatusBadRequest && refusedHits(a.Body, refused) {
			err, reason = nil, "invalid"
		}
		var f *analytics.Failed
		if a.Status == http.StatusTooManyRequests && errors.As(err, &f) && f.After == 0 {
			f.After = rateReset(a.Header)
		}
		if err != nil {
			return err
		}
	}
	filteredHits(a.Header.Get("X-Goatcounter-Filter"), refused)
	r := &analytics.Rejected{Reason: reason}
	for i, no := range refused {
		if no {
			r.Indexes = append(r.Indexes, i)
		}
	}
	if r.Indexes == nil {
		return nil
	}
	return r
}

// refusedHits marks the hits that an answer of 400 lists, and reports whether it
// is such a list. Those not listed were taken.
func refusedHits(body []byte, refused []bool) bool {
	var a struct {
		Errors map[string]json.RawMessage `json:"errors"`
	}
	if json.Unmarshal(body, &a) != nil || len(a.Errors) == 0 {
		return false
	}
	at := make([]int, 0, len(a.Errors))
	for key := range a.Errors {
		i, err := strconv.Atoi(key)
		if err != nil || i < 0 || i >= len(refused) || strconv.Itoa(i) != key {
			return false // an error of another kind, about the whole
		}
		at = append(at, i)
	}
	for _, i := range at {
		refused[i] = true
	}
	return true
}

// filteredHits marks the hits that X-Goatcounter-Filter lists, "5, 10".
func filteredHits(list string, refused []bool) {
	for item := range strings.SplitSeq(list, ",") {
		if i, err := strconv.Atoi(strings.TrimSpace(item)); err == nil && i >= 0 && i < len(refused) {
			refused[i] = true
		}
	}
}

// rateReset reads X-Rate-Limit-Reset, seconds until requests are let through.
func rateReset(h http.Header) time.Duration {
	n, err := strconv.ParseUint(h.Get("X-Rate-Limit-Reset"), 10, 16)
	if err != nil {
		return 0
	}
	return time.Duration(n) * time.Second
}

// String says what it is and nothing of its token.
func (s *Sink) String() string { return "goatcounter.Sink" }

// Format implements fmt.Formatter so that no verb prints the token.
func (s *Sink) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue implements slog.LogValuer so that no log holds the token.
func (s *Sink) LogValue() slog.Value { return slog.StringValue(s.String()) }
