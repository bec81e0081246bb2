package logtest_test

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/logging/logtest"
)

var anyText = []string{"e-mail address", "token", "full IPv4 address", "full IPv6 address", "user agent", "password", "name"}

// words are the kinds that can be a token.
var words = slices.DeleteFunc(slices.Clone(anyText), func(k string) bool { return k == "full IPv6 address" })

// unspaced are the kinds without a space, which ends a target.
var unspaced = slices.DeleteFunc(slices.Clone(anyText), func(k string) bool { return k == "user agent" || k == "name" })

// source is where a service finds the text of a place, and of what kinds.
type source struct {
	kinds []string
	read  func(r *http.Request, body string) string
}

func field(name string) source {
	return source{anyText, func(r *http.Request, _ string) string { return r.Header.Get(name) }}
}

func bodyOf(contentType string) source {
	return source{anyText, func(r *http.Request, body string) string {
		if strings.HasPrefix(r.Header.Get("Content-Type"), contentType) {
			return body
		}
		return ""
	}}
}

func query(r *http.Request, _ string) string { return r.URL.RawQuery }

// target is the request target as it came, where it has a form.
func target(form string, kinds []string) source {
	match := regexp.MustCompile(form)
	return source{kinds, func(r *http.Request, _ string) string {
		if !r.Close && r.Proto != "HTTP/1.0" || !match.MatchString(r.Proto+" "+r.RequestURI) {
			return ""
		}
		return r.RequestURI
	}}
}

// sources has every place that reaches a handler.
var sources = map[string]source{
	"path": {anyText, func(r *http.Request, _ string) string {
		last := r.URL.EscapedPath()[strings.LastIndexByte(r.URL.EscapedPath(), '/')+1:]
		if len(last) <= 8 {
			return "" // the kit's filler
		}
		text, _ := url.PathUnescape(last)
		return text
	}},
	"query value":                {anyText, query},
	"query name":                 {anyText, query},
	"query with a broken escape": {anyText, query},
	"method":                     {words, func(r *http.Request, _ string) string { return r.Method }},
	"Host":                       {words, func(r *http.Request, _ string) string { return r.Host }},
	"header name":                {words, func(r *http.Request, _ string) string { return headerName(r.Header) }},
	"cookie name":                field("Cookie").only(words),
	"Authorization Bearer":       field("Authorization"),
	"Authorization Basic": {anyText, func(r *http.Request, _ string) string {
		_, secret, _ := r.BasicAuth()
		return secret
	}},
	"Proxy-Authorization":           field("Proxy-Authorization"),
	"cookie value":                  field("Cookie"),
	"Referer path":                  field("Referer"),
	"Referer query":                 field("Referer"),
	"Referer user info":             field("Referer"),
	"Referer without a form":        field("Referer"),
	"User-Agent":                    field("User-Agent"),
	"X-Forwarded-For":               field("X-Forwarded-For"),
	"X-Forwarded-For, first of two": field("X-Forwarded-For"),
	"Forwarded for":                 field("Forwarded"),
	"Forwarded host":                field("Forwarded"),
	"X-Real-Ip":                     field("X-Real-Ip"),
	"True-Client-Ip":                field("True-Client-Ip"),
	"Cf-Connecting-Ip":              field("Cf-Connecting-Ip"),
	"X-Forwarded-Host":              field("X-Forwarded-Host"),
	"X-Forwarded-Proto":             field("X-Forwarded-Proto"),
	"X-Forwarded-User":              field("X-Forwarded-User"),
	"X-Original-Url":                field("X-Original-Url"),
	"traceparent":                   field("Traceparent"),
	"tracestate":                    field("Tracestate"),
	"baggage":                       field("Baggage"),
	"X-Request-Id":                  field("X-Request-Id"),
	"X-Correlation-Id":              field("X-Correlation-Id"),
	"From":                          field("From"),
	"Origin":                        field("Origin"),
	"Via":                           field("Via"),
	"Accept-Language":               field("Accept-Language"),
	"If-None-Match":                 field("If-None-Match"),
	"Range":                         field("Range"),
	"Sec-Ch-Ua":                     field("Sec-Ch-Ua"),
	"X-Api-Key":                     field("X-Api-Key"),
	"header that nobody knows":      field("X-Something"),
	"Content-Type":                  field("Content-Type"),
	"form value":                    bodyOf("application/x-www-form-urlencoded"),
	"form name":                     bodyOf("application/x-www-form-urlencoded"),
	"JSON value":                    bodyOf("application/json"),
	"broken JSON":                   bodyOf("application/json"),
	"text":                          bodyOf("text/plain"),
	"file name": {anyText, func(r *http.Request, body string) string {
		_, after, _ := strings.Cut(body, `filename="`)
		name, _, _ := strings.Cut(after, `"`)
		return name
	}},
	"panic of the handler": {[]string{"panic value"}, func(r *http.Request, _ string) string { return r.Header.Get("Logtest-Panic") }},
	"address of the connection": {anyText[2:4], func(r *http.Request, _ string) string {
		host, _, _ := net.SplitHostPort(r.RemoteAddr)
		return host
	}},
	"user info of an absolute target": target("^HTTP/1.1 http://user:.*@shop", anyText),
	"user name of an absolute target": target("^HTTP/1.1 http://.*@shop", anyText),
	"host of an absolute target":      target("^HTTP/1.1 http://[^/@]*/$", words),
	"path of an absolute target":      target("^HTTP/1.1 http://shop.example/", anyText),
	"target of CONNECT":               target(":443$", words),
	"target of HTTP/1.0":              target("^HTTP/1.0 /", anyText),
	"target with dots and slashes":    target("^HTTP/1.1 //", anyText),
	"fragment of a target":            target("^HTTP/1.1 /#", anyText),
	"target without escapes":          target("^HTTP/1.1 /[^#/]{9}", unspaced),
	"TLS server name": {words, func(r *http.Request, _ string) string {
		if r.TLS == nil || strings.HasPrefix(r.TLS.ServerName, "127.") {
			return ""
		}
		return r.TLS.ServerName
	}},
	"field folded":         field("X-Something"),
	"Upgrade":              field("Upgrade"),
	"trailer":              {anyText, func(r *http.Request, _ string) string { return r.Trailer.Get("X-Something") }},
	"body that breaks off": bodyOf("application/x-www-form-urlencoded"),
}

