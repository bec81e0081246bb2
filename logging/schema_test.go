package logging_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/slogtest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/iputil"
	"github.com/candorhttp/candor/logging"
)

// alone is an access log without a manager around a page.
func alone(t *testing.T, cfg logging.Config, page http.HandlerFunc) (func(*http.Request) string, *logging.Access) {
	t.Helper()
	out := &output{}
	if cfg.Handler == nil {
		cfg.Output = out
	}
	access, err := logging.New(cfg)
	require.NoError(t, err)
	t.Cleanup(access.Close)
	mux := http.NewServeMux()
	mux.HandleFunc("/users/{id}", page)
	mux.HandleFunc("/healthz", page)
	handler := access.Middleware(mux)
	return func(r *http.Request) string {
		before := len(out.text())
		func() {
			defer func() { _ = recover() }()
			handler.ServeHTTP(httptest.NewRecorder(), r)
		}()
		return out.text()[before:]
	}, access
}

func get(target string) *http.Request { return httptest.NewRequest("GET", target, nil) }

func keys(t *testing.T, line string) (names []string) {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(line))
	_, err := decoder.Token()
	require.NoError(t, err)
	for decoder.More() {
		key, err := decoder.Token()
		require.NoError(t, err)
		names = append(names, key.(string))
		_, err = decoder.Token()
		require.NoError(t, err)
	}
	return names
}

func TestPresets(t *testing.T) {
	minimal := []string{"time", "http.request.method", "http.route", "http.response.status_code", "http.server.request.duration"}
	operations := []string{"time", "http.request.method", "http.route", "url.scheme", "http.response.status_code", "http.response.body.size",
		"http.server.request.duration", "network.protocol.version", "client.address", "user_agent.device", "request.id"}
	security := append([]string{}, operations[:9]...)
	security = append(append(security, "client.port"), operations[9:]...)
	for _, tt := range []struct {
		cfg  logging.Config
		want []string
		time string
	}{
		{logging.Config{Preset: logging.Minimal}, minimal, `\d\dZ"`},
		{logging.Config{}, operations, `\d\dZ"`},
		{logging.Config{Preset: logging.Security, Why: "abuse reports"}, security, `\d\d\.\d{3}Z"`},
	} {
		do, access := alone(t, tt.cfg, hello)
		line := do(get("/users/jane"))
		require.Equal(t, tt.want, keys(t, line), tt.cfg.Preset.String())
		require.Regexp(t, `"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:`+tt.time, line)
		require.NotContains(t, line, "jane")
		for _, f := range access.Fields() {
			require.Equal(t, "30 days", f.Retention)
		}
	}
	do, _ := alone(t, logging.Config{Preset: logging.Security, Why: "abuse"}, hello)
	require.Contains(t, do(get("/users/1")), `"client.port":1234`)
	behind, err := iputil.NewResolver(iputil.Proxies{Header: "X-Forwarded-For", Trusted: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}})
	require.NoError(t, err)
	do, _ = alone(t, logging.Config{Preset: logging.Security, Why: "abuse", Visitors: behind}, hello)
	require.NotContains(t, do(get("/users/1")), "client.port", "a proxy's port is not the visitor's")
}

