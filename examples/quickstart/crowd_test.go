package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/ledger"
)

// A crowd chooses, each visitor from an address of their own and a third of them
// refusing, at the rate of ten thousand a minute: nothing is lost, and no
// refusal is turned away. It is 500 visitors, or CANDOR_VISITORS of them.
func TestCrowdOfVisitors(t *testing.T) {
	visitors := 500
	if n, err := strconv.Atoi(os.Getenv("CANDOR_VISITORS")); err == nil {
		visitors = n
	}
	records, err := ledger.Open(ledger.FilesConfig{Dir: t.TempDir()})
	require.NoError(t, err)
	s := startOn(t, newKeys(t), records)
	transport := &http.Transport{MaxIdleConnsPerHost: 500}
	defer transport.CloseIdleConnections()

	choose := func(i int) (status int, took time.Duration) {
		grant := i%3 != 0
		r, err := http.NewRequest("POST", s.URL+"/privacy/decision", strings.NewReader(fmt.Sprintf(`{"grants":{"analytics":%v,"marketing":false}}`, grant)))
		if err != nil {
			return 0, 0
		}
		r.Header = http.Header{"X-Forwarded-For": {fmt.Sprintf("10.%d.%d.%d", i>>14, i>>6&0xff, i&0x3f+1)}, "Content-Type": {"application/json"}}
		begun := time.Now()
		w, err := transport.RoundTrip(r)
		if err != nil {
			return 0, 0
		}
		defer w.Body.Close()
		_, _ = io.Copy(io.Discard, w.Body)
		return w.StatusCode, time.Since(begun)
	}
	p99 := func(list []time.Duration) time.Duration {
		slices.Sort(list)
		return list[len(list)*99/100]
	}

	const alone = 100
	idle := make([]time.Duration, alone)
	var granted, refused, turnedAway atomic.Int64
	count := func(i, status int) {
		switch {
		case i%3 == 0 && status == 200:
			refused.Add(1)
		case i%3 == 0:
			turnedAway.Add(1)
		case status == 200:
			granted.Add(1)
		}
	}
	for i := range idle {
		status, took := choose(i)
		count(i, status)
		idle[i] = took
	}
	crowd := make([]time.Duration, visitors)
	var wg sync.WaitGroup
	begun := time.Now()
	for i := range visitors {
		// Whoever comes does not wait for those before.
		time.Sleep(time.Until(begun.Add(time.Duration(i) * time.Minute / 10_000)))
		wg.Go(func() {
			status, took := choose(alone + i)
			count(alone+i, status)
			crowd[i] = took
		})
	}
	wg.Wait()
	t.Logf("%d visitors in %v: %d granted, %d refused, p99 %v; alone p99 %v", visitors, time.Since(begun).Round(time.Millisecond), granted.Load(), refused.Load(), p99(crowd), p99(idle))
	require.Zero(t, turnedAway.Load(), "refusals")
	require.EqualValues(t, visitors+alone, granted.Load()+refused.Load(), "nobody's network was too busy for the documented limit")
	grants, refusals := 0, 0
	require.NoError(t, records.Scan(t.Context(), 0, func(e consent.Entry) error {
		switch e.Kind {
		case consent.EntryGrant:
			grants++
		case consent.EntryRefusal:
			refusals++
		}
		return nil
	}))
	require.EqualValues(t, granted.Load(), grants)
	require.EqualValues(t, refused.Load(), refusals)
}
