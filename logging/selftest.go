package logging

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/candorhttp/candor/consent/exchange"
	"github.com/candorhttp/candor/consent/exchange/agent"
)

// canaries must not stand in any line. They are sent in every place that a
// visitor can write to.
var canaries = []string{"canary.person", "c4n4ry-t0k3n", "203.0.113.77", "2001:db8:c0de:feed:1:2:3:4", "CanaryBrowser"}

// selfTest sends an invented request through the fields, in the strict and in
// the granted tier, and looks for what must stay out.
func (a *Access) selfTest() error {
	const person = "canary.person@example.com"
	target := "/users/" + person + "/c4n4ry-t0k3n?email=" + person + "&token=c4n4ry-t0k3n&203.0.113.77"
	for _, name := range a.query {
		target += "&" + name.name + "=" + person
	}
	req := &http.Request{
		Method: "CANARY.PERSON", URL: &url.URL{Path: "/users/" + person, RawQuery: target[strings.IndexByte(target, '?')+1:]},
		RequestURI: target, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Host: "example.com",
		RemoteAddr: "203.0.113.77:4711",
	}
	req.Header.Set("Referer", "https://canary.person:c4n4ry-t0k3n@203.0.113.77/"+person)
	req.Header.Set("User-Agent", "CanaryBrowser/203.0.113.77 ("+person+")")
	req.Header.Set("X-Request-Id", "c4n4ry-t0k3n")
	req.Header.Set("Cookie", "session=c4n4ry-t0k3n")
	req.Header.Set("Authorization", "Bearer c4n4ry-t0k3n")
	var lines []byte
	x, w, inner := exchange.Begin(nowhere{}, req)
	x.LoadOrStoreID(a.makeID(req, nil))
	x.Serve(http.NotFoundHandler(), w, inner)
	for _, client := range []string{"203.0.113.77", "2001:db8:c0de:feed:1:2:3:4"} {
		for _, granted := range []bool{false, true} {
			r := record{
				access: a, scratch: &scratch{}, x: x, req: req, outcome: x.Outcome(), client: netip.MustParseAddr(client),
				agent: agent.Parse(req.UserAgent()), granted: granted,
			}
			lines = r.appendLine(lines)
			if a.format != JSON {
				lines = a.append(lines, &r)
			}
			if a.handler != nil {
				var sent bytes.Buffer
				if err := r.send(slog.NewJSONHandler(&sent, nil)); err != nil {
					return fmt.Errorf("logging: self-test: %w", err)
				}
				lines = append(lines, sent.Bytes()...)
			}
		}
	}
	var faults []error
	for _, f := range a.fields {
		for _, c := range canaries {
			if value := fieldOf(lines, f.Name); bytes.Contains(value, []byte(c)) {
				faults = append(faults, fmt.Errorf("logging: self-test: field %s lets through what a visitor sent; remove it", f.Name))
				break
			}
		}
	}
	for _, c := range canaries {
		if len(faults) == 0 && bytes.Contains(lines, []byte(c)) {
			faults = append(faults, errors.New("logging: self-test: a line holds what a visitor sent"))
		}
	}
	return errors.Join(faults...)
}

// fieldOf returns everything behind the key's occurrences up to the next key.
func fieldOf(lines []byte, name string) (out []byte) {
	key := []byte(`"` + name + `":`)
	for {
		_, after, found := bytes.Cut(lines, key)
		if !found {
			return out
		}
		value, _, _ := bytes.Cut(after, []byte(`,"`))
		out, lines = append(out, value...), after
	}
}

// nowhere is a response that nobody receives.
type nowhere struct{}

func (nowhere) Header() http.Header         { return http.Header{} }
func (nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (nowhere) WriteHeader(int)             {}