func TestCustomFields(t *testing.T) {
	declare := func(name string) logging.Declaration {
		return logging.Declaration{Name: name, Kind: logging.Technical, Purpose: "to plan", Tier: logging.Strict}
	}
	tier := &logging.Enum{Declaration: declare("shop.tier"), Words: []string{"free", "paid"}}
	items := &logging.Count{Declaration: declare("shop.items"), Max: 100}
	total := &logging.Bucket{Declaration: declare("shop.total"), Unit: "EUR", Bounds: []float64{10, 99.5}}
	note := &logging.UnsafeString{Declaration: declare("shop.unsafe_note"), Max: 5}
	undeclared := &logging.Enum{Declaration: declare("shop.secret"), Words: []string{"free"}}
	var page http.HandlerFunc
	do, access := alone(t, logging.Config{Custom: []logging.Custom{tier, items, total, note}}, func(w http.ResponseWriter, r *http.Request) { page(w, r) })
	for _, tt := range []struct {
		name string
		set  func(context.Context)
		want string // behind the request id
	}{
		{"nothing set", func(context.Context) {}, ``},
		{"all", func(ctx context.Context) {
			tier.Set(ctx, "paid")
			items.Set(ctx, 3)
			total.Set(ctx, 12.34)
			note.Set(ctx, "hello world")
		}, `,"shop.tier":"paid","shop.items":3,"shop.total":99.5,"shop.unsafe_note":"hello"`},
		{"the last one counts", func(ctx context.Context) { items.Set(ctx, 3); items.Set(ctx, 4) }, `,"shop.items":4`},
		{"what does not fit", func(ctx context.Context) {
			tier.Set(ctx, "jane@example.com")
			items.Set(ctx, 4111111111111111)
			total.Set(ctx, 1e9)
			note.Set(ctx, "\x1b[2J\"")
		}, `,"shop.tier":"_OTHER","shop.items":100,"shop.total":-1,"shop.unsafe_note":"\u001b[2J\""`},
		{"what is none", func(ctx context.Context) { items.Set(ctx, -1); total.Set(ctx, math.NaN()) }, ``},
		{"not declared", func(ctx context.Context) { undeclared.Set(ctx, "free") }, ``},
		{"outside a log", func(context.Context) { tier.Set(context.Background(), "free") }, ``},
	} {
		t.Run(tt.name, func(t *testing.T) {
			page = func(_ http.ResponseWriter, r *http.Request) { tt.set(r.Context()) }
			line := do(get("/users/1"))
			_, rest, ok := strings.Cut(line, `"request.id":"`)
			require.True(t, ok)
			require.Equal(t, tt.want+"}\n", rest[37:])
			require.True(t, json.Valid([]byte(line)))
		})
	}
	require.Contains(t, string(access.Manifest()), `"form": "^(free|paid|_OTHER)$"`)
	require.NotContains(t, string(access.Manifest()), "shop.secret")

	// A field of the granted tier stays out without consent.
	closed := &logging.Count{Declaration: logging.Declaration{Name: "shop.items", Kind: logging.Technical, Purpose: "x"}, Max: 1}
	do, _ = alone(t, logging.Config{Custom: []logging.Custom{closed}}, func(_ http.ResponseWriter, r *http.Request) { closed.Set(r.Context(), 1) })
	require.NotContains(t, do(get("/users/1")), "shop.items")
}

// What stands where lines are missing is declared.
func TestDropped(t *testing.T) {
	var line map[string]any
	text := string(logging.Dropped(7))
	require.NoError(t, json.Unmarshal([]byte(text), &line))
	require.True(t, strings.HasSuffix(text, "}\n"))
	for _, preset := range []logging.Preset{logging.Minimal, logging.Operations, logging.Security} {
		_, access := alone(t, logging.Config{Preset: preset, Why: map[bool]string{true: "abuse"}[preset == logging.Security]}, hello)
		for key, value := range line {
			at := slices.IndexFunc(access.Fields(), func(f logging.Field) bool { return f.Name == key })
			require.GreaterOrEqual(t, at, 0, key)
			require.Regexp(t, access.Fields()[at].Form, fmt.Sprint(value))
		}
	}
	require.Len(t, line, 2)
}

