package consent_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/ledger"
)

func TestErase(t *testing.T) {
	cfg := config(t)
	s := serve(t, newManager(t, cfg), nil)
	other := s.choose("", `{"marketing":true}`)
	first := s.choose("", `{"analytics":true}`)
	c := s.choose(first, `{"preferences":true}`)
	token := s.json("/privacy/receipt", c, "").member(t, "token").(string)
	who := entries(t, cfg.Ledger)[1].Subject

	a := s.json("/privacy/erase", c, "")
	require.Equal(t, 200, a.StatusCode, a.body)
	require.JSONEq(t, `{"parts":[{"name":"consent records","status":"done"}]}`, a.body)
	require.Equal(t, "no-store", a.Header.Get("Cache-Control"))
	require.Empty(t, a.Header.Get("Clear-Site-Data"))
	refused := s.form("/privacy/decision", "", "action=refuse").cookie()
	require.Equal(t, []string{refused.Raw}, a.Header["Set-Cookie"], "like everybody who refused, and nobody's")

	held := entries(t, cfg.Ledger)
	require.Len(t, held, 3, "another's grant, the erasure, and the refusal after it")
	require.Equal(t, consent.EntryErasure, held[1].Kind)
	require.NotEqual(t, who, held[1].Subject)
	require.False(t, held[1].Subject.IsZero())
	for _, running := range []*site{s, serve(t, newManager(t, cfg), nil)} {
		require.Equal(t, doubtful, running.states(c), "a copy of the cookie counts for nothing")
		require.Equal(t, doubtful, running.states(first))
		require.Contains(t, running.states(other), `"marketing":"granted"`)
		require.Equal(t, []any{}, running.json("/privacy/history", "", `{"receipt":"`+token+`"}`).member(t, "entries"))
		require.Equal(t, 200, running.json("/privacy/erase", "", `{"receipt":"`+token+`"}`).StatusCode, "once more")
		again := running.json("/privacy/decision", c, `{"grants":{"analytics":true}}`)
		require.NotEqual(t, who, entries(t, cfg.Ledger)[len(entries(t, cfg.Ledger))-1].Subject, "who says yes again is somebody new")
		require.Equal(t, 200, running.json("/privacy/erase", "consent="+again.cookie().Value, "").StatusCode)
	}
	erasures := 0
	for _, e := range entries(t, cfg.Ledger) {
		if e.Kind == consent.EntryErasure {
			erasures++
		}
	}
	require.Equal(t, 3, erasures, "said once of each")
	require.EqualValues(t, 3, s.m.Stats().Erased)
}

// Whoever asked and went away is erased at once all the same.
func TestEraseForSomebodyWhoIsGone(t *testing.T) {
	cfg := config(t)
	cfg.Ledger = heeding{cfg.Ledger}
	s := serve(t, newManager(t, cfg), nil)
	c := s.choose("", `{"analytics":true}`)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	r := httptest.NewRequestWithContext(gone, "POST", "/privacy/erase", nil)
	r.Header.Set("Cookie", c)
	w := httptest.NewRecorder()
	s.m.Middleware(s.m.Handler()).ServeHTTP(w, r)
	require.Equal(t, 200, w.Code, w.Body)
	require.Zero(t, s.m.Stats().LedgerErrors)
	require.Zero(t, s.m.Stats().Erasing)
}

// heeding is a ledger that heeds the context, as those on disk and behind a
// network do.
type heeding struct{ consent.Ledger }

func (h heeding) Append(ctx context.Context, e consent.Entry) (uint64, error) {
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	return h.Ledger.Append(ctx, e)
}

func (h heeding) Erase(ctx context.Context, s consent.Subject) (int, error) {
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	return h.Ledger.Erase(ctx, s)
}

func TestEraseWithoutARecord(t *testing.T) {
	cfg := config(t)
	s := serve(t, newManager(t, cfg), nil)
	for _, cookie := range []string{"", "consent=" + s.form("/privacy/decision", "", "action=refuse").cookie().Value, "consent=garbage"} {
		a := s.form("/privacy/erase", cookie, "")
		require.Equal(t, 200, a.StatusCode)
		require.Contains(t, a.body, "<h1>Erased</h1>")
		require.NotNil(t, a.cookie())
		require.Contains(t, s.states("consent="+a.cookie().Value), `"analytics":"denied"`)
	}
	require.Len(t, entries(t, cfg.Ledger), 1, "nothing of it is recorded")
}

// With a receipt, somebody erases who they were; who they are now stays.
func TestEraseByReceipt(t *testing.T) {
	cfg := config(t)
	s := serve(t, newManager(t, cfg), nil)
	token := s.json("/privacy/withdraw", s.choose("", `{"analytics":true}`), "").member(t, "receipt").(string)
	now := s.choose("", `{"analytics":true}`)
	a := s.json("/privacy/erase", now, `{"receipt":"`+token+`"}`)
	require.Equal(t, 200, a.StatusCode)
	require.Empty(t, a.Header["Set-Cookie"])
	require.Contains(t, s.states(now), `"analytics":"granted"`)
	held := entries(t, cfg.Ledger)
	require.Len(t, held, 2)
	require.Equal(t, consent.EntryGrant, held[0].Kind)
	require.Equal(t, consent.EntryErasure, held[1].Kind)
}