// onlyHTTP1 is what HTTP/2 has no form for, or is tried as text on a connection.
var onlyHTTP1 = []string{
	"user info of an absolute target", "user name of an absolute target", "host of an absolute target", "path of an absolute target",
	"target of CONNECT", "target of HTTP/1.0", "target with dots and slashes", "fragment of a target", "target without escapes",
	"TLS server name", "Upgrade", "trailer",
}

// unseen are refused by net/http, which tells neither the handler nor its error
// log what they held, or forgotten by it.
var unseen = []string{
	"request line without a form", "version", "field line without a colon", "field name with a space", "second Host",
	"Host without a form", "Content-Length", "Transfer-Encoding", "chunk extension", "chunk without a form", "Expect",
	"plain HTTP to the TLS port",
}

// errorLogOnly reach what the server itself writes.
var errorLogOnly = []string{"HTTP/2 preface"}

func (s source) only(kinds []string) source { return source{kinds, s.read} }

func headerName(h http.Header) string {
	for name := range h {
		if strings.HasPrefix(name, "X-") && h.Get(name) == "1" {
			return name
		}
	}
	return ""
}

// leaky keeps what it finds in each place.
type leaky struct {
	mu        sync.Mutex
	texts     map[string][]string
	protocols map[string]bool
}

func (l *leaky) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	l.mu.Lock()
	defer l.mu.Unlock()
	for place, s := range sources {
		if text := s.read(r, string(body)); text != "" {
			l.protocols[place+r.Proto] = true
			if !slices.Contains(l.texts[place], text) {
				l.texts[place] = append(l.texts[place], text)
			}
		}
	}
}

// sink is what a log would hold that leaks one place in one encoding.
func (l *leaky) sink(name, place string, encode func(string) []string) logtest.Sink {
	return logtest.Sink{Name: name, Read: func() []byte {
		l.mu.Lock()
		defer l.mu.Unlock()
		var b bytes.Buffer
		for _, text := range l.texts[place] {
			for _, encoded := range encode(text) {
				fmt.Fprintf(&b, "level=INFO msg=%s\n", encoded)
			}
		}
		return b.Bytes()
	}}
}

var anAddress = regexp.MustCompile(`\d+\.\d+\.\d+\.\d+|2001:db8(:[0-9a-f]{4}){2}:(:[0-9a-f]{4}){2}`)

// addresses returns the addresses in a text.
func addresses(text string) (out []netip.Addr) {
	for _, word := range anAddress.FindAllString(strings.ReplaceAll(text, "%3A", ":"), -1) {
		if a, err := netip.ParseAddr(word); err == nil {
			out = append(out, a)
		}
	}
	return out
}

