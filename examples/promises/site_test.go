package promises_test

import (
	"bytes"
	"context"
	"fmt"
	"html/template"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/analytics"
	"github.com/candorhttp/candor/consent/banner"
	"github.com/candorhttp/candor/consent/experiment"
	"github.com/candorhttp/candor/consent/ledger"
	"github.com/candorhttp/candor/cookies"
	"github.com/candorhttp/candor/iputil"
	"github.com/candorhttp/candor/logging"
)

const day = 24 * time.Hour

// sentence prints what the policy says, so that -v shows the table.
func sentence(t *testing.T, text string) {
	t.Helper()
	t.Log(text)
}

func en(s string) consent.Text { return consent.Text{"en": s} }

func processing(p consent.Purpose, number int, basis consent.Basis, recipients ...string) consent.Processing {
	return consent.Processing{
		Purpose: p, Number: number, Basis: basis, Recipients: recipients, SharesData: p == consent.Marketing,
		Title: en("Title of " + string(p)), Text: en("What " + string(p) + " is for."), Retention: en("30 days"),
	}
}

// policy is the site's privacy policy.
func policy() consent.Policy {
	return consent.Policy{
		Version: 1, Effective: "2026-11-01", Languages: []string{"en"},
		Controller: consent.Controller{Name: "Teapot Shop", Address: "1 Kettle Lane, Dublin", Email: "privacy@shop.example"},
		Authority:  consent.Authority{Name: "Data Protection Commission", URL: "https://www.dataprotection.ie/complaints"},
		Recipients: []consent.Recipient{
			{Name: "Pay GmbH", Country: "DE", Safeguard: consent.SafeguardNone},
			{Name: "Numbers Inc.", Country: "US", Safeguard: consent.SafeguardDPF},
		},
		Processing: []consent.Processing{
			processing(consent.Authentication, 1, consent.Essential),
			processing("payment", 2, consent.Essential, "Pay GmbH"),
			processing(consent.Preferences, 3, consent.Consent),
			processing(consent.LoginMemory, 4, consent.Consent),
			processing(consent.Experiments, 5, consent.Consent),
			processing(consent.Analytics, 6, consent.Consent, "Numbers Inc."),
			processing(consent.Marketing, 7, consent.Consent),
			processing("comments", 8, consent.Consent),
		},
	}
}

// inventory declares the site's cookies. "rogue" is not among them.
func inventory() []cookies.Spec {
	return []cookies.Spec{
		{Name: "session", Purpose: consent.Authentication, Description: en("Who is signed in.")},
		{Name: "theme", Purpose: consent.Preferences, Lifetime: 90 * day, Description: en("Light or dark.")},
		{Name: "last_login", Purpose: consent.LoginMemory, Lifetime: 90 * day, Description: en("The login address, sealed.")},
		{Name: "exp_goods", Purpose: consent.Experiments, Lifetime: 30 * day, Description: en("The arm of an experiment, sealed.")},
		{Name: "visits", Purpose: consent.Analytics, Lifetime: 30 * day, Description: en("How often somebody was here.")},
		{Name: "NEL", Field: true, Purpose: consent.Analytics, Description: en("Reports of failed requests.")},
	}
}

// declaredEvents are what the site measures.
func declaredEvents() []analytics.Spec {
	return []analytics.Spec{
		analytics.PageViews("own", "numbers"), analytics.Vitals("own"), analytics.OutboundLinks([]string{"partner.example"}, "own"),
	}
}

// text collects what is written.
type text struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (w *text) Write(p []byte) (int, error) { w.mu.Lock(); defer w.mu.Unlock(); return w.b.Write(p) }
func (w *text) String() string              { w.mu.Lock(); defer w.mu.Unlock(); return w.b.String() }
func (w *text) lines() []string             { return strings.Split(strings.TrimSpace(w.String()), "\n") }

// destination is a sink that keeps what it is sent.
type destination struct {
	name, recipient string
	mu              sync.Mutex
	got             []analytics.Delivery
}

func (d *destination) Destination() analytics.Destination {
	where := analytics.Destination{Name: d.name, Recipient: d.recipient, MaxEvents: 10}
	if d.recipient != "" {
		where.Endpoint = "https://numbers.example/events"
	}
	return where
}

func (d *destination) Send(_ context.Context, batch []analytics.Delivery) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.got = append(d.got, batch...)
	return nil
}

func (d *destination) events() []analytics.Delivery {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.got)
}

// site is a shop with every part of the library around it.
type site struct {
	t           *testing.T
	cfg         consent.Config
	manager     *consent.Manager
	gate        *cookies.Gate
	access      *logging.Access
	events      *analytics.Pipeline
	own, abroad *destination
	records     *ledger.InMemory
	log, stderr *text
	counters    *analytics.Counters
	*httptest.Server
}