func TestSchemaFaults(t *testing.T) {
	bad := []logging.Custom{
		nil,
		&logging.Enum{Words: []string{"a b"}},
		&logging.Count{Declaration: logging.Declaration{Name: "request.id", Kind: logging.None, Purpose: "x"}, Max: 1 << 40},
		&logging.Bucket{Declaration: logging.Declaration{Name: "a.b", Kind: "odd", Purpose: "x", Tier: "odd"}, Bounds: []float64{2, 1}},
		&logging.UnsafeString{Declaration: logging.Declaration{Name: "a.b", Kind: logging.Direct, Purpose: "x"}},
	}
	_, err := logging.New(logging.Config{
		Output: io.Discard, Handler: slog.DiscardHandler, Format: 7, Preset: 9, Why: "because", Custom: bad,
		Retention: time.Hour, Skip: []string{"GET /x", "/y?z"}, Sample: -1,
	})
	for _, fault := range []string{
		"Handler: cannot be used with Output", "Format: is not known", "Preset: is not known", "Why: belongs to Security",
		"Retention: is 1h0m0s", "Skip[0]", "Skip[1]", "Sample: is -1",
		"Custom[0]: is nil", "Custom[1]: Name", "Custom[1]: Kind", "Custom[1]: Purpose", "Custom[1]: Words[0]",
		"Custom[2]: Name: is another field's", "Custom[2]: Max", "Custom[3]: Kind", "Custom[3]: Tier", "Custom[3]: Bounds",
		`Custom[4]: Name: must say "unsafe"`, "Custom[4]: Max", "Custom[4]: Name: is another field's",
	} {
		require.ErrorContains(t, err, fault)
	}
	_, err = logging.New(logging.Config{Output: io.Discard, Preset: logging.Security})
	require.ErrorContains(t, err, "Why: is missing")
	_, err = logging.New(logging.Config{Output: hoard{}})
	require.ErrorContains(t, err, "declare 1440h0m0s or have it delete sooner")
}

type hoard struct{ io.Writer }

func (hoard) Retention() time.Duration { return 60 * 24 * time.Hour }

func TestSkipAndSample(t *testing.T) {
	status := 200
	page := func(w http.ResponseWriter, r *http.Request) {
		if status == 0 {
			panic("x")
		}
		w.WriteHeader(status)
	}
	do, access := alone(t, logging.Config{Skip: []string{"/healthz"}}, page)
	require.Empty(t, do(get("/healthz")))
	require.NotEmpty(t, do(get("/users/1")))
	require.NotEmpty(t, do(get("/healthz/other")), "the route counts, not the path")
	require.EqualValues(t, 1, access.Stats().Skipped)
	for _, status = range []int{503, 0} {
		require.NotEmpty(t, do(get("/healthz")), "an operator wants to see that")
	}

	do, access = alone(t, logging.Config{Sample: 4}, page)
	for _, status = range []int{500, 0} {
		for range 50 {
			require.Contains(t, do(get("/users/1")), `"sample.rate":1}`)
		}
	}
	status = 200
	lines := 0
	for range 2000 {
		if line := do(get("/users/1")); line != "" {
			require.Contains(t, line, `"sample.rate":4}`)
			lines++
		}
	}
	require.InDelta(t, 500, lines, 120) // 6 standard deviations
	require.EqualValues(t, 2000-lines, access.Stats().SampledOut)
}

func TestReferrerIsTheOwnRoute(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /users/{id}", hello)
	mux.HandleFunc("/static/", hello)
	s := newSite(t, false, hello)
	var err error
	s.access.Close()
	out := &output{}
	s.access, err = logging.New(logging.Config{Output: out, Consent: s.manager, Mux: mux})
	require.NoError(t, err)
	cookie := s.agree()
	handler := s.access.Middleware(mux)
	for referrer, want := range map[string]string{
		"https://shop.example/users/jane@example.com?q=1#x":       "/users/{id}",
		"http://SHOP.example/static/jane.png":                     "/static/",
		"https://shop.example/nothing/jane":                       "https://shop.example",
		"https://shop.example":                                    "https://shop.example",
		"https://shop.example.evil.example/users/jane":            "https://shop.example.evil.example",
		"https://other.example/users/jane":                        "https://other.example",
		"https://shop.example/%zz":                                "https://shop.example",
		"https://shop.example/users/" + strings.Repeat("j", 5000): "https://shop.example",
		"jane": "",
	} {
		r := get("/users/1")
		r.Host = "shop.example"
		r.Header.Set("Referer", referrer)
		r.Header.Set("Cookie", cookie)
		before := len(out.text())
		handler.ServeHTTP(httptest.NewRecorder(), r)
		var line map[string]any
		require.NoError(t, json.Unmarshal([]byte(out.text()[before:]), &line))
		got, _ := line["http.request.referrer"].(string)
		require.Equal(t, want, got, referrer)
	}
}

