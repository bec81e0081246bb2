package unsubscribe_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/ledger"
	"github.com/candorhttp/candor/consent/unsubscribe"
)

const recipient = "jane.doe+shop@mail.example"

func policy(languages ...string) consent.Policy {
	text := consent.Text{}
	for _, l := range languages {
		text[l] = "news"
	}
	return consent.Policy{
		Version: 1, Effective: "2026-10-01", Languages: languages,
		Controller: consent.Controller{Name: "Shop", Address: "1 Road", Email: "privacy@shop.example"},
		Authority:  consent.Authority{Name: "Authority", URL: "https://authority.example/"},
		Processing: []consent.Processing{
			{Purpose: consent.Authentication, Number: 1, Basis: consent.Essential, Title: text, Text: text, Retention: text},
			{Purpose: consent.Marketing, Number: 2, Basis: consent.Consent, Title: text, Text: text, Retention: text},
		},
	}
}

func keys(t testing.TB, text ...string) consent.Keys {
	t.Helper()
	k, err := consent.ParseKeys(strings.Join(text, ","))
	require.NoError(t, err)
	return k
}

// list is a mailing list of a host.
type list struct {
	mu   sync.Mutex
	gone []string
	err  error
}

func (l *list) remove(_ context.Context, recipient string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return l.err
	}
	l.gone = append(l.gone, recipient)
	return nil
}

func (l *list) fail(err error) { l.mu.Lock(); defer l.mu.Unlock(); l.err = err }

func (l *list) removed() []string { l.mu.Lock(); defer l.mu.Unlock(); return slices.Clone(l.gone) }

// brokenLedger takes nothing while it is down.
type brokenLedger struct {
	*ledger.InMemory
	mu   sync.Mutex
	down bool
}

func (l *brokenLedger) set(down bool) { l.mu.Lock(); defer l.mu.Unlock(); l.down = down }

func (l *brokenLedger) Append(ctx context.Context, e consent.Entry) (uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down {
		return 0, errors.New("no space")
	}
	return l.InMemory.Append(ctx, e)
}

type host struct {
	*unsubscribe.Letters
	list    *list
	records *brokenLedger
	log     *bytes.Buffer
}

func newHost(t testing.TB, change func(*unsubscribe.Config)) host {
	t.Helper()
	h := host{list: &list{}, records: &brokenLedger{InMemory: ledger.Memory()}, log: &bytes.Buffer{}}
	k := keys(t, consent.GenerateKey())
	m, err := consent.New(consent.Config{Policy: policy("en", "ar"), Keys: k, Ledger: h.records, Insecure: true})
	require.NoError(t, err)
	cfg := unsubscribe.Config{
		Manager: m, Ledger: h.records, Keys: k, List: "news", URL: "https://shop.example/unsubscribe",
		OnUnsubscribe: h.list.remove, Logger: slog.New(slog.NewTextHandler(h.log, nil)),
	}
	if change != nil {
		change(&cfg)
	}
	h.Letters, err = unsubscribe.New(cfg)
	require.NoError(t, err)
	return h
}

// link is the recipient's, as path and query.
func (h host) link(t testing.TB) string {
	t.Helper()
	link, err := h.Link(recipient)
	require.NoError(t, err)
	u, err := url.Parse(link)
	require.NoError(t, err)
	return u.RequestURI()
}