// open starts the site. change may change the configuration of the manager.
func open(t *testing.T, change func(*consent.Config)) *site {
	t.Helper()
	s := &site{
		t: t, records: ledger.Memory(), log: &text{}, stderr: &text{},
		own: &destination{name: "own"}, abroad: &destination{name: "numbers", recipient: "Numbers Inc."},
	}
	keys, err := consent.ParseKeys(consent.GenerateKey())
	require.NoError(t, err)
	visitors, err := iputil.NewResolver(iputil.Proxies{Header: "X-Forwarded-For", Trusted: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})
	require.NoError(t, err)
	logger := slog.New(slog.NewJSONHandler(s.stderr, nil))
	s.cfg = consent.Config{
		Policy: policy(), Keys: keys, Ledger: s.records, Visitors: visitors, Insecure: true, Logger: logger,
		Disclosures: []consent.Disclosure{{Purpose: "payment", Recipient: "Pay GmbH"}},
	}
	if change != nil {
		change(&s.cfg)
	}
	s.manager, err = consent.New(s.cfg)
	require.NoError(t, err)
	declared, err := cookies.NewInventory(s.cfg.Policy, inventory()...)
	require.NoError(t, err)
	s.gate, err = cookies.NewGate(cookies.GateConfig{Inventory: declared, Consent: s.manager, Insecure: true, Logger: logger})
	require.NoError(t, err)
	s.access, err = logging.New(logging.Config{Output: s.log, Visitors: visitors, Consent: s.manager, Query: []string{"page"}})
	require.NoError(t, err)
	s.counters, err = analytics.NewCounters(analytics.CountersConfig{Events: declaredEvents()})
	require.NoError(t, err)
	s.events, err = analytics.New(analytics.Config{
		Consent: s.manager, Sinks: []analytics.Sink{s.own, s.abroad}, Counters: s.counters, Keys: s.cfg.Keys, Logger: logger,
		Events:  declaredEvents(),
		Country: func(r *http.Request) string { return r.Header.Get("Cf-Ipcountry") },
	})
	require.NoError(t, err)
	pages, err := banner.New(s.manager, banner.Options{Parts: []consent.Describer{declared, s.access, s.events, s.records}})
	require.NoError(t, err)
	mux := http.NewServeMux()
	mux.Handle("/privacy/", pages)
	mux.Handle("/.well-known/gpc.json", pages)
	mux.Handle(s.events.Prefix(), s.events.Handler())
	s.shop(mux, pages)
	s.serve(s.access.Middleware(s.manager.Middleware(s.gate.Middleware(s.events.Middleware(mux)))), logger)
	return s
}

// serve starts a server that shows truncated addresses alone.
func (s *site) serve(h http.Handler, logger *slog.Logger) {
	s.Server = httptest.NewUnstartedServer(h)
	hidden, err := iputil.NewListener(s.Listener, iputil.HideNetwork)
	require.NoError(s.t, err)
	s.Listener = hidden
	s.Config.ConnContext = iputil.ConnContext
	s.Config.ErrorLog = logging.ErrorLog(logger)
	s.Start()
	s.t.Cleanup(s.end)
}

func (s *site) end() {
	s.Close()
	_ = s.events.Shutdown(s.t.Context())
	s.access.Close()
	require.NoError(s.t, s.manager.Close(context.Background()))
}

// routes are the shop's pages, all of which a visitor may open.
var routes = []string{"/", "/login", "/users/4711", "/search?q=secret&page=2", "/comments"}