// An erasure that the ledger does not take is in effect at once, and done when
// the ledger is back.
func TestEraseWhenTheLedgerIsDown(t *testing.T) {
	cfg := config(t)
	l := &faultyLedger{InMemory: ledger.Memory()}
	cfg.Ledger = l
	m := newManager(t, cfg)
	s := serve(t, m, nil)
	c := s.choose("", `{"analytics":true,"marketing":true}`)
	l.set(true)
	c = "consent=" + s.json("/privacy/withdraw", c, `{"purposes":["marketing"]}`).cookie().Value
	require.Equal(t, 1, m.Stats().Pending)
	a := s.json("/privacy/erase", c, "")
	require.Equal(t, http.StatusAccepted, a.StatusCode)
	require.Equal(t, []any{map[string]any{"name": "consent records", "status": "pending"}}, a.member(t, "parts"))
	require.NotEmpty(t, a.member(t, "receipt"), "to ask again")
	require.Equal(t, doubtful, s.states(c), "in effect")
	require.Equal(t, 1, m.Stats().Erasing)
	require.Zero(t, m.Stats().Pending, "what waited of it is gone")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorContains(t, m.Close(ended), "the data of 1 persons is not erased everywhere")
	l.set(false)
	require.NoError(t, m.Close(t.Context()))
	held := entries(t, l)
	require.Len(t, held, 1)
	require.Equal(t, consent.EntryErasure, held[0].Kind)
	require.Zero(t, m.Stats().Erasing)
}

// unerasable is a ledger that does not erase for a while.
type unerasable struct {
	consent.Ledger
	mends atomic.Bool
}

func (l *unerasable) Erase(ctx context.Context, s consent.Subject) (int, error) {
	if !l.mends.Load() {
		return 0, errDown
	}
	return l.Ledger.Erase(ctx, s)
}

// A process that ends in the middle of an erasure completes it when it starts
// again.
func TestErasureThatWasCutShort(t *testing.T) {
	cfg := config(t)
	l := &unerasable{Ledger: ledger.Memory()}
	cfg.Ledger = l
	s := serve(t, newManager(t, cfg), nil)
	c := s.choose("", `{"analytics":true}`)
	require.Equal(t, http.StatusAccepted, s.json("/privacy/erase", c, "").StatusCode)
	require.Len(t, entries(t, l), 2, "said, and not done")

	l.mends.Store(true)
	m := newManager(t, cfg)
	require.Equal(t, doubtful, serve(t, m, nil).states(c))
	require.Eventually(t, func() bool { return len(entries(t, l)) == 1 }, 5*time.Second, 5*time.Millisecond)
	require.NoError(t, m.Close(t.Context()))
}

func TestEraseReachesTheOtherReplica(t *testing.T) {
	l, one, two := replicas(t)
	c := one.choose("", `{"analytics":true}`)
	require.Contains(t, two.states(c), `"analytics":"granted"`)
	require.Equal(t, 200, one.json("/privacy/erase", c, "").StatusCode)
	soon(t, func() bool { return two.states(c) == doubtful }, "heard")

	// An entry that another replica appends at the same moment is erased too.
	c = one.choose("", `{"analytics":true}`)
	who := entries(t, l)[1]
	require.Equal(t, 200, one.json("/privacy/erase", c, "").StatusCode)
	late := who
	late.Revision = 2
	_, err := l.Append(t.Context(), late)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		for _, e := range entries(t, l) {
			if e.Subject == late.Subject {
				return false
			}
		}
		return true
	}, 5*time.Second, 10*time.Millisecond)
}

// What the host keeps is erased with the rest. What fails is tried again.
func TestHostDataIsErased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var orders, letters atomic.Int32
		var who []consent.Person
		cfg := config(t)
		cfg.Account = func(*http.Request) string { return "jane" }
		cfg.HostData = []consent.HostData{
			{Name: "orders", Erase: func(_ context.Context, p consent.Person) error {
				who = append(who, p)
				orders.Add(1)
				return nil
			}},
			{Name: "letters", Erase: func(context.Context, consent.Person) error {
				switch letters.Add(1) {
				case 1:
					return errors.New("jane@example.com")
				case 2:
					panic("jane@example.com")
				}
				return nil
			}},
			{Name: "exported only", Export: func(context.Context, consent.Person) (any, error) { return nil, nil }},
		}
		logger, log := newLog()
		cfg.Logger = logger
		m := newManager(t, cfg)
		post := func() *httptest.ResponseRecorder {
			w := httptest.NewRecorder()
			r := httptest.NewRequest("POST", "/privacy/erase", strings.NewReader(""))
			r.Header.Set("Accept", "application/json")
			m.Handler().ServeHTTP(w, r)
			return w
		}
		w := post()
		require.Equal(t, http.StatusAccepted, w.Code)
		require.JSONEq(t, `{"parts":[{"name":"orders","status":"done"},{"name":"letters","status":"pending"}]}`, w.Body.String())
		require.Equal(t, 1, m.Stats().Erasing)
		time.Sleep(time.Hour)
		require.EqualValues(t, 3, letters.Load(), "until it succeeds")
		require.EqualValues(t, 1, orders.Load(), "what succeeded is not called again")
		require.Zero(t, m.Stats().Erasing)
		require.Equal(t, []consent.Person{{Account: "jane"}}, who)
		require.NotContains(t, log.String(), "jane")
		require.Equal(t, 200, post().Code)
		require.NoError(t, m.Close(t.Context()))
	})
}