func (h host) do(method, target, kind, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

const form = "application/x-www-form-urlencoded"

func (h host) click(target string) *httptest.ResponseRecorder {
	return h.do("POST", target, form, "List-Unsubscribe=One-Click")
}

func (h host) entries(t testing.TB) (out []consent.Entry) {
	t.Helper()
	require.NoError(t, h.records.Scan(t.Context(), 0, func(e consent.Entry) error { out = append(out, e); return nil }))
	return out
}

func TestHeadersAreThoseOfRFC8058(t *testing.T) {
	h := newHost(t, nil)
	fields, err := h.Headers(recipient)
	require.NoError(t, err)
	require.Len(t, fields, 2)
	require.Equal(t, "List-Unsubscribe=One-Click", fields["List-Unsubscribe-Post"])
	value := fields["List-Unsubscribe"]
	require.Regexp(t, `^<https://shop\.example/unsubscribe\?u=[A-Za-z0-9_-]+>$`, value)
	require.Less(t, len(value), 998, "RFC 5322 §2.1.1")
	require.NotContains(t, value, "jane")
	other, err := h.Headers(recipient)
	require.NoError(t, err)
	require.NotEqual(t, value, other["List-Unsubscribe"], "two mails to one person cannot be told to be so")
	for _, bad := range []string{"", strings.Repeat("a", 255)} {
		_, err := h.Headers(bad)
		require.Error(t, err)
	}
	_, err = h.Headers(strings.Repeat("a", 254))
	require.NoError(t, err)
}

func TestOneClick(t *testing.T) {
	var parts bytes.Buffer
	m := multipart.NewWriter(&parts)
	require.NoError(t, m.WriteField("List-Unsubscribe", "One-Click"))
	require.NoError(t, m.Close())
	for _, tt := range []struct{ name, kind, body string }{
		{"urlencoded", form, "List-Unsubscribe=One-Click"},
		{"urlencoded with a charset", form + "; charset=utf-8", "List-Unsubscribe=One-Click"},
		{"multipart", m.FormDataContentType(), parts.String()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHost(t, nil)
			w := h.do("POST", h.link(t), tt.kind, tt.body)
			require.Equal(t, 200, w.Code)
			require.Contains(t, w.Body.String(), "no more of these mails")
			require.Empty(t, w.Header()["Set-Cookie"])
			require.Equal(t, []string{recipient}, h.list.removed())
			got := h.entries(t)
			require.Len(t, got, 1)
			require.Equal(t, consent.EntryWithdrawal, got[0].Kind)
			require.Equal(t, consent.MethodUnsubscribe, got[0].Method)
			require.Equal(t, []consent.Purpose{consent.Marketing}, got[0].Denied)
			require.False(t, got[0].Subject.IsZero())

			again := h.do("POST", h.link(t), tt.kind, tt.body)
			require.Equal(t, w.Body.String(), again.Body.String(), "a second click looks like the first")
			require.Equal(t, w.Code, again.Code)
			require.Len(t, h.entries(t), 1)
		})
	}
}

func TestGetChangesNothing(t *testing.T) {
	h := newHost(t, nil)
	for _, method := range []string{"GET", "HEAD"} {
		w := h.do(method, h.link(t), "", "")
		require.Equal(t, 200, w.Code)
		require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
		require.Equal(t, "no-referrer", w.Header().Get("Referrer-Policy"))
		require.Empty(t, w.Header()["Set-Cookie"])
	}
	page := h.do("GET", h.link(t), "", "").Body.String()
	require.Contains(t, page, `<form method="post"><input type="hidden" name="List-Unsubscribe" value="One-Click"><button>Unsubscribe</button></form>`)
	require.NotContains(t, page, "jane", "whoever opens a forwarded mail does not learn the address")
	require.Empty(t, h.list.removed())
	require.Empty(t, h.entries(t))
}

func TestForgedAndForeignLinksLookAlike(t *testing.T) {
	h := newHost(t, nil)
	stranger := newHost(t, nil).link(t)
	good := h.link(t)
	flipped := []byte(good)
	flipped[len(flipped)/2] ^= 1
	want := h.do("GET", "/unsubscribe?u=x", "", "")
	require.Equal(t, 404, want.Code)
	var otherList string
	{
		k := keys(t, consent.GenerateKey())
		m, err := consent.New(consent.Config{Policy: policy("en"), Keys: k, Ledger: ledger.Memory()})
		require.NoError(t, err)
		cfg := unsubscribe.Config{Manager: m, Ledger: ledger.Memory(), Keys: k, List: "news", URL: "https://shop.example/unsubscribe", OnUnsubscribe: h.list.remove}
		news, err := unsubscribe.New(cfg)
		require.NoError(t, err)
		cfg.List = "offers"
		offers, err := unsubscribe.New(cfg)
		require.NoError(t, err)
		link, err := offers.Link(recipient)
		require.NoError(t, err)
		_, otherList, _ = strings.Cut(link, "shop.example")
		h := host{Letters: news, list: h.list}
		require.Equal(t, 404, h.click(otherList).Code, "of another list of the same site")
	}
	for name, target := range map[string]string{
		"none": "/unsubscribe", "empty": "/unsubscribe?u=", "garbage": "/unsubscribe?u=%00%ff", "cut": good[:len(good)-4],
		"flipped": string(flipped), "another site's": stranger, "twice": good + "&u=" + strings.TrimPrefix(good, "/unsubscribe?u="),
		"long": "/unsubscribe?u=" + strings.Repeat("A", 9000), "another form": "/unsubscribe?u=Ag" + strings.TrimPrefix(good, "/unsubscribe?u=A"),
	} {
		for _, method := range []string{"GET", "POST"} {
			w := h.do(method, target, form, "List-Unsubscribe=One-Click")
			require.Equal(t, want.Code, w.Code, "%s %s", method, name)
			require.Equal(t, want.Body.String(), w.Body.String(), "%s %s", method, name)
			require.Equal(t, want.Header(), w.Header(), "%s %s", method, name)
		}
	}
	require.Empty(t, h.list.removed())
	require.Empty(t, h.entries(t))
}

