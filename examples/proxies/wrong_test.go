package proxies_test

import (
	"net/http"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A proxy without the recipe hands on what visitors wrote, which nobody behind
// it can see. The service believes it, so these tests would find it out.
func TestWithoutRecipe(t *testing.T) {
	for _, tt := range []struct{ name, lines, header string }{
		{"nginx", "", "X-Forwarded-For"},
		{"nginx", "", "Forwarded"},
		{"nginx", "", "X-Real-IP"},
		{"HAProxy", "", "X-Forwarded-For"},
		{"HAProxy", "", "Forwarded"},
		{"HAProxy", "", "X-Real-IP"},
		{"Caddy", "reverse_proxy " + exampleService, "Forwarded"},
		{"Caddy", "reverse_proxy " + exampleService, "X-Real-IP"},
	} {
		t.Run(tt.name+" "+tt.header, func(t *testing.T) {
			t.Parallel()
			entry := wrong(t, chain{names: []string{tt.name}, header: tt.header}, tt.lines)
			got, status := ask(t, visitor, entry, tt.header+": "+value(tt.header, forged))
			require.Equal(t, http.StatusOK, status)
			require.Equal(t, forged, got.Client.String())
		})
	}
}

// wrong starts the service behind a chain, whose outermost proxy has other
// lines than its recipe.
func wrong(t *testing.T, c chain, lines string) (entry string) {
	t.Helper()
	service := serve(t, listen(t, "tcp", serviceHost+":0"), c.proxies())
	if len(c.names) > 1 {
		rest := chain{names: c.names[1:], header: c.header, front: connects[c.names[0]]}
		service = rest.start(t, service)[0]
	}
	p := proxy{name: c.names[0], listen: freePort(t, listens[c.names[0]]), upstream: service, lines: lines}
	if c.host != "" {
		p.listen = freePort(t, c.host)
	}
	p.start(t)
	return p.listen
}

// Lines that append to Forwarded whatever visitors wrote there, which is what
// most people do with it.
var appending = map[string]string{
	"nginx": `map $remote_addr $forwarded_for {
		~:      'for="[$remote_addr]"';
		default 'for=$remote_addr';
	}
	proxy_set_header Forwarded '$http_forwarded, $forwarded_for';
	proxy_set_header X-Forwarded-Proto $scheme;`,
	"HAProxy": `http-request set-header X-Forwarded-Proto http
	http-request add-header Forwarded for=%[src] if !{ src -m sub : }
	http-request add-header Forwarded for=\"[%[src]]\" if { src -m sub : }`,
	"Caddy": "reverse_proxy " + exampleService + " {\n header_up +Forwarded `for=\"{remote}\"`\n}",
}

// Where the outermost proxy appends a line of its own, visitors are known
// whatever stands in theirs.
func TestAppendedLine(t *testing.T) {
	for _, name := range []string{"HAProxy", "Caddy"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := chain{names: []string{name}, header: "Forwarded"}
			entry := wrong(t, c, appending[name])
			attack(t, visitor, entry, c.header, c.trusted())
			attack(t, stranger, entry, c.header, c.trusted())
		})
	}
}

// Where it appends to the visitor's line, an open quote makes all of it
// unreadable. Then the visitor has the proxy's address, and never another.
func TestAppendedToTheSameLine(t *testing.T) {
	for from, host := range map[string]string{visitor: listens["nginx"], "::1": "::1"} {
		t.Run(from, func(t *testing.T) {
			t.Parallel()
			if host == "::1" {
				needIPv6(t)
			}
			c := chain{names: []string{"nginx"}, header: "Forwarded", host: host}
			entry := wrong(t, c, appending["nginx"])
			hidden := 0
			for _, f := range append(forgeries(c.header, c.trusted()),
				// Closed by the quote that begins an IPv6 address.
				forgery{"open, with an address", []string{`Forwarded: for=` + forged + `;by="`}, false},
				forgery{"open, with a trusted address", []string{`Forwarded: for=` + forged + `, for=` + connects["nginx"] + `;by="`}, false},
				forgery{"open, behind a comma", []string{`Forwarded: for=` + forged + `, for="`}, false}) {
				got, status := ask(t, from, entry, f.lines...)
				if f.raw && status/100 == 4 {
					continue
				}
				require.Equal(t, http.StatusOK, status, f.name)
				require.Contains(t, []string{from, connects["nginx"]}, got.Client.String(), "%s: %q", f.name, got.Header)
				if got.Client.String() != from {
					hidden++
				}
			}
			require.Positive(t, hidden, "an open quote does no harm any more; say so in the package comment")
		})
	}
}

// nginx before 1.23 has only the first line of a header in its variable, and
// that is the visitor's, if a proxy in front appended a line of its own.
func TestFirstLineOnly(t *testing.T) {
	said, err := exec.Command(program(t, "nginx"), "-v").CombinedOutput()
	require.NoError(t, err)
	version := regexp.MustCompile(`nginx/1\.(\d+)\.`).FindStringSubmatch(string(said))
	require.NotNil(t, version, strings.TrimSpace(string(said)))
	minor, err := strconv.Atoi(version[1])
	require.NoError(t, err)
	want := visitor
	if minor < 23 {
		want = forged
	}
	c := chain{names: []string{"HAProxy", "nginx"}, header: "Forwarded"}
	entry := wrong(t, c, appending["HAProxy"])
	got, status := ask(t, visitor, entry, "Forwarded: for="+forged)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, want, got.Client.String())
}

// HAProxy hands on Connection, and a proxy behind it that keeps to RFC 9110
// drops the fields named there. Visitors can so have HAProxy's address.
func TestConnectionHandedOn(t *testing.T) {
	c := chain{names: []string{"HAProxy", "Caddy"}, header: "X-Forwarded-For", bare: true}
	entry := c.start(t, serve(t, listen(t, "tcp", serviceHost+":0"), c.proxies()))[0]
	got, status := ask(t, visitor, entry, "Connection: close, X-Forwarded-For")
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, connects["HAProxy"], got.Client.String())
}
