package consent_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/exchange"
)

// permits serves a page that takes a permit for a purpose, as a queue does.
func permits(t *testing.T, m *consent.Manager) (*site, func(cookie string, p consent.Purpose, header ...string) consent.Permit) {
	var got consent.Permit
	var purpose consent.Purpose
	s := serve(t, m, map[string]http.HandlerFunc{
		"/": func(_ http.ResponseWriter, r *http.Request) { got = m.Permit(exchange.From(r.Context()), purpose) },
	})
	return s, func(cookie string, p consent.Purpose, header ...string) consent.Permit {
		t.Helper()
		got, purpose = consent.Permit{}, p
		a := s.do("GET", "/", "", append([]string{"Cookie", cookie}, header...)...)
		require.Empty(t, a.Header["Vary"], "taking a permit marks nothing")
		return got
	}
}

func TestPermits(t *testing.T) {
	m := newManager(t, config(t))
	s, take := permits(t, m)
	var none consent.Permit
	require.False(t, none.Stands())
	require.False(t, none.Bare())
	require.Equal(t, none, take("", consent.Analytics), "undecided")
	require.Equal(t, none, take("", "unheard_of"))

	first := s.choose("", `{"analytics":true}`)
	p := take(first, consent.Analytics)
	require.True(t, p.Stands())
	require.False(t, p.Bare())
	require.False(t, p.Subject().IsZero())
	require.Equal(t, p, take(first, consent.Analytics), "comparable")

	more := s.choose(first, `{"marketing":true}`)
	require.True(t, p.Stands(), "somebody who only grants more keeps what they granted")
	require.Equal(t, none, take(first, consent.Analytics), "although the earlier cookie counts no more")
	both := take(more, consent.Marketing)
	require.Equal(t, p.Subject(), both.Subject())

	before := m.Changes()
	less := s.choose(more, `{"analytics":false}`)
	require.Greater(t, m.Changes(), before)
	require.False(t, p.Stands(), "withdrawn")
	require.True(t, both.Stands(), "something else was withdrawn")

	again := s.choose(less, `{"analytics":true}`)
	require.False(t, p.Stands(), "granted again is another yes")
	renewed := take(again, consent.Analytics)
	require.True(t, renewed.Stands())

	before = m.Changes()
	s.json("/privacy/withdraw", again, "")
	require.Greater(t, m.Changes(), before)
	require.False(t, renewed.Stands())
	require.False(t, both.Stands())
}

func TestBarePermits(t *testing.T) {
	cfg := config(t)
	cfg.Regime = func(r *http.Request) consent.Regime {
		if r.Header.Get("X-Country") == "US" {
			return consent.OptOut
		}
		return consent.OptIn
	}
	s, take := permits(t, newManager(t, cfg))
	for name, p := range map[string]consent.Permit{
		"essential": take("", consent.Authentication),
		"objection": take("", "measurement"),
		"opt-out":   take("", consent.Marketing, "X-Country", "US"),
	} {
		require.True(t, p.Stands(), name)
		require.True(t, p.Bare(), name)
		require.True(t, p.Subject().IsZero(), name)
	}
	require.False(t, take("", consent.Marketing, "X-Country", "US", "Sec-GPC", "1").Stands())

	// Somebody who granted something else is known here, so that an objection
	// reaches the queue; outside it is as bare as any.
	c := s.choose("", `{"analytics":true}`)
	p, essential := take(c, "measurement"), take(c, consent.Authentication)
	require.True(t, p.Bare())
	require.True(t, p.Subject().IsZero())
	c = s.choose(c, `{"preferences":true}`)
	require.True(t, p.Stands(), "a further yes is no objection")
	c = s.choose(c, `{"measurement":false}`)
	require.False(t, p.Stands())
	s.json("/privacy/withdraw", c, "")
	require.True(t, essential.Stands(), "survives every withdrawal")
}

// A permit does not outlive the memory of what was withdrawn.
func TestPermitsAndTheWatermark(t *testing.T) {
	cfg := config(t)
	cfg.MaxSuperseded = 1
	m := newManager(t, cfg)
	s, take := permits(t, m)
	c := s.choose("", `{"analytics":true}`)
	p := take(c, consent.Analytics)
	for range 3 {
		other := s.choose("", `{"analytics":true}`)
		require.True(t, p.Stands() || m.Stats().Watermark > 0)
		s.json("/privacy/withdraw", other, "")
	}
	require.Positive(t, m.Stats().Watermark)
	require.False(t, p.Stands())
}
