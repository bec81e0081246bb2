package logtest_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/ledger"
	"github.com/candorhttp/candor/iputil"
	"github.com/candorhttp/candor/logging"
	"github.com/candorhttp/candor/logging/logtest"
)

// watched is a testing.TB that keeps what it is told.
type watched struct {
	testing.TB
	mu     sync.Mutex
	errors []string
}

func (w *watched) Errorf(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.errors = append(w.errors, fmt.Sprintf(format, args...))
}

func (w *watched) Fatal(args ...any) {
	w.Errorf("%s", fmt.Sprint(args...))
	runtime.Goexit()
}

// watch returns what the kit finds fault with.
func watch(t *testing.T, k logtest.Kit) []string {
	t.Helper()
	w := &watched{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		k.Run(w)
	}()
	<-done
	return w.errors
}

// service is a small shop that panics on one path.
func service() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			http.Error(w, "bad form", http.StatusBadRequest)
		}
	})
	mux.HandleFunc("/users/{id}", func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte("hello")) })
	mux.HandleFunc("/panic", logtest.Panic)
	return mux
}

// The access log and the error log of this module hold no canary, without and
// with a proxy that is trusted, in the strict and in the granted tier.
func TestTheAccessLogPasses(t *testing.T) {
	visitors, err := iputil.NewResolver(iputil.Proxies{Header: "X-Forwarded-For", SchemeHeader: "X-Forwarded-Proto", Trusted: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	require.NoError(t, err)
	forwarded, err := iputil.NewResolver(iputil.Proxies{Header: "Forwarded", Trusted: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	require.NoError(t, err)
	for name, cfg := range map[string]logging.Config{
		"defaults":             {},
		"X-Forwarded-For":      {Visitors: visitors, Query: []string{"page", "sort"}},
		"Forwarded":            {Visitors: forwarded},
		"granted to everybody": {Visitors: visitors, Consent: allowing(t)},
	} {
		t.Run(name, func(t *testing.T) {
			var lines, errorLines logtest.Buffer
			cfg.Output = &lines
			access, err := logging.New(cfg)
			require.NoError(t, err)
			defer access.Close()
			logtest.Kit{
				Handler:  access.Middleware(service()),
				Sinks:    []logtest.Sink{lines.Sink("access log"), errorLines.Sink("error log")},
				Paths:    []string{"/users/{id}", "/panic"},
				ErrorLog: logging.ErrorLog(slog.New(slog.NewJSONHandler(&errorLines, nil))),
			}.Run(t)
			for _, seen := range []string{`"network.protocol.version":"2"`, `"network.protocol.version":"1.1"`, `"http.route":"/users/{id}"`, `"error.type":"panic"`, `"client.address":"2001:db8:`} {
				require.Contains(t, string(lines.Bytes()), seen)
			}
			if cfg.Visitors != nil {
				require.Contains(t, string(lines.Bytes()), `"client.address":"198.1`, "the visitor behind the proxy")
			}
			require.Equal(t, cfg.Consent != nil, access.Stats().Granted > 0)
			require.Contains(t, string(errorLines.Bytes()), "http: panic serving")
			require.Contains(t, string(errorLines.Bytes()), "TLS handshake error")
		})
	}
}

// allowing returns a manager that lets the log write its granted fields unless
// somebody objects.
func allowing(t *testing.T) *consent.Manager {
	t.Helper()
	text := consent.Text{"en": "analytics"}
	keys, err := consent.ParseKeys(consent.GenerateKey())
	require.NoError(t, err)
	m, err := consent.New(consent.Config{Keys: keys, Ledger: ledger.Memory(), Insecure: true, Policy: consent.Policy{
		Version: 1, Effective: "2026-01-01", Languages: []string{"en"},
		Controller: consent.Controller{Name: "Shop", Address: "1 Road", Email: "privacy@shop.example"},
		Authority:  consent.Authority{Name: "Authority", URL: "https://authority.example"},
		Processing: []consent.Processing{{Purpose: consent.Analytics, Number: 1, Basis: consent.Objection, Title: text, Text: text, Retention: text}},
	}})
	require.NoError(t, err)
	return m
}

// Run is the kit with its defaults.
func TestRun(t *testing.T) {
	var lines logtest.Buffer
	access, err := logging.New(logging.Config{Output: &lines})
	require.NoError(t, err)
	defer access.Close()
	logtest.Run(t, access.Middleware(service()), lines.Sink("access log"))
}

func TestFaultsOfAKit(t *testing.T) {
	var b logtest.Buffer
	lines := watch(t, logtest.Kit{Paths: []string{"users", "/a?b", "/a b\x7f", "/users/{id}"}, Sinks: []logtest.Sink{{}}})
	require.Len(t, lines, 1)
	for _, fault := range []string{"Handler: is missing", "Sinks[0].Name: is missing", "Sinks[0].Read: is missing", "Paths[0]: is not a path", "Paths[1]", "Paths[2]"} {
		require.Contains(t, lines[0], "logtest: kit: "+fault)
	}
	require.NotContains(t, lines[0], "Paths[3]")
	lines = watch(t, logtest.Kit{Handler: http.NotFoundHandler()})
	require.Equal(t, []string{"logtest: kit: Sinks: is empty; give what the service writes to"}, lines)

	lines = watch(t, logtest.Kit{Handler: http.NotFoundHandler(), Sinks: []logtest.Sink{b.Sink("log"), {Name: "quiet", Read: b.Bytes, MayBeEmpty: true}}})
	require.Equal(t, []string{"logtest: log: holds nothing; connect it to the service, or set MayBeEmpty"}, lines)
}

// A service that hangs, or is slow, ends the run, and not with a pass.
func TestAServiceThatHangs(t *testing.T) {
	const short, long = 50 * time.Millisecond, time.Minute
	for name, k := range map[string]logtest.Kit{
		"each request": logtest.Kit{}.Wait(long, short, short),
		"all of them":  logtest.Kit{}.Wait(short, long, short),
	} {
		t.Run(name, func(t *testing.T) {
			release := make(chan struct{})
			t.Cleanup(func() { close(release) })
			var b logtest.Buffer
			_, _ = b.Write([]byte("begun\n"))
			k.Handler = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release })
			k.Sinks = []logtest.Sink{b.Sink("log")}
			lines := watch(t, k)
			require.Len(t, lines, 2)
			require.Regexp(t, `^logtest: \d+ requests did not get out after \d+ that were answered and \d+ that were not within `, lines[0])
			require.Regexp(t, `^logtest: a handler did not return within 50ms `, lines[1])
		})
	}
}

// What is written after the answer is read nevertheless.
func TestLateLines(t *testing.T) {
	var b logtest.Buffer
	var late sync.WaitGroup
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		agent := r.UserAgent()
		_, _ = w.Write([]byte("hello"))
		if f, ok := w.(http.Flusher); ok {
			f.Flush()
		}
		late.Go(func() { fmt.Fprintf(&b, "%s\n", agent) })
	})
	lines := watch(t, logtest.Kit{Handler: handler, Sinks: []logtest.Sink{{Name: "late", Read: func() []byte {
		late.Wait()
		return b.Bytes()
	}}}})
	require.NotEmpty(t, lines)
	for _, line := range lines {
		require.Contains(t, line, "sent as User-Agent")
	}
	require.Len(t, lines, 7, "each kind once")
}

func TestPanicWithoutACanary(t *testing.T) {
	require.NotPanics(t, func() { logtest.Panic(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)) })
}
