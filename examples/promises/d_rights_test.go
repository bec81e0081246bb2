package promises_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/analytics"
	"github.com/candorhttp/candor/consent/ledger"
	"github.com/candorhttp/candor/consent/unsubscribe"
	"github.com/candorhttp/candor/iputil/pseudonym"
	"github.com/candorhttp/candor/logging/logaudit/audit"
	"github.com/candorhttp/candor/logging/retain"
)

func TestPromise_P27_AReportOnControls(t *testing.T) {
	sentence(t, "P27: an independent report on controls can be had. examples/reviewer makes it of a running site in one command; these are its parts")
	dir := filepath.Join(t.TempDir(), "consent")
	files, err := ledger.Open(ledger.FilesConfig{Dir: dir})
	require.NoError(t, err)
	s := open(t, func(c *consent.Config) { c.Ledger = files })
	v := s.visitor()
	v.choose("accept")
	v.get("/")
	manifest := v.get("/privacy/manifest.json").body
	s.Close()

	a, err := audit.New(strings.NewReader(manifest))
	require.NoError(t, err)
	require.NoError(t, a.Read(strings.NewReader(s.log.String()), "access.log", func(f audit.Finding) { t.Error(f) }))
	require.Positive(t, a.Stats().Lines)

	require.NoError(t, files.Close())
	report, err := ledger.Verify(t.Context(), dir)
	require.NoError(t, err)
	require.Empty(t, report.Faults)
	require.EqualValues(t, 1, report.Grants)
	// The check can fail: one byte of one record is another.
	segment := filepath.Join(dir, "00000000000000000001.records")
	text, err := os.ReadFile(segment)
	require.NoError(t, err)
	text[bytes.Index(text, []byte("analytics"))] ^= 1
	require.NoError(t, os.WriteFile(segment, text, 0o600))
	report, err = ledger.Verify(t.Context(), dir)
	require.NoError(t, err)
	require.NotEmpty(t, report.Faults)
}

func TestPromise_P28_30_KeptAsLongAsNeeded(t *testing.T) {
	sentence(t, "P28-30: kept as long as needed, by kind; then deleted or anonymised")
	// Log files go when their time has come, also when nobody writes.
	t.Run("log files", func(t *testing.T) {
		dir := t.TempDir()
		synctest.Test(t, func(t *testing.T) {
			f, err := retain.Open(retain.Config{Dir: dir, Name: "access", Age: 3 * day})
			require.NoError(t, err)
			_, err = f.Write([]byte("a line\n"))
			require.NoError(t, err)
			time.Sleep(5 * day)
			synctest.Wait()
			require.NoError(t, f.Close())
		})
		names, err := filepath.Glob(filepath.Join(dir, "access*"))
		require.NoError(t, err)
		for _, name := range names {
			text, err := os.ReadFile(name)
			require.NoError(t, err)
			require.NotContains(t, string(text), "a line")
		}
	})
	t.Run("pseudonyms", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			destroyed := 0
			keys, err := pseudonym.New(pseudonym.Config{Destroyed: func(pseudonym.Receipt) { destroyed++ }})
			require.NoError(t, err)
			of := func() string {
				text, err := keys.Append(nil, "log", netip.MustParseAddr("203.0.113.77").AsSlice())
				require.NoError(t, err)
				return string(text)
			}
			first := of()
			require.Equal(t, first, of())
			time.Sleep(3 * day)
			synctest.Wait()
			require.Positive(t, destroyed, "the key of that day is gone, and with it every link")
			require.NotEqual(t, first, of())
			keys.Close()
		})
	})
	t.Run("events", func(t *testing.T) {
		undelivered(t, open(t, nil), &stuck{destination{name: "stuck"}})
	})
	t.Run("cookies and records", func(t *testing.T) {
		v := open(t, nil).visitor()
		a := v.choose("accept")
		require.LessOrEqual(t, a.Cookies()[0].MaxAge, 400*86400)
		first := a.Header["Set-Cookie"]
		require.Empty(t, v.get("/login").Header["Set-Cookie"], "and a visit does not extend it")
		require.NotEmpty(t, first)
	})
}

// stuck is a destination that takes nothing.
type stuck struct{ destination }

func (s *stuck) Send(context.Context, []analytics.Delivery) error {
	return &analytics.Failed{Kind: analytics.Temporary, Reason: "not now"}
}

// undelivered shows that what cannot be delivered is not kept: the shutdown says
// how much was lost, and nothing of it is anywhere.
func undelivered(t *testing.T, s *site, to *stuck) {
	t.Helper()
	p, err := analytics.New(analytics.Config{Consent: s.manager, Sinks: []analytics.Sink{to}, Events: []analytics.Spec{analytics.PageViews("stuck")}})
	require.NoError(t, err)
	inner := p.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<!doctype html>"))
	}))
	server := httptest.NewServer(s.manager.Middleware(inner))
	v := s.visitor()
	v.choose("accept")
	other := &visitor{site: &site{t: t, Server: server}, client: v.client, header: v.header}
	other.client.Jar.SetCookies(mustURL(t, server.URL), v.client.Jar.Cookies(mustURL(t, s.URL)))
	require.Equal(t, 200, other.get("/").StatusCode)
	server.Close()
	require.Equal(t, 1, p.Stats().Sinks["stuck"].Queued+p.Stats().Sinks["stuck"].InFlight)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	require.ErrorContains(t, p.Shutdown(ctx), "stuck")
	require.Zero(t, p.Stats().Sinks["stuck"].Queued)
}

