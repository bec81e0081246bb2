package logging_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/ledger"
	"github.com/candorhttp/candor/iputil"
	"github.com/candorhttp/candor/logging"
)

// output collects lines.
type output struct {
	mu    sync.Mutex
	lines []string
	fail  error
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.fail != nil {
		return 0, o.fail
	}
	o.lines = append(o.lines, string(p))
	return len(p), nil
}

func (o *output) text() string { o.mu.Lock(); defer o.mu.Unlock(); return strings.Join(o.lines, "") }

// site is a site with a manager and an access log behind a trusted proxy.
type site struct {
	t       *testing.T
	out     *output
	access  *logging.Access
	manager *consent.Manager
	server  *httptest.Server
}

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
			declare(consent.Authentication, 1, consent.Essential), declare(consent.Analytics, 2, consent.Consent),
		},
	}
}

func newSite(t *testing.T, http2 bool, page http.HandlerFunc) *site {
	t.Helper()
	s := &site{t: t, out: &output{}}
	keys, err := consent.ParseKeys(consent.GenerateKey())
	require.NoError(t, err)
	visitors, err := iputil.NewResolver(iputil.Proxies{Header: "X-Forwarded-For", Trusted: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	require.NoError(t, err)
	s.manager, err = consent.New(consent.Config{Policy: policy(), Keys: keys, Ledger: ledger.Memory(), Visitors: visitors, Insecure: true})
	require.NoError(t, err)
	s.access, err = logging.New(logging.Config{Output: s.out, Visitors: visitors, Consent: s.manager, Query: []string{"page"}})
	require.NoError(t, err)
	t.Cleanup(s.access.Close)
	mux := http.NewServeMux()
	mux.Handle("/privacy/", s.manager.Handler(s.access))
	mux.HandleFunc("GET /users/{id}", page)
	mux.HandleFunc("/{$}", page)
	s.server = httptest.NewUnstartedServer(s.access.Middleware(s.manager.Middleware(mux)))
	s.server.EnableHTTP2 = http2
	s.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.server.StartTLS()
	t.Cleanup(s.server.Close)
	return s
}

// do sends a request and returns its line, decoded.
func (s *site) do(method, target string, header ...string) (map[string]any, *http.Response) {
	s.t.Helper()
	s.out.mu.Lock()
	before := len(s.out.lines)
	s.out.mu.Unlock()
	r, err := http.NewRequest(method, s.server.URL+target, nil)
	require.NoError(s.t, err)
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w, err := s.server.Client().Do(r)
	if err == nil {
		_, _ = io.Copy(io.Discard, w.Body)
		w.Body.Close()
	}
	require.Eventually(s.t, func() bool { s.out.mu.Lock(); defer s.out.mu.Unlock(); return len(s.out.lines) > before }, timeout, tick)
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	require.Len(s.t, s.out.lines, before+1)
	line := s.out.lines[before]
	require.True(s.t, strings.HasSuffix(line, "}\n"))
	require.Equal(s.t, 1, strings.Count(line, "\n"))
	var fields map[string]any
	require.NoError(s.t, json.Unmarshal([]byte(line), &fields), line)
	s.declared(line)
	return fields, w
}

// declared checks every key and value of a line against the declarations.
func (s *site) declared(line string) {
	s.t.Helper()
	var fields map[string]json.RawMessage
	require.NoError(s.t, json.Unmarshal([]byte(line), &fields))
	for _, f := range s.access.Fields() {
		raw, ok := fields[f.Name]
		if !ok {
			continue
		}
		delete(fields, f.Name)
		text := string(raw)
		var str string
		if json.Unmarshal(raw, &str) == nil {
			text = str
		}
		require.Regexp(s.t, regexp.MustCompile(f.Form), text, f.Name)
	}
	require.Empty(s.t, fields, "undeclared keys")
}

// agree lets the visitor agree and returns the Cookie to send from then on.
func (s *site) agree() string {
	s.t.Helper()
	r, err := http.NewRequest("POST", s.server.URL+"/privacy/decision", strings.NewReader(`{"grants":{"analytics":true}}`))
	require.NoError(s.t, err)
	r.Header.Set("Content-Type", "application/json")
	w, err := s.server.Client().Do(r)
	require.NoError(s.t, err)
	w.Body.Close()
	require.Equal(s.t, 200, w.StatusCode)
	return "consent=" + w.Cookies()[0].Value
}

const chrome = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.1234.56 Safari/537.36"

func hello(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello")) }

func TestLine(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		s := newSite(t, http2, hello)
		protocol := "1.1"
		if http2 {
			protocol = "2"
		}
		header := []string{"X-Forwarded-For", "198.51.100.77", "User-Agent", chrome, "Referer", "https://search.example/find?q=jane"}
		line, w := s.do("GET", "/users/jane?page=2&q=secret", header...)
		strict := map[string]any{
			"time": line["time"], "http.request.method": "GET", "http.route": "/users/{id}", "url.scheme": "https", "url.query": "page=2",
			"http.response.status_code": 200.0, "http.response.body.size": 5.0, "http.server.request.duration": line["http.server.request.duration"],
			"network.protocol.version": protocol, "client.address": "198.51.0.0", "user_agent.name": "Chrome", "user_agent.device": "desktop",
			"consent.state": "unset", "request.id": line["request.id"],
		}
		require.Equal(t, strict, line, "without consent")
		require.Empty(t, w.Header.Get("Vary"), "the log does not make a response depend on consent")
		require.Empty(t, w.Header.Get("Cache-Control"))

		line, _ = s.do("GET", "/users/jane?page=2&q=secret", append(header, "Cookie", s.agree())...)
		granted := map[string]any{}
		for k, v := range strict {
			granted[k] = v
		}
		granted["time"], granted["http.server.request.duration"], granted["request.id"] = line["time"], line["http.server.request.duration"], line["request.id"]
		granted["client.address"], granted["consent.state"] = "198.51.100.0", "granted"
		granted["client.pseudonym"], granted["user_agent.version"], granted["http.request.referrer"] = line["client.pseudonym"], "140", "https://search.example"
		granted["user_agent.os.name"] = "Windows"
		require.Equal(t, granted, line, "with consent")
		again, _ := s.do("GET", "/", append(header, "Cookie", s.agree())...)
		require.Equal(t, line["client.pseudonym"], again["client.pseudonym"])
		require.NotEqual(t, line["request.id"], again["request.id"])
		require.EqualValues(t, 2, s.access.Stats().Granted)
	}
}

func TestWhatIsNotKnownIsAbsent(t *testing.T) {
	s := newSite(t, false, hello)
	line, _ := s.do("BREW", "/nothing/here", "User-Agent", "", "X-Forwarded-For", "unknown")
	require.NotContains(t, line, "http.route", "never the path")
	require.NotContains(t, line, "url.query")
	require.NotContains(t, line, "user_agent.name")
	require.Equal(t, "_OTHER", line["http.request.method"])
	require.Equal(t, 404.0, line["http.response.status_code"])
	require.Equal(t, "127.0.0.0", line["client.address"], "the last good hop")
}

// Lines of the privacy endpoints say nothing of who it was, so that they join
// to no entry of the ledger.
func TestPrivacyLines(t *testing.T) {
	s := newSite(t, false, hello)
	cookie := s.agree()
	for _, target := range []string{"/privacy/decision", "/privacy/manifest.json", "/privacy/nothing"} {
		line, _ := s.do("GET", target, "Cookie", cookie, "X-Forwarded-For", "198.51.100.77", "User-Agent", chrome, "Referer", "https://a.example/")
		for _, name := range []string{"client.address", "client.pseudonym", "user_agent.name", "user_agent.version", "user_agent.device", "http.request.referrer", "consent.state", "request.id"} {
			require.NotContains(t, line, name, target)
		}
		require.Equal(t, "/privacy/", line["http.route"])
	}
}

func TestRequestID(t *testing.T) {
	var inside []string
	s := newSite(t, false, func(w http.ResponseWriter, r *http.Request) {
		inside = append(inside, logging.RequestID(r.Context()), logging.RequestID(r.Context()))
	})
	line, _ := s.do("GET", "/")
	require.Equal(t, []string{line["request.id"].(string), line["request.id"].(string)}, inside, "the handler knows the line's")
	require.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-4`, inside[0], "random, without a time")

	const proxy = "0B1F9F2E-3C56-4E43-9E31-2C3A2BFE0A11"
	line, _ = s.do("GET", "/", "X-Request-Id", proxy)
	require.Equal(t, strings.ToLower(proxy), line["request.id"])
	for _, odd := range []string{"jane@example.com", "{" + proxy + "}", "urn:uuid:" + proxy, strings.ReplaceAll(proxy, "-", "")} {
		line, _ = s.do("GET", "/", "X-Request-Id", odd)
		require.NotContains(t, line["request.id"], "0b1f9f2e", odd)
	}
	line, _ = s.do("GET", "/", "X-Request-Id", proxy, "X-Request-Id", proxy)
	require.NotEqual(t, strings.ToLower(proxy), line["request.id"], "twice is not believed")

	out := &output{}
	alone, err := logging.New(logging.Config{Output: out})
	require.NoError(t, err)
	defer alone.Close()
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("X-Request-Id", proxy)
	alone.Middleware(http.HandlerFunc(hello)).ServeHTTP(httptest.NewRecorder(), r)
	require.NotContains(t, out.text(), strings.ToLower(proxy), "from a stranger")
	require.Empty(t, logging.RequestID(r.Context()))
	require.NotContains(t, out.text(), "consent.state", "no manager: strict")
	require.Contains(t, out.text(), `"client.address":"192.0.0.0"`)
}

// Work that goes on after the answer still finds the line's id, whoever asks
// first, and two logs of one request have the same.
func TestRequestIDAfterTheEnd(t *testing.T) {
	var logs [2]output
	var ctx context.Context
	h := http.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { ctx = r.Context() }))
	for i := range logs {
		access, err := logging.New(logging.Config{Output: &logs[i]})
		require.NoError(t, err)
		defer access.Close()
		h = access.Middleware(h)
	}
	seen := map[string]bool{}
	for range 100 {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
		id := logging.RequestID(ctx)
		require.Equal(t, id, logging.RequestID(ctx))
		require.False(t, seen[id])
		seen[id] = true
		for i := range logs {
			require.Contains(t, logs[i].lines[len(logs[i].lines)-1], `"request.id":"`+id+`"`)
		}
	}
}

// Whatever is sent where, nothing of it is in the log, in no encoding.
func TestCanaries(t *testing.T) {
	const token = "c4n4ryT0k3nValue"
	canaries := []string{"jane.doe", token, "198.51.100.77", "2001:db8:85a3:8d3:1319:8a2e:370:7348", "140.0.1234"}
	s := newSite(t, false, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body)
		if r.URL.Path != "/" {
			panic("jane.doe@example.com " + token)
		}
	})
	cookie := s.agree()
	person := url.PathEscape("jane.doe@example.com")
	for _, address := range []string{canaries[2], canaries[3]} {
		for _, c := range []string{"", cookie} {
			for _, target := range []string{"/", "/users/" + person, "/nothing/" + token} {
				r, err := http.NewRequest("POST", s.server.URL+target+"?page="+person+"&email="+person+"&"+token+"="+token, strings.NewReader("jane.doe@example.com "+token))
				require.NoError(t, err)
				r.Method = map[bool]string{true: "GET", false: "POST"}[strings.HasPrefix(target, "/users")]
				r.Header = http.Header{
					"X-Forwarded-For": {address}, "User-Agent": {chrome + " " + token + " jane.doe@example.com"},
					"Referer": {"https://jane.doe:" + token + "@example.com/" + person}, "Authorization": {"Bearer " + token},
					"Cookie": {c + "; session=" + token}, "X-Request-Id": {token}, "Forwarded": {"for=" + address}, "From": {"jane.doe@example.com"},
					"Traceparent": {token}, "X-Real-Ip": {address}, "Accept-Language": {token},
				}
				if w, err := s.server.Client().Do(r); err == nil {
					w.Body.Close()
				}
			}
		}
	}
	s.server.Close()
	text := s.out.text()
	require.Greater(t, strings.Count(text, "\n"), 12)
	for _, c := range canaries {
		for _, form := range forms(c) {
			require.NotContains(t, strings.ToLower(text), strings.ToLower(form), "%s", c)
		}
	}
}

func TestConfigFaults(t *testing.T) {
	keys, err := consent.ParseKeys(consent.GenerateKey())
	require.NoError(t, err)
	m, err := consent.New(consent.Config{Policy: policy(), Keys: keys, Ledger: ledger.Memory(), Insecure: true})
	require.NoError(t, err)
	_, err = logging.New(logging.Config{Consent: m, Purpose: "spying", Query: []string{"a b", "", "x", "x"}})
	for _, fault := range []string{"Output: is missing", "Purpose: is not in the policy", "Query[0]", "Query[1]", "Query[3]: is given twice"} {
		require.ErrorContains(t, err, "logging: config: "+fault)
	}
}

func TestErrorLog(t *testing.T) {
	var out bytes.Buffer
	l := logging.ErrorLog(slog.New(slog.NewJSONHandler(&out, nil)))
	for message, kept := range map[string]string{
		"http: panic serving 198.51.100.77:4711: jane@example.com\ngoroutine 7 [running]:\n": "http: panic serving",
		"http: TLS handshake error from 198.51.100.77:4711: EOF":                             "http: TLS handshake error",
		"http2: server connection error from 198.51.100.77:4711: x":                          "http2: server connection error",
		"http: something jane@example.com":                                                   "http: other",
		"jane@example.com":                                                                   "server: other",
	} {
		out.Reset()
		l.Print(message)
		require.Contains(t, out.String(), `"msg":"`+kept+`"`)
		require.Equal(t, 1, strings.Count(out.String(), "\n"))
		require.NotContains(t, out.String(), "198.51")
		require.NotContains(t, out.String(), "jane")
		require.NotContains(t, out.String(), "goroutine")
	}
	logging.ErrorLog(nil).Print("nobody listens")
}

// net/http itself, with a panic and with a broken handshake.
func TestErrorLogOnARealServer(t *testing.T) {
	out := &output{}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("jane@example.com") }))
	s.Config.ErrorLog = logging.ErrorLog(slog.New(slog.NewTextHandler(out, nil)))
	s.StartTLS()
	_, err := s.Client().Get(s.URL)
	require.Error(t, err)
	_, err = http.Get(strings.Replace(s.URL, "https", "http", 1))
	_ = err                  // the server answers 400 in plain text or closes
	_, err = http.Get(s.URL) // does not trust the certificate
	require.Error(t, err)
	require.Eventually(t, func() bool { return strings.Contains(out.text(), "TLS handshake error") }, timeout, tick)
	s.Close()
	require.Contains(t, out.text(), "http: panic serving")
	require.NotContains(t, out.text(), "jane")
	require.NotContains(t, out.text(), "127.0.0.1")
}

func TestManifest(t *testing.T) {
	s := newSite(t, false, hello)
	require.Equal(t, s.access.Manifest(), s.access.Manifest())
	var m struct {
		Log []consent.ManifestField
	}
	require.NoError(t, json.Unmarshal(s.access.Manifest(), &m))
	require.Len(t, m.Log, 20)
	for _, f := range m.Log {
		require.NotEmpty(t, f.Purpose)
		require.NotEmpty(t, f.Retention)
		require.NotEqual(t, "direct", f.Kind)
		require.Contains(t, s.access.Markdown(), "`"+f.Name+"`")
	}
	require.Contains(t, s.access.Markdown(), "declared: page")
	require.Equal(t, s.manager.Manifest(s.access).Log, m.Log)
}

// Another router says which template it matched, also when the handler panics.
func TestRouteFrom(t *testing.T) {
	out := &output{}
	access, err := logging.New(logging.Config{Output: out})
	require.NoError(t, err)
	defer access.Close()
	template := func(*http.Request) string { return "/shop/{item}" }
	for _, page := range []http.HandlerFunc{hello, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }} {
		func() {
			defer func() { _ = recover() }()
			access.Middleware(logging.RouteFrom(template)(page)).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/shop/7", nil))
		}()
	}
	require.Equal(t, 2, strings.Count(out.text(), `"http.route":"/shop/{item}"`))
	logging.RouteFrom(template)(http.HandlerFunc(hello)).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
}
