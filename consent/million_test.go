package consent_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/ledger"
)

// withdrawals is a ledger that holds n grants and their withdrawals, a hundred
// of each a minute, and makes them up while they are read.
type withdrawals struct {
	*ledger.InMemory
	n     int
	since time.Time
}

func (l *withdrawals) at(i int) time.Time { return l.since.Add(time.Duration(i/100) * time.Minute) }

func (l *withdrawals) Scan(_ context.Context, _ uint64, yield func(consent.Entry) error) error {
	seq := uint64(0)
	for i := range l.n {
		for revision, kind := range []consent.EntryKind{consent.EntryGrant, consent.EntryWithdrawal} {
			seq++
			e := consent.Entry{Seq: seq, Time: l.at(i), Kind: kind, Subject: subject(i), Revision: uint64(revision + 1), Policy: 3}
			if kind == consent.EntryGrant {
				e.Granted = []consent.Purpose{consent.Analytics}
			} else {
				e.Denied = []consent.Purpose{consent.Analytics}
			}
			if err := yield(e); err != nil {
				return err
			}
		}
	}
	return nil
}

// A process starts on a ledger with a million withdrawals. It remembers a
// quarter of them, in the memory that the documentation says, and believes none
// of the million cookies that were withdrawn.
func TestMillionWithdrawals(t *testing.T) {
	const n, bound = 1_000_000, 1 << 18
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	cfg := config(t)
	// The last withdrawal is of now.
	cfg.Ledger = &withdrawals{ledger.Memory(), n, noon.Add(-n / 100 * time.Minute)}
	before := heap()
	m := newManager(t, cfg)
	grown := heap() - before
	t.Logf("%d KiB for %d subjects", grown>>10, m.Stats().SupersededSubjects)
	require.Less(t, grown, int64(45<<20), "about 40 MiB, as Config.MaxSuperseded says")
	require.Equal(t, bound, m.Stats().SupersededSubjects)
	require.Positive(t, m.Stats().Watermark)

	codec := consent.NewCodec(cfg.Keys, "consent")
	old := func(i int, at time.Time) consent.Stored {
		return consent.Stored{
			Subject: subject(i), Revision: 1, Issued: at.Unix() / 60, Version: 3,
			Answers: []consent.Answer{yes(3, at, 3)},
		}
	}
	memory := consent.SupersededOf(m)
	l := cfg.Ledger.(*withdrawals)
	for i := range n {
		if s := old(i, l.at(i)); memory.Stands(s.Subject, s.Revision, s.Issued) {
			t.Fatalf("withdrawal %d is forgotten", i)
		}
	}
	allowed := 0
	handler := m.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if consent.Allowed(r.Context(), consent.Analytics) {
			allowed++
		}
	}))
	visit := func(s consent.Stored) {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Cookie", "consent="+codec.Encode(s))
		handler.ServeHTTP(httptest.NewRecorder(), r)
	}
	for i := 0; i < n; i += 50 {
		visit(old(i, l.at(i)))
	}
	require.Zero(t, allowed)
	visit(old(n+1, noon))
	require.Equal(t, 1, allowed, "a grant from after the watermark counts")
	visit(old(n+2, noon.Add(-n/100*time.Minute)))
	require.Equal(t, 1, allowed, "one from before is asked for again")
}

// A million different cookies leave nothing behind.
func TestMillionCookies(t *testing.T) {
	cfg := config(t)
	m := newManager(t, cfg)
	codec := consent.NewCodec(cfg.Keys, "consent")
	handler := m.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		consent.Allowed(r.Context(), consent.Analytics)
	}))
	r := httptest.NewRequest("GET", "/", nil)
	line := []string{""}
	r.Header["Cookie"] = line
	w := &nowhere{http.Header{}}
	visit := func(from, to int) {
		for i := from; i < to; i++ {
			if i%2 == 0 {
				line[0] = "consent=" + codec.Encode(consent.Stored{Subject: subject(i), Revision: 1, Issued: noon.Unix() / 60, Version: 3, Answers: []consent.Answer{yes(3, noon, 3)}})
			} else {
				line[0] = fmt.Sprintf("consent=forged%d", i)
			}
			clear(w.header)
			handler.ServeHTTP(w, r)
		}
	}
	heap := func() int64 {
		runtime.GC()
		runtime.GC() // pools let go at the second
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		return int64(stats.HeapAlloc)
	}
	n := 1_000_000
	if raceEnabled {
		n = 100_000
	}
	visit(0, 1000)
	before := heap()
	visit(1000, n)
	require.Less(t, heap()-before, int64(256<<10))
	require.EqualValues(t, n/2, m.Stats().Unreadable)
	runtime.KeepAlive(m)
}

// nowhere is a response that costs nothing.
type nowhere struct{ header http.Header }

func (w *nowhere) Header() http.Header         { return w.header }
func (w *nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (w *nowhere) WriteHeader(int)             {}
