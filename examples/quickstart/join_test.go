package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
)

// Whoever has the access log and the ledger, both whole, cannot say which lines
// and which entry are the same visitor's.
func TestPromise_P19_LogAndLedgerDoNotJoin(t *testing.T) {
	const visitors = 1000
	s := start(t, newKeys(t))
	next := make(chan int)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for i := range next {
				v := s.visitor()
				v.header = http.Header{"X-Forwarded-For": {fmt.Sprintf("198.%d.%d.7", i/250, i%250)}, "User-Agent": {"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"}}
				v.get("/")
				switch i % 3 {
				case 0:
					v.form("/privacy/decision", "action=refuse")
				default:
					v.form("/privacy/decision", "action=accept")
				}
				v.get("/search?page=2")
				if i%5 == 0 {
					v.form("/privacy/withdraw", "")
				}
			}
		})
	}
	for i := range visitors {
		next <- i
	}
	close(next)
	wg.Wait()
	s.Close()

	var entries []consent.Entry
	require.NoError(t, s.site.records.Scan(t.Context(), 0, func(e consent.Entry) error { entries = append(entries, e); return nil }))
	require.Greater(t, len(entries), visitors)
	log := s.log.String()
	lines := strings.Split(strings.TrimSpace(log), "\n")
	require.Greater(t, len(lines), 3*visitors)

	// By id and by pseudonym: nothing that names a subject stands in the log.
	for _, e := range entries {
		if e.Subject.IsZero() {
			continue
		}
		for _, form := range spellings(string(e.Subject[:])) {
			require.NotContains(t, log, form)
		}
	}

	// By route: the lines of the endpoints say nothing of a visitor.
	about := []string{"time", "http.request.method", "http.route", "url.scheme", "http.response.status_code", "http.response.body.size", "http.server.request.duration", "network.protocol.version"}
	seconds := map[time.Time]map[string]bool{} // whose lines there are of a second
	for _, line := range lines {
		var fields map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &fields))
		if fields["http.route"] == "/privacy/" {
			for key := range fields {
				require.True(t, slices.Contains(about, key), key)
			}
			continue
		}
		at, err := time.Parse(time.RFC3339, fields["time"].(string))
		require.NoError(t, err)
		if seconds[at] == nil {
			seconds[at] = map[string]bool{}
		}
		seconds[at][fmt.Sprint(fields["client.address"], fields["client.pseudonym"])] = true
	}

	// By time: an entry's second is that of many visitors.
	single := 0
	for _, e := range entries {
		if e.Kind == consent.EntryRefusal {
			require.Equal(t, 1, e.Time.Day(), "a refusal has no finer time than the month")
			continue
		}
		if len(seconds[e.Time]) == 1 {
			single++
		}
	}
	require.LessOrEqual(t, single, len(entries)/100, "entries whose second has one visitor's lines alone")
}
