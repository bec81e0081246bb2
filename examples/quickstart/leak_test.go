package main

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent/ledger"
	"github.com/candorhttp/candor/iputil"
	"github.com/candorhttp/candor/logging"
	"github.com/candorhttp/candor/logging/logtest"
)

// The shop as it runs, for visitors who said nothing and for one who allowed
// everything, behind a proxy and without one: no canary reaches what it writes.
// /stream takes longer than the kit waits and is left to the other tests.
func TestNothingLeaks(t *testing.T) {
	for name, proxies := range map[string]iputil.Proxies{
		"alone":          {},
		"behind a proxy": {Header: "X-Forwarded-For", Trusted: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}},
	} {
		for _, allows := range []bool{false, true} {
			t.Run(name+map[bool]string{false: "/undecided", true: "/allowed"}[allows], func(t *testing.T) {
				var lines, own logtest.Buffer
				logger := slog.New(slog.NewJSONHandler(&own, nil))
				visitors, err := iputil.NewResolver(proxies)
				require.NoError(t, err)
				s, err := newSite(newKeys(t), visitors, ledger.Memory(), &lines, logger)
				require.NoError(t, err)
				handler := wrap(s.inner, s.layers()...)
				if allows {
					handler = withChoice(t, handler)
				}
				logtest.Kit{
					Handler:  handler,
					Sinks:    []logtest.Sink{lines.Sink("access log"), own.Sink("standard error")},
					ErrorLog: logging.ErrorLog(logger),
					Paths: []string{
						"/login", "/settings", "/logout", "/users/{id}", "/search", "/download", "/panic", "/style.css",
						"/privacy/", "/privacy/notice", "/privacy/decision", "/privacy/withdraw", "/privacy/manifest.json", "/.well-known/gpc.json",
					},
				}.Run(t)
				require.NoError(t, s.close(t.Context()))
				if allows {
					require.Contains(t, string(lines.Bytes()), "client.pseudonym", "some lines are of the dearer tier")
				} else {
					require.NotContains(t, string(lines.Bytes()), "client.pseudonym")
				}
			})
		}
	}
}

// withChoice makes one choice and sends its cookie with every request.
func withChoice(t *testing.T, next http.Handler) http.Handler {
	t.Helper()
	r := httptest.NewRequest("POST", "/privacy/decision", strings.NewReader("action=accept"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	next.ServeHTTP(w, r)
	require.Equal(t, http.StatusSeeOther, w.Code)
	cookie := w.Result().Cookies()[0]
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.AddCookie(cookie)
		next.ServeHTTP(w, r)
	})
}

// What the shop logs is written down in testdata, for whoever reviews it: in a
// form for programs and in one for readers.
func TestLogManifest(t *testing.T) {
	s, err := newSite(newKeys(t), nil, ledger.Memory(), io.Discard, nil)
	require.NoError(t, err)
	defer func() { require.NoError(t, s.close(t.Context())) }()
	logtest.Manifest(t, s.access.Manifest(), "testdata/log.json")
	logtest.Manifest(t, []byte(s.access.Markdown()), "testdata/log.md")
}
