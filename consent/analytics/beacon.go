package analytics

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"

	"github.com/candorhttp/candor/consent/exchange"
)

const (
	maxBeacon       = 8 << 10 // bytes; a page's vitals need 200
	maxBeaconEvents = 16
)

// takeBeacon captures what a script sent. It says nothing of how that went, so
// that nobody learns from it what a visitor allows.
func (p *Pipeline) takeBeacon(r *http.Request) {
	messages := p.readBeacon(r)
	if messages == nil {
		p.counters.withheld[BadBeacon].Add(1)
		return
	}
	// The exchange of the middleware, or one to ask by.
	x := exchange.From(r.Context())
	if x == nil {
		x, _, _ = exchange.Begin(discard{}, r)
	}
	route := p.pageRoute(r)
	for i := range messages {
		m := &messages[i]
		s := p.specs[m.event]
		if s == nil || !s.Script {
			p.counters.withheld[Undeclared].Add(1)
			continue
		}
		var d draft
		if n := s.fill(&d, s.convert(m.values)); n > 0 {
			p.counters.properties.Add(uint64(n))
		}
		p.capture(x, s, &d, route)
	}
}

// discard is a writer for an exchange in which nothing is written.
type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(b []byte) (int, error) { return len(b), nil }
func (discard) WriteHeader(int)             {}

// message is one event as a script sent it.
type message struct {
	event  string
	values []scriptValue
}

// scriptValue is a value as text or, from JSON, as what it was there.
type scriptValue struct {
	name string
	text string
	bool bool
	num  float64
	kind byte // 't'ext, 's'tring, 'b'ool, 'n'umber, or 0
}

// readBeacon returns the events of a beacon; nil for what is not one.
func (p *Pipeline) readBeacon(r *http.Request) []message {
	if r.Method != http.MethodPost || p.crossSite.Check(r) != nil || r.ContentLength > maxBeacon {
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBeacon+1))
	if err != nil || len(body) > maxBeacon {
		return nil
	}
	kind, _, err := mime.ParseMediaType(one(r.Header["Content-Type"]))
	if err != nil {
		return nil
	}
	switch kind {
	case "application/json", "text/plain":
		return parseBeacon(body)
	case "application/x-www-form-urlencoded":
		return parseBeaconForm(string(body))
	}
	return nil
}

// parseBeacon reads one event, or a list of them.
func parseBeacon(body []byte) []message {
	type event struct {
		Event      string         `json:"event"`
		Properties map[string]any `json:"properties"`
	}
	var events []event
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if body = bytes.TrimLeft(body, " \t\r\n"); len(body) > 0 && body[0] == '[' {
		if d.Decode(&events) != nil {
			return nil
		}
	} else {
		events = make([]event, 1)
		if d.Decode(&events[0]) != nil {
			return nil
		}
	}
	if _, err := d.Token(); err != io.EOF || len(events) > maxBeaconEvents {
		return nil
	}
	messages := make([]message, 0, len(events))
	for _, e := range events {
		if len(e.Properties) > maxProperties {
			return nil
		}
		m := message{event: e.Event}
		for name, v := range e.Properties {
			value := scriptValue{name: name}
			switch v := v.(type) {
			case string:
				value.kind, value.text = 's', v
			case bool:
				value.kind, value.bool = 'b', v
			case float64:
				value.kind, value.num = 'n', v
			}
			m.values = append(m.values, value)
		}
		messages = append(messages, m)
	}
	return messages
}

// parseBeaconForm reads one event as a form.
func parseBeaconForm(body string) []message {
	values, err := url.ParseQuery(body)
	if err != nil || len(values["event"]) != 1 || len(values) > maxProperties+1 {
		return nil
	}
	m := message{event: values["event"][0]}
	for name, list := range values {
		if name == "event" {
			continue
		}
		if len(list) != 1 {
			return nil
		}
		m.values = append(m.values, scriptValue{name: name, kind: 't', text: list[0]})
	}
	return []message{m}
}

// convert gives the values their declared types. One that has another type
// becomes the zero Property, which is dropped and counted.
func (s *spec) convert(values []scriptValue) []Property {
	out := make([]Property, 0, len(values))
	for _, v := range values {
		var p Property
		if i := s.find(v.name); i >= 0 {
			declared := &s.properties[i]
			switch kind := declared.Kind; {
			case v.kind == 't':
				if parsed, ok := declared.parse(v.text); ok {
					p = parsed
				}
			case v.kind == 's' && kind == KindEnum:
				p = Enum(v.name, v.text)
			case v.kind == 'b' && kind == KindBool:
				p = Bool(v.name, v.bool)
			case v.kind == 'n' && kind == KindFloat:
				p = Float(v.name, v.num)
			case v.kind == 'n' && kind == KindInt && v.num == float64(int64(v.num)):
				p = Int(v.name, int64(v.num))
			}
		}
		out = append(out, p)
	}
	return out
}
