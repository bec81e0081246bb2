package proxies_test

import (
	"cmp"
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Where the proxies listen, and where they connect from. Caddy 2.6 cannot
// choose, and has what the kernel takes for loopback.
var (
	listens  = map[string]string{"nginx": "127.0.1.11", "HAProxy": "127.0.1.12", "Caddy": "127.0.1.13"}
	connects = map[string]string{"nginx": "127.0.0.11", "HAProxy": "127.0.0.12", "Caddy": "127.0.0.1"}
)

// proxy is one proxy's configuration.
type proxy struct {
	name     string
	listen   string // host:port
	upstream string // host:port, or the path of a unix socket
	lines    string // recipes
	pem      string // certificate and key in one file, if it ends TLS
	bare     bool   // without the lines that it should always have
}

// always returns the lines that a proxy should have with every recipe.
func (p proxy) always(t *testing.T) string {
	if p.bare {
		return ""
	}
	return preface(t, p.name, "Always", "")
}

func (p proxy) start(t *testing.T) {
	t.Helper()
	switch p.name {
	case "nginx":
		p.startNginx(t)
	case "HAProxy":
		p.startHAProxy(t)
	case "Caddy":
		p.startCaddy(t)
	default:
		t.Fatalf("no proxy %s", p.name)
	}
}

func (p proxy) startNginx(t *testing.T) {
	dir := t.TempDir()
	server, bind, tls := p.upstream, "proxy_bind "+connects["nginx"]+";", ""
	if filepath.IsAbs(server) {
		server, bind = "unix:"+server, ""
	}
	if p.pem != "" {
		tls = " ssl http2"
	}
	lines := []string{
		// One process, which runs as whoever runs the tests.
		"daemon off; master_process off;",
		"pid " + dir + "/pid;",
		"error_log stderr;",
		"events {}",
		"http {",
		"access_log off;",
	}
	for _, buffer := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		lines = append(lines, buffer+"_temp_path "+dir+"/"+buffer+";")
	}
	if p.pem != "" {
		lines = append(lines, "ssl_certificate "+p.pem+"; ssl_certificate_key "+p.pem+";")
	}
	lines = append(lines, p.always(t), p.lines,
		"upstream service { server "+server+"; keepalive 4; }",
		"server {",
		"listen "+p.listen+tls+";",
		"location / { proxy_pass http://service; "+bind+" }",
		"}", "}")
	config := write(t, dir, "nginx.conf", lines...)
	run(t, dir, p.listen, "nginx", "-p", dir, "-e", "stderr", "-c", config)
}

func (p proxy) startHAProxy(t *testing.T) {
	dir := t.TempDir()
	server, tls := p.upstream+" source "+connects["HAProxy"], ""
	if filepath.IsAbs(p.upstream) {
		server = "unix@" + p.upstream
	}
	if p.pem != "" {
		tls = " ssl crt " + p.pem + " alpn h2,http/1.1"
	}
	config := write(t, dir, "haproxy.cfg",
		"global",
		"maxconn 200",
		"defaults",
		"mode http",
		"timeout connect 10s", "timeout client 10s", "timeout server 10s",
		"frontend entry",
		"bind "+p.listen+tls,
		p.always(t), p.lines,
		"default_backend service",
		"backend service",
		"server service "+server)
	run(t, dir, p.listen, "haproxy", "-db", "-f", config)
}

func (p proxy) startCaddy(t *testing.T) {
	dir := t.TempDir()
	listen := netip.MustParseAddrPort(p.listen)
	upstream, scheme, tls := p.upstream, "http", ""
	if filepath.IsAbs(upstream) {
		upstream = "unix/" + upstream
	}
	if p.pem != "" {
		scheme, tls = "https", "tls "+p.pem+" "+p.pem
	}
	require.Contains(t, p.lines, exampleService)
	config := write(t, dir, "Caddyfile",
		"{", "admin off", "auto_https off", "}",
		scheme+"://:"+fmt.Sprint(listen.Port())+" {",
		"bind "+listen.Addr().String(),
		tls,
		strings.ReplaceAll(p.lines, exampleService, upstream),
		"}")
	run(t, dir, p.listen, "caddy", "run", "--adapter", "caddyfile", "--config", config)
}

// chain is a row of proxies, the outermost first, with recipes for one header
// and for X-Forwarded-Proto.
type chain struct {
	names  []string
	header string
	host   string // where the outermost listens, if not at its own address
	pem    string // the outermost ends TLS with this
	front  string // the address that a proxy connects from, which is not in names and stands in front of them
	bare   bool   // the proxies lack the lines that they should always have
}

// start starts the proxies in front of the service, and returns where each of
// them listens.
func (c chain) start(t *testing.T, service string) []string {
	t.Helper()
	entries := make([]string, len(c.names))
	upstream := service
	for i := len(c.names) - 1; i >= 0; i-- {
		p := proxy{name: c.names[i], upstream: upstream, bare: c.bare}
		host, front := listens[p.name], c.front
		if i > 0 {
			front = connects[c.names[i-1]]
		} else {
			p.pem = c.pem
			host = cmp.Or(c.host, host)
		}
		if front != "" {
			p.lines = preface(t, p.name, "Behind", front)
		}
		p.lines += recipe(t, p.name, c.header, front)
		if p.name != "Caddy" { // which tells it without a recipe
			p.lines += recipe(t, p.name, "X-Forwarded-Proto", front)
		}
		p.listen = freePort(t, host)
		p.start(t)
		entries[i], upstream = p.listen, p.listen
	}
	return entries
}

func (c chain) String() string { return strings.Join(c.names, " to ") + ", " + c.header }
