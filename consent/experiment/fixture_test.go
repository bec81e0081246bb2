package experiment_test

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/exchange"
	"github.com/candorhttp/candor/consent/experiment"
	"github.com/candorhttp/candor/consent/ledger"
)

func policy() consent.Policy {
	declare := func(p consent.Purpose, n int, b consent.Basis) consent.Processing {
		t := consent.Text{"en": string(p)}
		return consent.Processing{Purpose: p, Number: n, Basis: b, Title: t, Text: t, Retention: t}
	}
	return consent.Policy{
		Version: 1, Effective: "2026-01-01", Languages: []string{"en"},
		Controller: consent.Controller{Name: "Shop", Address: "1 Road", Email: "privacy@shop.example"},
		Authority:  consent.Authority{Name: "Authority", URL: "https://authority.example"},
		Processing: []consent.Processing{
			declare(consent.Authentication, 1, consent.Essential), declare(consent.Experiments, 2, consent.Consent),
			declare(consent.Analytics, 3, consent.Consent),
		},
	}
}

// jarCookie is a cookie as packages of the host would keep it. The tests of the
// quickstart use the real one.
type jarCookie struct{}

func (jarCookie) Get(r *http.Request) (string, error) {
	c, err := r.Cookie("exp_home")
	if err != nil {
		return "", err
	}
	text, err := base64.RawURLEncoding.DecodeString(c.Value)
	return string(text), err
}

func (jarCookie) Set(w http.ResponseWriter, r *http.Request, text string) error {
	if exchange.From(r.Context()).Committed() {
		return errors.New("the response has begun")
	}
	http.SetCookie(w, &http.Cookie{Name: "exp_home", Value: base64.RawURLEncoding.EncodeToString([]byte(text)), Path: "/"})
	return nil
}

// clock is a clock that a test turns.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.t }

func (c *clock) add(d time.Duration) { c.mu.Lock(); c.t = c.t.Add(d); c.mu.Unlock() }

// site is a shop with one experiment on its home page.
type site struct {
	t      *testing.T
	server *httptest.Server
	trial  *experiment.Experiment
	clock  *clock

	mu        sync.Mutex
	exposures []experiment.Exposure
	page      http.HandlerFunc // nil: shows the arm
}

func newSite(t *testing.T, change func(*experiment.Config)) *site {
	t.Helper()
	s := &site{t: t, clock: &clock{t: time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)}}
	keys, err := consent.ParseKeys(consent.GenerateKey())
	require.NoError(t, err)
	manager, err := consent.New(consent.Config{Policy: policy(), Keys: keys, Ledger: ledger.Memory(), Insecure: true, Now: s.clock.now})
	require.NoError(t, err)
	cfg := experiment.Config{
		Name: "home", Arms: []experiment.Arm{{Name: "control"}, {Name: "large"}}, Keys: keys, Cookie: jarCookie{}, Now: s.clock.now,
		Exposed: func(_ context.Context, e experiment.Exposure) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.exposures = append(s.exposures, e)
		},
	}
	if change != nil {
		change(&cfg)
	}
	s.trial, err = experiment.New(cfg)
	require.NoError(t, err)
	mux := http.NewServeMux()
	mux.Handle("/privacy/", manager.Handler(s.trial))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if s.page != nil {
			s.page(w, r)
			return
		}
		_, _ = io.WriteString(w, s.trial.Show(w, r))
	})
	mux.HandleFunc("/buy", func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, s.trial.Arm(r)) })
	s.server = httptest.NewServer(manager.Middleware(mux))
	t.Cleanup(s.server.Close)
	return s
}

func (s *site) exposed() []experiment.Exposure {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]experiment.Exposure(nil), s.exposures...)
}

// visitor is a browser.
type visitor struct {
	*site
	client *http.Client
}

func (s *site) visitor() *visitor {
	jar, err := cookiejar.New(nil)
	require.NoError(s.t, err)
	return &visitor{s, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

func (v *visitor) do(method, path, body string, header ...string) (*http.Response, string) {
	v.t.Helper()
	r, err := http.NewRequest(method, v.server.URL+path, strings.NewReader(body))
	require.NoError(v.t, err)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w, err := v.client.Do(r)
	require.NoError(v.t, err)
	defer w.Body.Close()
	text, _ := io.ReadAll(w.Body)
	return w, string(text)
}

func (v *visitor) home(header ...string) string {
	v.t.Helper()
	_, body := v.do("GET", "/", "", header...)
	return body
}

// choose says yes or no. After a no the cookie is gone, as with cookies.Gate.
func (v *visitor) choose(yes bool) {
	v.t.Helper()
	text := `{"grants":{"experiments":false}}`
	if yes {
		text = `{"grants":{"experiments":true}}`
	}
	w, body := v.do("POST", "/privacy/decision", text)
	require.Equal(v.t, 200, w.StatusCode, body)
	if !yes {
		u, err := url.Parse(v.server.URL)
		require.NoError(v.t, err)
		v.client.Jar.SetCookies(u, []*http.Cookie{{Name: "exp_home", Path: "/", MaxAge: -1}})
	}
}

// ticket is the value of the experiment's cookie in the jar, or "".
func (v *visitor) ticket() string {
	u, err := url.Parse(v.server.URL)
	require.NoError(v.t, err)
	for _, c := range v.client.Jar.Cookies(u) {
		if c.Name == "exp_home" {
			return c.Value
		}
	}
	return ""
}
