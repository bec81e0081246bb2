package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/candorhttp/candor/iputil"
)

// The visitor's two addresses: of a connection, and of a proxy's field.
const (
	direct  = "127.44.55.66"
	proxied = "203.0.113.77"
)

// arrangement is one way to put the layers together.
type arrangement struct {
	name   string
	hidden bool // behind the privacy listener
	proxy  bool // the visitor comes through a proxy
	layers func(*site) []layer
}

func outermost(s *site) []layer { return []layer{s.tracing, s.access, s.manager, s.gate} }

// inside has a layer of Candor inside otelhttp, which learns the route there:
// otelhttp hands on a copy of the request, and what the router writes into the
// copy does not come back.
func inside(s *site) []layer { return []layer{s.access, s.tracing, s.manager, s.gate} }

func insideStripped(s *site) []layer {
	return []layer{s.access, withoutForwarding, s.tracing, s.manager, s.gate}
}

var arrangements = []arrangement{
	{"otelhttp → Candor, plain listener", false, false, outermost},
	{"otelhttp → Candor, privacy listener", true, false, outermost},
	{"otelhttp → Candor, privacy listener, behind a proxy", true, true, outermost},
	{"access log → otelhttp → manager → gate, privacy listener, behind a proxy", true, true, inside},
	{"access log → withoutForwarding → otelhttp → manager → gate, privacy listener, behind a proxy", true, true, insideStripped},
}

// leaks says where the full address of a visitor lies after a request.
func (a arrangement) leaks(ctx context.Context) (spans, logs, metrics bool, err error) {
	t := newTelemetry()
	defer t.close(ctx)
	s, err := newSite(t)
	if err != nil {
		return false, false, false, err
	}
	defer s.close()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return false, false, false, err
	}
	address := listener.Addr().String()
	if a.hidden {
		if listener, err = iputil.NewListener(listener, iputil.HideNetwork); err != nil {
			return false, false, false, err
		}
	}
	server := &http.Server{Handler: wrap(s.pages, a.layers(s)...), ConnContext: iputil.ConnContext}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	err = a.visit(ctx, "http://"+address+"/users/42")
	if shut := server.Shutdown(ctx); err == nil {
		err = shut
	}
	<-done
	if err != nil {
		return false, false, false, err
	}
	traced, logged, measured, err := t.texts(ctx)
	if err == nil && (len(t.spans.GetSpans()) != 1 || !strings.Contains(logged, "/users/{id}") || !strings.Contains(measured, "http.server.request.duration")) {
		err = fmt.Errorf("%s: span, line or metric is missing", a.name)
	}
	full := func(text string) bool { return strings.Contains(text, direct) || strings.Contains(text, proxied) }
	return full(traced), full(logged), full(measured), err
}

// visit sends one request, from an address of its own or as a proxy would.
func (a arrangement) visit(ctx context.Context, url string) error {
	dialer := net.Dialer{}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	if a.proxy {
		r.Header.Set("X-Forwarded-For", proxied)
	} else {
		dialer.LocalAddr = &net.TCPAddr{IP: net.ParseIP(direct)}
	}
	transport := &http.Transport{DialContext: dialer.DialContext}
	defer transport.CloseIdleConnections()
	w, err := (&http.Client{Transport: transport}).Do(r)
	if err != nil {
		return err
	}
	defer w.Body.Close()
	if _, err := io.Copy(io.Discard, w.Body); err != nil || w.StatusCode != http.StatusOK {
		return errStatus
	}
	return nil
}

// table tries every arrangement.
func table(ctx context.Context) (string, error) {
	var b strings.Builder
	b.WriteString("| Arrangement | Spans | Logs | Metrics |\n|---|---|---|---|\n")
	for _, a := range arrangements {
		spans, logs, metrics, err := a.leaks(ctx)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", a.name, word(spans), word(logs), word(metrics))
	}
	return b.String(), nil
}

func word(leaks bool) string {
	if leaks {
		return "**full address**"
	}
	return "none"
}
