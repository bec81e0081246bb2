package consent_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/ledger"
)

// site is a running site around one manager.
type site struct {
	t *testing.T
	m *consent.Manager
	*httptest.Server
}

// serve starts a site whose pages are the given handlers by pattern.
func serve(t *testing.T, m *consent.Manager, pages map[string]http.HandlerFunc) *site {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle("/privacy/", m.Handler())
	mux.Handle("/.well-known/gpc.json", m.Handler())
	for pattern, h := range pages {
		mux.HandleFunc(pattern, h)
	}
	return serveHandler(t, m, mux)
}

// serveHandler starts a site with a router of its own.
func serveHandler(t *testing.T, m *consent.Manager, mux http.Handler) *site {
	t.Helper()
	s := httptest.NewServer(m.Middleware(mux))
	t.Cleanup(s.Close)
	return &site{t, m, s}
}

// answer is what came back, body read.
type answer struct {
	*http.Response
	body string
}

// cookie returns the Set-Cookie line of the consent cookie, or nil.
func (a answer) cookie() *http.Cookie {
	for _, c := range a.Cookies() {
		if strings.HasSuffix(c.Name, "consent") {
			return c
		}
	}
	return nil
}

// do sends a request; header pairs follow the body. Redirects are not followed.
func (s *site) do(method, path, body string, header ...string) answer {
	s.t.Helper()
	r, err := http.NewRequest(method, s.URL+path, strings.NewReader(body))
	require.NoError(s.t, err)
	for i := 0; i < len(header); i += 2 {
		if header[i+1] != "" {
			r.Header.Add(header[i], header[i+1])
		}
	}
	client := s.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	w, err := client.Do(r)
	require.NoError(s.t, err)
	defer w.Body.Close()
	text, err := io.ReadAll(w.Body)
	require.NoError(s.t, err)
	return answer{w, string(text)}
}

// json posts JSON with a cookie, "" for none.
func (s *site) json(path, cookie, body string) answer {
	s.t.Helper()
	return s.do("POST", path, body, "Content-Type", "application/json", "Cookie", cookie)
}

// form posts a form.
func (s *site) form(path, cookie, body string, header ...string) answer {
	s.t.Helper()
	return s.do("POST", path, body, append([]string{"Content-Type", "application/x-www-form-urlencoded", "Cookie", cookie}, header...)...)
}

// choose posts JSON grants and returns the Cookie line to send from then on.
func (s *site) choose(cookie, grants string) string {
	s.t.Helper()
	a := s.json("/privacy/decision", cookie, `{"grants":`+grants+`}`)
	require.Equal(s.t, 200, a.StatusCode, a.body)
	require.NotNil(s.t, a.cookie())
	return a.cookie().Name + "=" + a.cookie().Value
}

// states returns the decision as GET decision tells it.
func (s *site) states(cookie string, header ...string) string {
	s.t.Helper()
	a := s.do("GET", "/privacy/decision", "", append([]string{"Cookie", cookie}, header...)...)
	require.Equal(s.t, 200, a.StatusCode)
	require.Nil(s.t, a.cookie(), "reading sets no cookie")
	return a.body
}

const undecided = `{"policy":3,"source":"default","purposes":{"preferences":"unset","analytics":"unset","marketing":"unset","measurement":"unset"},"allowed":["measurement"]}` + "\n"

// doubtful is the same with something in the cookie that cannot be believed:
// then also what needs no yes is off.
const doubtful = `{"policy":3,"source":"default","purposes":{"preferences":"unset","analytics":"unset","marketing":"unset","measurement":"unset"}}` + "\n"

// faultyLedger is a ledger in memory that can be made to fail.
type faultyLedger struct {
	*ledger.InMemory
	mu   sync.Mutex
	down bool
}

var errDown = errors.New("disk on fire")

func (l *faultyLedger) set(down bool) { l.mu.Lock(); defer l.mu.Unlock(); l.down = down }

func (l *faultyLedger) Append(ctx context.Context, e consent.Entry) (uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down {
		return 0, errDown
	}
	return l.InMemory.Append(ctx, e)
}

func (l *faultyLedger) History(ctx context.Context, s consent.Subject) ([]consent.Entry, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down {
		return nil, errDown
	}
	return l.InMemory.History(ctx, s)
}

func (l *faultyLedger) Erase(ctx context.Context, s consent.Subject) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down {
		return 0, errDown
	}
	return l.InMemory.Erase(ctx, s)
}

// log is what a logger wrote.
type log struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) String() string { l.mu.Lock(); defer l.mu.Unlock(); return l.text.String() }

func newLog() (*slog.Logger, *log) {
	l := &log{}
	return slog.New(slog.NewTextHandler(l, nil)), l
}

// entries returns what a ledger holds.
func entries(t *testing.T, l consent.Ledger) []consent.Entry {
	t.Helper()
	var out []consent.Entry
	require.NoError(t, l.Scan(t.Context(), 0, func(e consent.Entry) error { out = append(out, e); return nil }))
	return out
}