func TestCombined(t *testing.T) {
	do, _ := alone(t, logging.Config{Format: logging.Combined, Query: []string{"page"}}, hello)
	r := get("/users/jane?page=2&q=secret")
	r.Header.Set("User-Agent", chrome)
	r.Header.Set("Referer", "https://search.example/?q=jane")
	at := `\[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000\]`
	require.Regexp(t, `^192\.0\.0\.0 - - `+at+` "GET /users/\{id\}\?page=2 HTTP/1\.1" 200 5 "-" "Chrome \(desktop\)"\n$`, do(r))
	r = httptest.NewRequest("BREW", "/nothing/jane", nil)
	r.RemoteAddr = "@"
	require.Regexp(t, `^0\.0\.0\.0 - - `+at+` "_OTHER /- HTTP/1\.1" 404 19 "-" "-"\n$`, do(r))

	s := newSite(t, false, hello)
	out := &output{}
	granting, err := logging.New(logging.Config{Output: out, Consent: s.manager, Format: logging.Combined})
	require.NoError(t, err)
	defer granting.Close()
	r = get("/users/jane")
	r.Header = http.Header{"User-Agent": {chrome}, "Referer": {"https://search.example/?q=jane"}, "Cookie": {s.agree()}}
	granting.Middleware(http.HandlerFunc(hello)).ServeHTTP(httptest.NewRecorder(), r)
	require.Regexp(t, `^192\.0\.2\.0 - - `+at+` "GET /- HTTP/1\.1" 200 5 "https://search\.example" "Chrome/140 \(Windows; desktop\)"\n$`, out.text())
}

func TestSlogOutput(t *testing.T) {
	var out bytes.Buffer
	do, access := alone(t, logging.Config{Handler: slog.NewJSONHandler(&out, nil), Query: []string{"page"}}, hello)
	do(get("/users/jane?page=2"))
	var line map[string]any
	require.NoError(t, json.Unmarshal(out.Bytes(), &line))
	require.Equal(t, "request", line["msg"])
	require.Equal(t, "/users/{id}", line["http.route"])
	require.Equal(t, "page=2", line["url.query"])
	require.Equal(t, 200.0, line["http.response.status_code"])
	require.Regexp(t, `^[-0-9]+T[:0-9]+Z$`, line["time"])
	require.EqualValues(t, 1, access.Stats().Lines)
	for key := range line {
		declared := key == "msg" || key == "level"
		for _, f := range access.Fields() {
			declared = declared || f.Name == key
		}
		require.True(t, declared, key)
	}
	out.Reset()
	do, access = alone(t, logging.Config{Handler: slog.NewJSONHandler(&out, nil), Preset: logging.Security, Why: "abuse"}, hello)
	finer := false
	for range 20 { // the chance of a whole second is one in a thousand
		out.Reset()
		do(get("/users/1"))
		require.NoError(t, json.Unmarshal(out.Bytes(), &line))
		require.Regexp(t, access.Fields()[0].Form, line["time"])
		finer = finer || strings.Contains(line["time"].(string), ".")
	}
	require.True(t, finer)
	failing, access := alone(t, logging.Config{Handler: failingHandler{slog.DiscardHandler}}, hello)
	failing(get("/users/1"))
	require.EqualValues(t, 1, access.Stats().WriteErrors)
}

type failingHandler struct{ slog.Handler }

func (failingHandler) Enabled(context.Context, slog.Level) bool { return true }
func (failingHandler) Handle(context.Context, slog.Record) error {
	return errors.New("no")
}