func TestBadPosts(t *testing.T) {
	h := newHost(t, nil)
	for _, tt := range []struct {
		name, method, kind, body string
		status                   int
	}{
		{"other body", "POST", form, "x=y", 400},
		{"twice", "POST", form, "List-Unsubscribe=One-Click&List-Unsubscribe=One-Click", 400},
		{"empty", "POST", form, "", 400},
		{"bad escape", "POST", form, "List-Unsubscribe=%zz", 400},
		{"multipart without boundary", "POST", "multipart/form-data", "x", 400},
		{"multipart cut", "POST", "multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Cl", 400},
		{"too many parts", "POST", "multipart/form-data; boundary=b", strings.Repeat("--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\ny\r\n", 40) + "--b--\r\n", 400},
		{"json", "POST", "application/json", "{}", 415},
		{"no type", "POST", "", "List-Unsubscribe=One-Click", 415},
		{"large", "POST", form, strings.Repeat("a", 9<<10), 413},
		{"other method", "DELETE", "", "", 405},
	} {
		require.Equal(t, tt.status, h.do(tt.method, h.link(t), tt.kind, tt.body).Code, tt.name)
	}
	require.Empty(t, h.list.removed())
	require.Empty(t, h.entries(t))
	require.EqualValues(t, 10, h.Stats().BadRequest)
}

// A mail provider's web page posts from its own origin, with no cookie.
func TestNoOriginAndNoCookieIsAskedFor(t *testing.T) {
	h := newHost(t, nil)
	s := httptest.NewTLSServer(h)
	defer s.Close()
	r, err := http.NewRequest("POST", s.URL+h.link(t), strings.NewReader("List-Unsubscribe=One-Click"))
	require.NoError(t, err)
	r.Header.Set("Content-Type", form)
	r.Header.Set("Origin", "https://mail.example")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	w, err := s.Client().Do(r)
	require.NoError(t, err)
	_, _ = io.Copy(io.Discard, w.Body)
	require.NoError(t, w.Body.Close())
	require.Equal(t, 200, w.StatusCode)
	require.Equal(t, []string{recipient}, h.list.removed())
}

func TestLinksOutliveTheRotationOfTheirKey(t *testing.T) {
	old, young := consent.GenerateKey(), consent.GenerateKey()
	records := ledger.Memory()
	made := func(k consent.Keys, on *list) host {
		m, err := consent.New(consent.Config{Policy: policy("en"), Keys: k, Ledger: records})
		require.NoError(t, err)
		l, err := unsubscribe.New(unsubscribe.Config{Manager: m, Ledger: records, Keys: k, List: "news", URL: "https://shop.example/u", OnUnsubscribe: on.remove})
		require.NoError(t, err)
		return host{Letters: l, list: on}
	}
	link := made(keys(t, old), &list{}).link(t)
	after := made(keys(t, young, old), &list{})
	require.Equal(t, 200, after.click(link).Code)
	require.Equal(t, []string{recipient}, after.list.removed())

	again := made(keys(t, consent.GenerateKey(), young, old), &list{})
	refused, err := again.Refused(t.Context(), map[string]time.Time{recipient: time.Now().Add(-time.Hour), "someone@mail.example": {}})
	require.NoError(t, err)
	require.Equal(t, []string{recipient}, refused, "found under the key of its time")
	require.Equal(t, 404, made(keys(t, young), &list{}).click(link).Code, "and not without its key")
}

func TestRefusedKnowsWhoCameBack(t *testing.T) {
	h := newHost(t, nil)
	require.Equal(t, 200, h.click(h.link(t)).Code)
	refused, err := h.Refused(t.Context(), map[string]time.Time{recipient: time.Now().Add(time.Hour)})
	require.NoError(t, err)
	require.Empty(t, refused)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = h.Refused(ctx, map[string]time.Time{recipient: {}})
	require.ErrorIs(t, err, context.Canceled)
}

func TestLedgerDownTurnsNobodyAway(t *testing.T) {
	h := newHost(t, nil)
	h.records.set(true)
	require.Equal(t, 200, h.click(h.link(t)).Code)
	require.Equal(t, []string{recipient}, h.list.removed())
	require.Empty(t, h.entries(t))
	h.records.set(false)
	require.Eventually(t, func() bool { return len(h.entries(t)) == 1 }, 10*time.Second, 10*time.Millisecond, "appended when it could be")
}

func TestHookIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, nil)
		h.list.fail(errors.New("no route to " + recipient))
		require.Equal(t, 200, h.click(h.link(t)).Code)
		require.Equal(t, 200, h.click(h.link(t)).Code)
		require.Equal(t, 1, h.Stats().Waiting, "one recipient waits once")
		time.Sleep(10 * time.Second)
		require.Equal(t, 1, h.Stats().Waiting)
		h.list.fail(nil)
		time.Sleep(6 * time.Minute)
		require.Equal(t, []string{recipient}, h.list.removed())
		require.Zero(t, h.Stats().Waiting)
		require.NotContains(t, h.log.String(), "jane")
		require.Contains(t, h.log.String(), "OnUnsubscribe failed")
		require.NoError(t, h.Close(t.Context()))
	})
}

func TestPanickingHookIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		h := newHost(t, func(c *unsubscribe.Config) {
			c.OnUnsubscribe = func(_ context.Context, r string) error {
				if calls.Add(1) == 1 {
					panic("cannot mail " + r)
				}
				return nil
			}
		})
		require.Equal(t, 200, h.click(h.link(t)).Code)
		time.Sleep(2 * time.Second)
		require.EqualValues(t, 2, calls.Load())
		require.NotContains(t, h.log.String(), "jane")
		require.NoError(t, h.Close(t.Context()))
	})
}

func TestCloseSaysHowManyWereNotTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, nil)
		h.list.fail(errors.New("down"))
		h.click(h.link(t))
		err := h.Close(t.Context())
		require.ErrorContains(t, err, "not told of 1 refusals")
		require.NotContains(t, err.Error(), "jane")
		refused, err := h.Refused(t.Context(), map[string]time.Time{recipient: {}})
		require.NoError(t, err)
		require.Equal(t, []string{recipient}, refused, "the ledger has it")
	})
}

func TestLanguages(t *testing.T) {
	h := newHost(t, func(c *unsubscribe.Config) {
		c.Language = func(r *http.Request) string { return r.Header.Get("Accept-Language") }
	})
	r := httptest.NewRequest("GET", h.link(t), nil)
	r.Header.Set("Accept-Language", "ar")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	require.Contains(t, w.Body.String(), `<html lang="ar" dir="rtl">`)
	r.Header.Set("Accept-Language", "xx")
	w = httptest.NewRecorder()
	h.ServeHTTP(w, r)
	require.Contains(t, w.Body.String(), `<html lang="en" dir="ltr">`)
}

func TestEveryFaultAtOnce(t *testing.T) {
	_, err := unsubscribe.New(unsubscribe.Config{})
	for _, part := range []string{"Manager:", "Keys:", "Ledger:", "OnUnsubscribe:", "List:", "URL:"} {
		require.ErrorContains(t, err, part)
	}
	require.ErrorIs(t, err, consent.ErrNoKeys)

	k := keys(t, consent.GenerateKey())
	m, err := consent.New(consent.Config{Policy: policy("en", "fi"), Keys: k, Ledger: ledger.Memory()})
	require.NoError(t, err)
	cfg := unsubscribe.Config{Manager: m, Ledger: ledger.Memory(), Keys: k, List: "News", URL: "http://shop.example/?a", Purpose: consent.Authentication, OnUnsubscribe: (&list{}).remove}
	_, err = unsubscribe.New(cfg)
	for _, part := range []string{"List:", "URL:", "Purpose:", `language "fi"`} {
		require.ErrorContains(t, err, part)
	}
	cfg.List, cfg.URL, cfg.Purpose = "news", "https://shop.example/u", ""
	cfg.Words = map[string]unsubscribe.Words{"fi": {Title: "Peru", Question: "?", Button: "Peru", Done: "Valmis", Unknown: "Ei"}}
	_, err = unsubscribe.New(cfg)
	require.NoError(t, err)
}

func TestManifestNamesTheEndpoint(t *testing.T) {
	h := newHost(t, nil)
	var m consent.Manifest
	h.Describe(&m)
	require.Equal(t, []string{"GET, POST /unsubscribe"}, m.Endpoints)
	require.Len(t, m.Records, 1)
}

func FuzzLink(f *testing.F) {
	h := newHost(f, nil)
	f.Add(strings.TrimPrefix(h.link(f), "/unsubscribe?u="))
	f.Add("AQ")
	f.Add("")
	good := map[string]bool{}
	f.Fuzz(func(t *testing.T, token string) {
		w := h.do("POST", "/unsubscribe?u="+url.QueryEscape(token), form, "List-Unsubscribe=One-Click")
		if w.Code != 404 {
			// Only what Link made opens; the corpus holds one of this run at the most.
			good[token] = true
			require.Equal(t, 200, w.Code)
			require.Equal(t, recipient, h.list.removed()[0])
			require.LessOrEqual(t, len(good), 1)
		}
	})
}