func TestPromise_P31_UnsubscribeAtAnyTime(t *testing.T) {
	sentence(t, "P31: unsubscribe at any time")
	s := open(t, nil)
	gone := ""
	letters, err := unsubscribe.New(unsubscribe.Config{
		Manager: s.manager, Ledger: s.records, Keys: s.cfg.Keys, List: "news", URL: "https://shop.example/unsubscribe",
		OnUnsubscribe: func(_ context.Context, r string) error { gone = r; return nil },
	})
	require.NoError(t, err)
	defer func() { require.NoError(t, letters.Close(context.Background())) }()
	fields, err := letters.Headers("jane@mail.example")
	require.NoError(t, err)
	link := strings.TrimSuffix(strings.TrimPrefix(fields["List-Unsubscribe"], "<https://shop.example"), ">")
	r := httptest.NewRequest("POST", link, strings.NewReader(fields["List-Unsubscribe-Post"]))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	letters.ServeHTTP(w, r)
	require.Equal(t, 200, w.Code)
	require.Equal(t, "jane@mail.example", gone)
	e := s.entries()
	require.Equal(t, []consent.Purpose{consent.Marketing}, e[len(e)-1].Denied, "on the same ledger")
}

func TestPromise_P32_Rights(t *testing.T) {
	sentence(t, "P32: the rights: to see, to take along, to correct, to erase, to object")
	orders := map[string]string{}
	s := open(t, func(c *consent.Config) {
		c.HostData = []consent.HostData{{
			Name:   "orders",
			Export: func(context.Context, consent.Person) (any, error) { return orders, nil },
			Erase:  func(context.Context, consent.Person) error { clear(orders); return nil },
		}}
	})
	orders["1204"] = "Brown Betty"
	v := s.visitor()
	v.choose("save", "analytics")
	v.choose("save", "preferences") // corrected: the one taken back, the other given
	receipt := v.do("POST", "/privacy/receipt", "application/json", "{}")
	require.Equal(t, 200, receipt.StatusCode, receipt.body)
	require.True(t, json.Valid([]byte(receipt.body)))
	require.Contains(t, receipt.body, "Teapot Shop")
	history := v.do("POST", "/privacy/history", "application/json", "{}")
	require.Contains(t, history.body, `"analytics"`)
	require.Contains(t, history.body, "Brown Betty", "what the host keeps is in it")
	csv := v.post("/privacy/history", url.Values{"format": {"csv"}})
	require.Contains(t, csv.Header.Get("Content-Type"), "text/csv")
	require.Equal(t, 405, v.get("/privacy/erase").StatusCode)

	old := v.client.Jar.Cookies(mustURL(t, s.URL))
	a := v.do("POST", "/privacy/erase", "application/json", "{}")
	require.Equal(t, 200, a.StatusCode, a.body)
	require.Empty(t, orders)
	for _, e := range s.entries() {
		require.Equal(t, consent.EntryErasure, e.Kind, "nothing is left but that something was erased")
	}
	v.client.Jar.SetCookies(mustURL(t, s.URL), old)
	require.NotContains(t, v.get("/privacy/decision").body, "granted", "and the old cookie is worth nothing")
}

func TestPromise_P33_WhoToComplainTo(t *testing.T) {
	sentence(t, "P33: complaints are answered; the authority is named")
	v := open(t, nil).visitor()
	notice := v.get("/privacy/notice").body
	for _, want := range []string{"privacy@shop.example", "1 Kettle Lane", "Data Protection Commission", "https://www.dataprotection.ie/complaints"} {
		require.Contains(t, notice, want)
	}
	p := policy()
	p.Authority, p.Controller.Email = consent.Authority{}, ""
	err := p.Validate()
	require.ErrorContains(t, err, "authority.name")
	require.ErrorContains(t, err, "controller.email")
}

func TestPromise_P34_OpenAndEasyToUnderstand(t *testing.T) {
	sentence(t, "P34: open and easy to understand")
	s := open(t, nil)
	v := s.visitor()
	notice := v.get("/privacy/notice").body
	for _, spec := range inventory() {
		require.Contains(t, notice, spec.Name)
		require.Contains(t, notice, spec.Description["en"], "every cookie and field in a sentence")
	}
	for _, p := range policy().Processing {
		require.Contains(t, notice, p.Text["en"])
	}
	require.Contains(t, notice, "Numbers Inc.")
	// The page, the manifest and what runs are one: a cookie less, a row less.
	var m consent.Manifest
	require.NoError(t, json.Unmarshal([]byte(v.get("/privacy/manifest.json").body), &m))
	fields := map[string]bool{}
	for _, f := range m.Log {
		fields[f.Name] = true
	}
	s.Close()
	for _, line := range bytes.Split([]byte(strings.TrimSpace(s.log.String())), []byte("\n")) {
		var got map[string]any
		require.NoError(t, json.Unmarshal(line, &got))
		for key := range got {
			require.True(t, fields[key], key)
		}
	}
}
