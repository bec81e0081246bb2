package slogsink_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent/analytics"
	"github.com/candorhttp/candor/consent/analytics/sink/slogsink"
)

var batch = []analytics.Delivery{
	{
		ID: "00000000-0000-4000-8000-000000000001", Name: "page_view", Time: time.Date(2026, 11, 20, 10, 7, 0, 0, time.UTC), Route: "/users/{id}",
		Pseudonym: "p1:20261120:00", Properties: []analytics.Property{
			analytics.Enum("device", "mobile"), analytics.Bool("gift", true), analytics.Int("pieces", 3), analytics.Float("weight", 0.5),
		},
	},
	{ID: "00000000-0000-4000-8000-000000000002", Name: "page_view", Time: time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC), Bare: true},
}

func TestLines(t *testing.T) {
	var out bytes.Buffer
	s, err := slogsink.New(slogsink.Config{Handler: slog.NewJSONHandler(&out, nil)})
	require.NoError(t, err)
	require.Equal(t, analytics.Destination{Name: "slog", MaxEvents: 100}, s.Destination())
	require.NoError(t, s.Send(t.Context(), batch))
	require.Equal(t, `{"time":"2026-11-20T10:07:00Z","level":"INFO","msg":"event","event.name":"page_view","event.id":"00000000-0000-4000-8000-000000000001",`+
		`"http.route":"/users/{id}","client.pseudonym":"p1:20261120:00","event.properties":{"device":"mobile","gift":true,"pieces":3,"weight":0.5}}`+"\n"+
		`{"time":"2026-11-20T10:00:00Z","level":"INFO","msg":"event","event.name":"page_view","event.id":"00000000-0000-4000-8000-000000000002"}`+"\n", out.String())
}

// failing is a handler whose disk is full from the second record on.
type failing struct {
	slog.Handler
	n *int
}

func (f failing) Handle(context.Context, slog.Record) error {
	if *f.n++; *f.n > 1 {
		return errors.New("write /var/log/events: no space left, somebody@example.com")
	}
	return nil
}

func TestFailures(t *testing.T) {
	s, err := slogsink.New(slogsink.Config{Handler: failing{slog.DiscardHandler, new(int)}, Name: "file", Recipient: "Logs Ltd"})
	require.NoError(t, err)
	require.Equal(t, analytics.Destination{Name: "file", Recipient: "Logs Ltd", MaxEvents: 100}, s.Destination())
	require.Equal(t, &analytics.Failed{Kind: analytics.Permanent, Reason: "handler takes no records at info"}, s.Send(t.Context(), batch))

	s, err = slogsink.New(slogsink.Config{Handler: failing{slog.NewTextHandler(&bytes.Buffer{}, nil), new(int)}})
	require.NoError(t, err)
	require.Equal(t, &analytics.Rejected{Indexes: []int{1}, Reason: "not written"}, s.Send(t.Context(), batch))
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	require.Equal(t, &analytics.Failed{Kind: analytics.Temporary, Reason: "cancelled"}, s.Send(cancelled, batch))
	require.Error(t, new(slogsink.Sink).Send(t.Context(), batch))
	_, err = slogsink.New(slogsink.Config{})
	require.ErrorContains(t, err, "slogsink: config: Handler: is missing")
}

func Example() {
	to, err := slogsink.New(slogsink.Config{Handler: slog.NewTextHandler(os.Stdout, nil)})
	if err != nil {
		panic(err)
	}
	_ = to.Send(context.Background(), []analytics.Delivery{{
		ID: "6ba7b810-9dad-41d1-80b4-00c04fd430c8", Name: "page_view", Time: time.Date(2026, 11, 20, 10, 7, 0, 0, time.UTC), Route: "/basket",
	}})
	// Output: time=2026-11-20T10:07:00.000Z level=INFO msg=event event.name=page_view event.id=6ba7b810-9dad-41d1-80b4-00c04fd430c8 http.route=/basket
}