func TestCorrelate(t *testing.T) {
	const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	trusted, err := iputil.NewResolver(iputil.Proxies{Header: "X-Forwarded-For", Trusted: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}})
	require.NoError(t, err)
	for _, tt := range []struct {
		name, parent string
		visitors     *iputil.Resolver
		want         bool
	}{
		{"from a proxy", parent, trusted, true},
		{"a later version", "cc" + parent[2:] + "-more", trusted, true},
		{"from a visitor", parent, nil, false},
		{"none", "", trusted, false},
		{"too long", parent + "0", trusted, false},
		{"more behind version 00", parent + "-more", trusted, false},
		{"invalid version", "ff" + parent[2:], trusted, false},
		{"zeros", "00-" + strings.Repeat("0", 32) + parent[35:], trusted, false},
		{"no parent", parent[:36] + strings.Repeat("0", 16) + "-01", trusted, false},
		{"capitals", strings.ToUpper(parent), trusted, false},
		{"words", "00-" + strings.Repeat("jane", 8) + parent[35:], trusted, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var own bytes.Buffer
			logger := slog.New(logging.Correlate(slog.NewJSONHandler(&own, nil))).With("a", 1)
			do, _ := alone(t, logging.Config{Visitors: tt.visitors}, func(_ http.ResponseWriter, r *http.Request) {
				logger.InfoContext(r.Context(), "hello")
			})
			r := get("/users/1")
			if tt.parent != "" {
				r.Header.Set("Traceparent", tt.parent)
			}
			line := do(r)
			var record, access map[string]any
			require.NoError(t, json.Unmarshal(own.Bytes(), &record))
			require.NoError(t, json.Unmarshal([]byte(line), &access))
			require.Equal(t, access["request.id"], record["request.id"])
			if tt.want {
				require.Equal(t, "4bf92f3577b34da6a3ce929d0e0e4736", record["trace_id"])
			} else {
				require.NotContains(t, record, "trace_id")
			}
		})
	}
	var plain bytes.Buffer
	slog.New(logging.Correlate(slog.NewJSONHandler(&plain, nil))).Info("outside")
	require.NotContains(t, plain.String(), "request.id")
}

// The handler keeps slog's rules for handlers.
func TestCorrelateIsAHandler(t *testing.T) {
	var out bytes.Buffer
	slogtest.Run(t, func(*testing.T) slog.Handler {
		out.Reset()
		return logging.Correlate(slog.NewJSONHandler(&out, nil))
	}, func(t *testing.T) map[string]any {
		var m map[string]any
		require.NoError(t, json.Unmarshal(out.Bytes(), &m))
		return m
	})
}

// In a privacy endpoint nobody learns an id, and no field of the host's is written.
func TestPrivacyEndpointsHaveNoID(t *testing.T) {
	s := newSite(t, false, hello)
	out, own := &output{}, &bytes.Buffer{}
	items := &logging.Count{Declaration: logging.Declaration{Name: "shop.items", Kind: logging.Technical, Purpose: "x", Tier: logging.Strict}, Max: 9}
	access, err := logging.New(logging.Config{Output: out, Consent: s.manager, Custom: []logging.Custom{items}, Preset: logging.Security, Why: "test"})
	require.NoError(t, err)
	defer access.Close()
	logger := slog.New(logging.Correlate(slog.NewJSONHandler(own, nil)))
	inner := s.manager.Handler()
	access.Middleware(s.manager.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inner.ServeHTTP(w, r)
		items.Set(r.Context(), 1)
		logger.InfoContext(r.Context(), "hello "+logging.RequestID(r.Context()))
	}))).ServeHTTP(httptest.NewRecorder(), get("/privacy/decision"))
	require.NotContains(t, own.String(), "request.id")
	require.Contains(t, own.String(), `"msg":"hello "`)
	for _, name := range []string{"shop.items", "client.", "request.id", "." + fmt.Sprint(time.Now().Year())} {
		require.NotContains(t, out.text(), `"`+name)
	}
	require.Regexp(t, `"time":"[-0-9]+T\d\d:\d\d:\d\dZ"`, out.text())
}
