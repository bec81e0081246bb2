package slogsink

import (
	"context"
	"errors"
	"log/slog"

	"github.com/candorhttp/candor/consent/analytics"
)

const maxEvents = 100

// Config configures a [Sink]. It is copied by New.
type Config struct {
	// Handler is required.
	Handler slog.Handler
	// Name identifies the sink, see analytics.Destination; "" means "slog".
	Name string
	// Recipient is the name of the policy's recipient whom the handler sends
	// records to; "" means that they stay with the controller.
	Recipient string
}

// Sink writes events. Make it with New; the zero Sink refuses. It is as safe for
// concurrent use as its handler.
type Sink struct {
	handler     slog.Handler
	destination analytics.Destination
}

// New returns a Sink. It fails without a handler.
func New(cfg Config) (*Sink, error) {
	if cfg.Handler == nil {
		return nil, errors.New("slogsink: config: Handler: is missing; make one with slog.NewJSONHandler")
	}
	s := &Sink{cfg.Handler, analytics.Destination{Name: cfg.Name, Recipient: cfg.Recipient, MaxEvents: maxEvents}}
	if s.destination.Name == "" {
		s.destination.Name = "slog"
	}
	return s, nil
}

// Destination implements [analytics.Sink].
func (s *Sink) Destination() analytics.Destination { return s.destination }

// Send implements [analytics.Sink].
func (s *Sink) Send(ctx context.Context, batch []analytics.Delivery) error {
	if s.handler == nil || len(batch) == 0 || len(batch) > maxEvents {
		return &analytics.Failed{Kind: analytics.Permanent, Reason: "not 1 to 100 events"}
	}
	if ctx.Err() != nil {
		return &analytics.Failed{Kind: analytics.Temporary, Reason: "cancelled"}
	}
	if !s.handler.Enabled(ctx, slog.LevelInfo) {
		return &analytics.Failed{Kind: analytics.Permanent, Reason: "handler takes no records at info"}
	}
	r := &analytics.Rejected{Reason: "not written"}
	for i := range batch {
		// The context's values are the pipeline's, not a visitor's.
		if s.handler.Handle(ctx, record(&batch[i])) != nil {
			r.Indexes = append(r.Indexes, i)
		}
	}
	if r.Indexes != nil {
		return r
	}
	return nil
}

// record is one event. What the handler keeps is made here and shares nothing
// with the delivery.
func record(d *analytics.Delivery) slog.Record {
	r := slog.NewRecord(d.Time, slog.LevelInfo, "event", 0)
	r.AddAttrs(slog.String("event.name", d.Name), slog.String("event.id", d.ID))
	if d.Route != "" {
		r.AddAttrs(slog.String("http.route", d.Route))
	}
	if d.Pseudonym != "" {
		r.AddAttrs(slog.String("client.pseudonym", d.Pseudonym))
	}
	if len(d.Properties) > 0 {
		values := make([]slog.Attr, 0, len(d.Properties))
		for _, p := range d.Properties {
			values = append(values, slog.Attr{Key: p.Name(), Value: value(p)})
		}
		r.AddAttrs(slog.Attr{Key: "event.properties", Value: slog.GroupValue(values...)})
	}
	return r
}

func value(p analytics.Property) slog.Value {
	switch p.Kind() {
	case analytics.KindBool:
		return slog.BoolValue(p.Bool())
	case analytics.KindInt:
		return slog.Int64Value(p.Int())
	case analytics.KindFloat:
		return slog.Float64Value(p.Float())
	}
	return slog.StringValue(p.Text())
}