// shop mounts a shop as a team would write it that never thought about consent.
func (s *site) shop(mux *http.ServeMux, pages *banner.Pages) {
	session, err := cookies.NewSealed[string](s.gate, s.cfg.Keys, "session")
	require.NoError(s.t, err)
	lastLogin, err := cookies.NewSealed[string](s.gate, s.cfg.Keys, "last_login")
	require.NoError(s.t, err)
	arm, err := cookies.NewSealed[string](s.gate, s.cfg.Keys, "exp_goods")
	require.NoError(s.t, err)
	goods, err := experiment.New(experiment.Config{Name: "goods", Arms: []experiment.Arm{{Name: "list"}, {Name: "cards"}}, Keys: s.cfg.Keys, Cookie: arm})
	require.NoError(s.t, err)
	page := func(w http.ResponseWriter, r *http.Request, body string) {
		fragment := pages.Fragment(r)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, "<!doctype html><title>shop</title>%s%s", template.HTML(body), fragment)
	}
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		visits := 0
		if c, err := r.Cookie("visits"); err == nil {
			visits, _ = strconv.Atoi(c.Value)
		}
		http.SetCookie(w, &http.Cookie{Name: "visits", Value: strconv.Itoa(visits + 1), Path: "/", MaxAge: 2 * 365 * 86400})
		http.SetCookie(w, &http.Cookie{Name: "rogue", Value: uuid.NewString(), Path: "/"})
		w.Header().Set("NEL", `{"report_to":"x","max_age":86400}`)
		theme := "light"
		if c, err := r.Cookie("theme"); err == nil {
			theme = c.Value
		}
		who, _ := session.Get(r)
		page(w, r, fmt.Sprintf("<p>visits=%d theme=%s who=%s arm=%s</p>", visits, theme, who, goods.Show(w, r)))
	})
	mux.HandleFunc("GET /login", func(w http.ResponseWriter, r *http.Request) {
		remembered, _ := lastLogin.Get(r)
		page(w, r, "<input name=email value="+strconv.Quote(remembered)+">")
	})
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		_ = session.Set(w, r, r.PostFormValue("email"))
		_ = lastLogin.Set(w, r, r.PostFormValue("email"))
		http.Redirect(w, r, "/", http.StatusSeeOther)
	})
	mux.HandleFunc("POST /login/forget", func(w http.ResponseWriter, r *http.Request) {
		_ = lastLogin.Clear(w, r)
		http.Redirect(w, r, "/login", http.StatusSeeOther)
	})
	mux.HandleFunc("POST /theme", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "theme", Value: r.PostFormValue("theme"), Path: "/", MaxAge: 86400})
		http.Redirect(w, r, "/", http.StatusSeeOther)
	})
	mux.HandleFunc("GET /users/{id}", func(w http.ResponseWriter, r *http.Request) { page(w, r, "user") })
	mux.HandleFunc("GET /search", func(w http.ResponseWriter, r *http.Request) { page(w, r, "results") })
	mux.HandleFunc("GET /panic", func(http.ResponseWriter, *http.Request) { panic("no order for jane@mail.example") })
	mux.Handle("GET /comments", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { page(w, r, `<a href="/comments/new">write one</a>`) }))
	mux.Handle("GET /comments/new", consent.Require("comments", nil)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { page(w, r, "the form of comments") })))
	mux.HandleFunc("POST /pay", func(w http.ResponseWriter, r *http.Request) {
		// What a payment intermediary would be handed, and what all other code sees.
		full, err := s.manager.Disclose(r, consent.Disclosure{Purpose: "payment", Recipient: "Pay GmbH"})
		_, other := s.manager.Disclose(r, consent.Disclosure{Purpose: "payment", Recipient: "Numbers Inc."})
		fmt.Fprintf(w, "disclosed=%v,%v other=%v seen=%s", full, err, other, r.RemoteAddr)
	})
}

// visitor is a browser with a jar, that follows no redirect by itself.
type visitor struct {
	*site
	client *http.Client
	header http.Header
}

func (s *site) visitor() *visitor {
	jar, err := cookiejar.New(nil)
	require.NoError(s.t, err)
	return &visitor{s, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, http.Header{
		"User-Agent":      {"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.7444.59 Safari/537.36"},
		"X-Forwarded-For": {"203.0.113.77"}, "Accept": {"text/html"}, "Sec-Fetch-Dest": {"document"}, "Sec-Fetch-Mode": {"navigate"},
	}}
}

type answer struct {
	*http.Response
	body string
}

func (v *visitor) do(method, path, kind, body string) answer {
	v.t.Helper()
	r, err := http.NewRequest(method, v.URL+path, strings.NewReader(body))
	require.NoError(v.t, err)
	r.Header = v.header.Clone()
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	w, err := v.client.Do(r)
	require.NoError(v.t, err)
	defer w.Body.Close()
	b, err := io.ReadAll(w.Body)
	require.NoError(v.t, err)
	return answer{w, string(b)}
}

func (v *visitor) get(path string) answer { v.t.Helper(); return v.do("GET", path, "", "") }

func (v *visitor) post(path string, form url.Values) answer {
	v.t.Helper()
	return v.do("POST", path, "application/x-www-form-urlencoded", form.Encode())
}

func (v *visitor) choose(action string, purposes ...string) answer {
	v.t.Helper()
	a := v.post("/privacy/decision", url.Values{"action": {action}, "purpose": purposes})
	require.Equal(v.t, http.StatusSeeOther, a.StatusCode, a.body)
	return a
}

func (v *visitor) withdraw(purposes ...string) answer {
	v.t.Helper()
	a := v.post("/privacy/withdraw", url.Values{"purpose": purposes})
	require.Equal(v.t, http.StatusSeeOther, a.StatusCode, a.body)
	return a
}

// held returns the names of the cookies in the visitor's jar.
func (v *visitor) held() []string {
	u, err := url.Parse(v.URL)
	require.NoError(v.t, err)
	out := []string{}
	for _, c := range v.client.Jar.Cookies(u) {
		out = append(out, c.Name)
	}
	slices.Sort(out)
	return out
}

// entries returns what the ledger holds.
func (s *site) entries() (out []consent.Entry) {
	s.t.Helper()
	require.NoError(s.t, s.records.Scan(s.t.Context(), 0, func(e consent.Entry) error { out = append(out, e); return nil }))
	return out
}

// flush waits until the sinks have what may leave.
func (s *site) flush() {
	s.t.Helper()
	require.NoError(s.t, s.events.Flush(s.t.Context()))
}
