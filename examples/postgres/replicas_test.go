package postgres_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/exchange"
	"github.com/candorhttp/candor/examples/postgres/pgtest"
)

// webReplica is one process of a site, as far as its visitors can tell.
type webReplica struct {
	t       *testing.T
	manager *consent.Manager
	permit  consent.Permit // of the last visit to /
	*httptest.Server
}

func newWebReplica(t *testing.T, keys consent.Keys, l consent.Ledger) *webReplica {
	t.Helper()
	text := func(s string) consent.Text { return consent.Text{"en": s} }
	declare := func(p consent.Purpose, n int) consent.Processing {
		return consent.Processing{Purpose: p, Number: n, Basis: consent.Consent, Title: text(string(p)), Text: text("-"), Retention: text("-")}
	}
	r := &webReplica{t: t}
	var err error
	r.manager, err = consent.New(consent.Config{
		Policy: consent.Policy{
			Version: 1, Effective: "2026-11-01", Languages: []string{"en"},
			Controller: consent.Controller{Name: "Shop", Address: "1 Road", Email: "privacy@shop.example"},
			Authority:  consent.Authority{Name: "Authority", URL: "https://authority.example"},
			Processing: []consent.Processing{declare(consent.Analytics, 1), declare(consent.Preferences, 2)},
		},
		Keys: keys, Ledger: l, Insecure: true,
	})
	require.NoError(t, err)
	mux := http.NewServeMux()
	mux.Handle("/privacy/", r.manager.Handler())
	mux.HandleFunc("/", func(_ http.ResponseWriter, q *http.Request) {
		r.permit = r.manager.Permit(exchange.From(q.Context()), consent.Analytics)
	})
	r.Server = httptest.NewServer(r.manager.Middleware(mux))
	t.Cleanup(func() {
		r.Close()
		require.NoError(t, r.manager.Close(context.Background()))
	})
	return r
}

// send returns the body, and the Cookie line to send from then on.
func (r *webReplica) send(method, path, cookie, body string) (string, string) {
	r.t.Helper()
	q, err := http.NewRequest(method, r.URL+path, strings.NewReader(body))
	require.NoError(r.t, err)
	q.Header.Set("Content-Type", "application/json")
	if cookie != "" {
		q.Header.Set("Cookie", cookie)
	}
	w, err := r.Client().Do(q)
	require.NoError(r.t, err)
	defer w.Body.Close()
	text, err := io.ReadAll(w.Body)
	require.NoError(r.t, err)
	require.Less(r.t, w.StatusCode, 300, string(text))
	for _, c := range w.Cookies() {
		cookie = c.Name + "=" + c.Value
	}
	return string(text), cookie
}

func (r *webReplica) granted(cookie string) bool {
	r.t.Helper()
	text, _ := r.send("GET", "/privacy/decision", cookie, "")
	return strings.Contains(text, `"analytics":"granted"`)
}

// A withdrawal on one replica ends copies of the cookie, and permits in queues,
// on the other within two seconds; so does an erasure, also for one that starts
// afterwards. A fork of one cookie counts nowhere.
func TestWithdrawalsReachEveryReplica(t *testing.T) {
	server := pgtest.Start(t)
	url := newSchema(t, server)
	first, second := onPostgres(t, connect(t, "pgx", url), 0), onPostgres(t, connect(t, "postgres", url), 0)
	require.NoError(t, first.Migrate(t.Context()))
	keys, err := consent.ParseKeys(consent.GenerateKey())
	require.NoError(t, err)
	one, two := newWebReplica(t, keys, first), newWebReplica(t, keys, second)
	within := func(holds func() bool, why string) {
		t.Helper()
		begun := time.Now()
		require.Eventually(t, holds, 2*time.Second, 10*time.Millisecond, why)
		t.Logf("%s: heard after %v", why, time.Since(begun).Round(time.Millisecond))
	}

	_, c := one.send("POST", "/privacy/decision", "", `{"grants":{"analytics":true,"preferences":true}}`)
	require.True(t, two.granted(c))
	two.send("GET", "/", c, "")
	permit := two.permit
	require.True(t, permit.Stands())
	_, less := one.send("POST", "/privacy/decision", c, `{"grants":{"analytics":false}}`)
	within(func() bool { return !two.granted(c) && !permit.Stands() }, "a withdrawal")
	text, _ := two.send("GET", "/privacy/decision", less, "")
	require.Contains(t, text, `"preferences":"granted"`, "the rest of the choice stands")

	_, c = two.send("POST", "/privacy/decision", "", `{"grants":{"analytics":true}}`)
	two.send("POST", "/privacy/erase", c, "")
	within(func() bool { return !one.granted(c) }, "an erasure")
	require.False(t, newWebReplica(t, keys, onPostgres(t, connect(t, "pgx", url), 0)).granted(c), "a process that starts afterwards")

	for range 10 {
		_, c = one.send("POST", "/privacy/decision", "", `{"grants":{"analytics":true,"preferences":true}}`)
		done := make(chan string, 2)
		go func() { _, c := one.send("POST", "/privacy/decision", c, `{"grants":{"analytics":false}}`); done <- c }()
		go func() { _, c := two.send("POST", "/privacy/decision", c, `{"grants":{"preferences":true}}`); done <- c }()
		for _, c := range []string{<-done, <-done} {
			within(func() bool { return !one.granted(c) && !two.granted(c) }, "a no that crossed a yes")
		}
	}
	require.Zero(t, one.manager.Stats().FollowErrors+two.manager.Stats().FollowErrors)
	good(t, first)
}
