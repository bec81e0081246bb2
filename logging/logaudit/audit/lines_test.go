package audit_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/logging/logaudit/audit"
)

// now is when the tests' logs are audited.
var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// manifest is the log's part of the manifest of a log with the names page and
// sort declared; TestManifestIsTheLogs holds it against the real one.
func manifest(t testing.TB) []byte {
	text, err := os.ReadFile("testdata/manifest.json")
	require.NoError(t, err)
	return text
}

func newAudit(t testing.TB) *audit.Audit {
	a, err := audit.New(bytes.NewReader(manifest(t)))
	require.NoError(t, err)
	return a
}

// traffic makes lines like those of a site that nothing is wrong with.
type traffic struct {
	random   *rand.Rand
	combined bool
	line     []byte
	rest     []byte
	left     int
}

func newTraffic(n int, combined bool) *traffic {
	return &traffic{random: rand.New(rand.NewPCG(1, 2)), left: n, combined: combined}
}

// Read implements io.Reader.
func (g *traffic) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if len(g.rest) == 0 {
			if g.left == 0 {
				return n, io.EOF
			}
			g.left--
			g.line = g.next(g.line[:0])
			g.rest = g.line
		}
		c := copy(p[n:], g.rest)
		n, g.rest = n+c, g.rest[c:]
	}
	return n, nil
}

var (
	methods  = []string{"GET", "GET", "GET", "GET", "POST", "HEAD", "PUT", "_OTHER"}
	routes   = []string{"/", "/users/{id}", "/api/v1/orders/{order}/items", "/static/{path...}", "/cart", "/login", "/article/{year}/{month}/{slug}"}
	queries  = []string{"", "", "", "page=2", "page=17&sort=name", "sort=-", "sort", "page=12345678"}
	statuses = []string{"200", "200", "200", "304", "404", "500", "302"}
	agents   = []string{"Chrome", "Firefox", "Safari", "Samsung Internet", "Googlebot", "Chrome WebView", "Edge", "Python Requests", "archive.org_bot"}
	systems  = []string{"Windows", "macOS", "Android", "iOS", "Linux"}
	devices  = []string{"desktop", "mobile", "tablet", "bot", "other"}
	sites    = []string{"https://www.example.org", "https://news.example.com:8443", "http://search.example", "https://xn--bcher-kva.example"}
)

func (g *traffic) pick(from []string) string { return from[g.random.IntN(len(from))] }

func (g *traffic) address(granted bool) string {
	r := g.random
	switch {
	case r.IntN(3) > 0 && granted:
		return fmt.Sprintf("%d.%d.%d.0", 1+r.IntN(223), r.IntN(256), r.IntN(256))
	case granted:
		return fmt.Sprintf("2a02:%x:%x::", 1+r.IntN(0xffff), 1+r.IntN(0xffff))
	case r.IntN(3) > 0:
		return fmt.Sprintf("%d.%d.0.0", 1+r.IntN(223), r.IntN(256))
	}
	return fmt.Sprintf("2a02:%x::", 1+r.IntN(0xffff))
}

func (g *traffic) hex(n int) string {
	return fmt.Sprintf("%016x%016x", g.random.Uint64(), g.random.Uint64())[:n]
}

func (g *traffic) next(dst []byte) []byte {
	r := g.random
	at := now.Add(-time.Duration(r.IntN(29*24*3600)) * time.Second)
	granted := r.IntN(2) == 0
	add := func(format string, args ...any) { dst = fmt.Appendf(dst, format, args...) }
	method, route, query, status, size := g.pick(methods), g.pick(routes), g.pick(queries), g.pick(statuses), r.Int64N(1<<r.IntN(34)+1)
	if g.combined {
		if query != "" {
			route += "?" + query
		}
		referrer, agent, device := "-", strings.ReplaceAll(g.pick(agents), " ", "_"), g.pick(devices)
		if granted {
			referrer, agent, device = g.pick(sites), agent+fmt.Sprintf("/%d", r.IntN(200)), g.pick(systems)+"; "+device
		}
		add("%s - - [%s] \"%s %s HTTP/1.1\" %s %d \"%s\" \"%s (%s)\"\n", g.address(granted), at.Format("02/Jan/2006:15:04:05 -0700"),
			method, route, status, size, referrer, agent, device)
		return dst
	}
	add(`{"time":"%s","http.request.method":"%s","http.route":"%s","url.scheme":"https"`, at.Format(time.RFC3339), method, route)
	if query != "" {
		add(`,"url.query":"%s"`, query)
	}
	add(`,"http.response.status_code":%s,"http.response.body.size":%d,"http.server.request.duration":%g,"network.protocol.version":"2"`,
		status, size, float64(r.IntN(5000))/1000)
	add(`,"client.address":"%s"`, g.address(granted))
	if granted {
		add(`,"client.pseudonym":"p1:%s:%s"`, at.Format("20060102"), g.hex(32))
	}
	add(`,"user_agent.name":"%s"`, g.pick(agents))
	if granted {
		add(`,"user_agent.version":"%d","user_agent.os.name":"%s"`, r.IntN(200), g.pick(systems))
	}
	add(`,"user_agent.device":"%s"`, g.pick(devices))
	if granted {
		add(`,"http.request.referrer":"%s","consent.state":"granted"`, g.pick(sites))
	} else {
		add(`,"consent.state":"%s"`, g.pick([]string{"unset", "denied", "stale"}))
	}
	h := g.hex(32)
	add(`,"request.id":"%s-%s-%s-%s-%s"`, h[:8], h[8:12], h[12:16], h[16:20], h[20:])
	if status == "500" {
		add(`,"error.type":"panic"`)
	}
	return append(dst, "}\n"...)
}

// findings audits a log and returns its findings, without file and line.
func findings(t testing.TB, a *audit.Audit, log string) []string {
	var out []string
	require.NoError(t, a.ReadAt(strings.NewReader(log), "access.log", now, func(f audit.Finding) {
		out = append(out, f.Field+" "+string(f.Kind))
	}))
	return out
}
