package blackbox

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/candorhttp/candor/examples/routers/site"
	"github.com/candorhttp/candor/logging"
	"github.com/candorhttp/candor/logging/logtest"
)

// nothingLeaks sends canaries everywhere and looks for them in the access log,
// in what the site tells operators, and in what anything in the process prints,
// the router's recoverer and logger included: from visitors who said nothing,
// and from one who allowed everything.
func nothingLeaks(t *testing.T, build func(*site.Site) http.Handler) {
	for _, allows := range []bool{false, true} {
		var lines, own logtest.Buffer
		logger := slog.New(slog.NewJSONHandler(&own, nil))
		printed := capture(t)
		s, err := site.New(site.Config{Output: &lines, Logger: logger})
		require.NoError(t, err)
		handler := build(s)
		if allows {
			handler = withChoice(t, handler)
		}
		found := &collector{TB: t}
		logtest.Kit{
			Handler:  handler,
			Paths:    []string{"/users/{id}", "/orders/{id}", "/stream", "/privacy/", "/privacy/decision", "/privacy/withdraw", "/.well-known/gpc.json"},
			ErrorLog: logging.ErrorLog(logger),
			Sinks: []logtest.Sink{
				lines.Sink("access log"), own.Sink("own log"),
				{Name: "standard output and error", Read: printed.read, MayBeEmpty: true},
			},
		}.Run(found)
		printed.end()
		require.NoError(t, s.Close(t.Context()))
		require.Empty(t, found.faults)
		require.Equal(t, allows, strings.Contains(string(lines.Bytes()), "client.pseudonym"), "which fields the lines have")
	}
}

// withChoice says yes once and sends the cookie of it with every request.
func withChoice(t *testing.T, next http.Handler) http.Handler {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/privacy/decision", strings.NewReader("action=accept"))
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

// collector keeps what a kit finds until it can be printed again.
type collector struct {
	testing.TB
	faults []string
}

func (c *collector) Errorf(format string, args ...any) {
	c.faults = append(c.faults, fmt.Sprintf(format, args...))
}

// Printed returns what the process prints while do runs, on standard output and
// error, also by code that took hold of those when it was loaded.
func Printed(t *testing.T, do func()) string {
	t.Helper()
	c := capture(t)
	do()
	c.end()
	return string(c.read())
}

// captured is what the process prints, whoever holds os.Stderr since when.
type captured struct {
	name  string
	kept  [2]int
	ended bool
}

func capture(t *testing.T) *captured {
	t.Helper()
	c := &captured{name: filepath.Join(t.TempDir(), "printed")}
	file, err := os.Create(c.name)
	require.NoError(t, err)
	defer file.Close()
	for i := range c.kept {
		c.kept[i], err = unix.Dup(i + 1)
		require.NoError(t, err)
		require.NoError(t, unix.Dup2(int(file.Fd()), i+1))
	}
	t.Cleanup(c.end)
	return c
}

func (c *captured) read() []byte {
	text, err := os.ReadFile(c.name)
	if err != nil {
		return []byte(err.Error())
	}
	return text
}

// end lets the process print again.
func (c *captured) end() {
	if c.ended {
		return
	}
	c.ended = true
	for i, fd := range c.kept {
		_ = unix.Dup2(fd, i+1)
		_ = unix.Close(fd)
	}
}