// A service that leaks one place in one encoding is caught, for every place,
// every encoding and every kind of value, over real connections.
func TestEveryPlaceInEveryEncodingIsCaught(t *testing.T) {
	l := &leaky{texts: map[string][]string{}, protocols: map[string]bool{}}
	k := logtest.Kit{Handler: l}
	type pair struct{ sink, kind, place, want string }
	var pairs []pair
	for place, s := range sources {
		for _, e := range encodings {
			if isHash(e.want) && !hashable(place) {
				continue
			}
			name := place + " / " + e.name
			k.Sinks = append(k.Sinks, l.sink(name, place, func(text string) []string { return []string{e.encode(text)} }))
			for _, kind := range s.kinds {
				want := e.want
				if kind == anyText[3] && strings.HasPrefix(want, "plain") {
					want = "plain" // its colons are escaped before, in queries and forms
				}
				pairs = append(pairs, pair{name, kind, place, want})
			}
		}
		for _, e := range addressEncodings {
			name := place + " / address: " + e.name
			for _, kind := range s.kinds {
				if strings.Contains(kind, "IPv") && e.encode(example(kind)) != "" {
					pairs = append(pairs, pair{name, kind, place, e.want})
				}
			}
			if pairs[len(pairs)-1].sink == name {
				k.Sinks = append(k.Sinks, l.sink(name, place, func(text string) (out []string) {
					for _, a := range addresses(text) {
						out = append(out, e.encode(a))
					}
					return out
				}))
			}
		}
	}
	bySink := map[string][]string{}
	for _, line := range watch(t, k) {
		sink, rest, ok := strings.Cut(strings.TrimPrefix(line, "logtest: "), ": line ")
		require.True(t, ok, line)
		bySink[sink] = append(bySink[sink], rest)
	}
	for _, p := range pairs {
		require.True(t, slices.ContainsFunc(bySink[p.sink], func(line string) bool {
			what, places, _ := strings.Cut(line, ", sent as ")
			places, _, _ = strings.Cut(places, " (")
			return strings.Contains(what, ": "+p.kind+" ("+p.want) && slices.Contains(strings.Split(places, "; "), p.place)
		}), "%+v: %q", p, bySink[p.sink])
	}
	for place := range sources {
		require.True(t, l.protocols[place+"HTTP/1.1"] || l.protocols[place+"HTTP/1.0"], place)
		require.NotEqual(t, l.protocols[place+"HTTP/2.0"], slices.Contains(onlyHTTP1, place), place)
	}
	t.Logf("%d places, %d sinks, %d pairs", len(sources), len(k.Sinks), len(pairs))
}

func isHash(want string) bool { return strings.Contains(want, "SHA") || strings.Contains(want, "MD5") }

// hashable reports whether the text of a place is known as a whole. Of a folded
// field it is not: who unfolds it may join the lines with anything.
func hashable(place string) bool { return place != "field folded" }

func example(kind string) netip.Addr {
	if kind == "full IPv4 address" {
		return netip.MustParseAddr("198.18.100.100")
	}
	return netip.MustParseAddr("2001:db8:1111:1111::1111:1111")
}

// Every place that is tried is in the tables of this file.
func TestTheTablesAreWhole(t *testing.T) {
	canaries, _ := logtest.NewCorpus("/")
	for _, c := range canaries {
		_, seen := sources[c.Place]
		require.NotEqual(t, seen, slices.Contains(slices.Concat(unseen, errorLogOnly), c.Place), c.Place)
	}
}

// net/http's own error log leaks, and a handler that knows no better.
func TestTheDefaultErrorLogIsCaught(t *testing.T) {
	var errorLines, dump logtest.Buffer
	mux := http.NewServeMux()
	mux.HandleFunc("/panic", logtest.Panic)
	mux.HandleFunc("/", func(_ http.ResponseWriter, r *http.Request) { fmt.Fprintf(&dump, "%+v\n", r) })
	lines := watch(t, logtest.Kit{
		Handler: mux, Paths: []string{"/panic"}, ErrorLog: log.New(&errorLines, "", 0),
		Sinks: []logtest.Sink{errorLines.Sink("error log"), dump.Sink("dump")},
	})
	for _, want := range []string{
		`^logtest: error log: line \d+: panic value \(plain\), sent as panic of the handler`,
		`^logtest: error log: line \d+: full IPv4 address \(plain\), sent as address of the connection`,
		`^logtest: error log: line \d+: e-mail address \(plain\), sent as HTTP/2 preface`,
		`^logtest: dump: line \d+: full IPv6 address \(plain\), sent as .*`,
		`^logtest: dump: line \d+: password \(plain\), sent as .* other places \(\d+ such lines\)$`,
	} {
		match := regexp.MustCompile(want)
		require.True(t, slices.ContainsFunc(lines, match.MatchString), "%s: %q", want, lines)
	}
}
