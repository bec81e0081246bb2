package logging

import (
	"context"
	"encoding/json"
	"log/slog"
	"strconv"
	"time"
)

// Format is how a line is written.
type Format int

const (
	// JSON is one object a line, of printable ASCII alone. It is the default.
	JSON Format = iota
	// Combined is the combined log format of Apache and NCSA, which tools like
	// GoAccess read:
	//
	//	198.51.0.0 - - [24/Nov/2026:09:12:30 +0000] "GET /users/{id}?page=2 HTTP/1.1" 200 512 "-" "Chrome/140 (Windows; desktop)"
	//
	// It holds what it has a place for: address, time, method, route, declared
	// query, protocol, status, size, referrer and what is known of the browser.
	// The address is 0.0.0.0 and the route "/-" where there is none. Custom
	// fields have no place in it.
	Combined
)

// appendCombined appends the record in the combined format. What the tier or
// the preset leaves out is a dash.
func (r *record) appendCombined(dst []byte) []byte {
	// The values' own functions decide what may be said; of their JSON the text
	// is taken, which needs no escape but in a route or a query.
	dst = r.appendText(dst, "client.address", "0.0.0.0")
	dst = append(dst, " - - ["...)
	dst = r.x.Start().UTC().Truncate(time.Second).AppendFormat(dst, "02/Jan/2006:15:04:05 +0000")
	dst = append(dst, `] "`...)
	dst = r.appendText(dst, "http.request.method", "-")
	dst = append(dst, ' ')
	dst = r.appendText(dst, "http.route", "/-")
	if r.has("url.query") {
		begin := len(dst)
		if dst = r.appendText(append(dst, '?'), "url.query", ""); len(dst) == begin+1 {
			dst = dst[:begin]
		}
	}
	dst = append(dst, " HTTP/"...)
	dst = r.appendText(dst, "network.protocol.version", "1.1")
	dst = append(dst, `" `...)
	dst = r.appendText(dst, "http.response.status_code", "-")
	dst = append(dst, ' ')
	dst = r.appendText(dst, "http.response.body.size", "-")
	dst = append(dst, ` "`...)
	dst = r.appendText(dst, "http.request.referrer", "-")
	dst = append(dst, `" "`...)
	dst = r.appendText(dst, "user_agent.name", "-")
	if begin := len(dst); r.agent.Name != "" && r.has("user_agent.name") {
		dst = append(dst, '/')
		if dst = r.appendText(dst, "user_agent.version", ""); len(dst) == begin+1 {
			dst = dst[:begin]
		}
		dst = append(dst, " ("...)
		begin = len(dst)
		if dst = r.appendText(dst, "user_agent.os.name", ""); len(dst) > begin {
			dst = append(dst, "; "...)
		}
		dst = r.appendText(dst, "user_agent.device", "other")
		dst = append(dst, ')')
	}
	return append(dst, '"', '\n')
}

// field returns a declared field that the record's tier opens, or nil.
func (r *record) field(name string) *Field {
	for i := range r.access.fields {
		f := &r.access.fields[i]
		if f.Name == name {
			if f.Tier == Granted && !r.granted {
				return nil
			}
			return f
		}
	}
	return nil
}

func (r *record) has(name string) bool { return r.field(name) != nil }

// appendText appends a field's value without the quotes of JSON, or what stands
// for none. JSON's escapes stay: they are ASCII, and no quote is bare.
func (r *record) appendText(dst []byte, name, none string) []byte {
	f := r.field(name)
	if f == nil {
		return append(dst, none...)
	}
	begin := len(dst)
	dst = f.value(dst, r)
	switch {
	case len(dst) == begin:
		return append(dst, none...)
	case dst[begin] == '"':
		copy(dst[begin:], dst[begin+1:])
		dst = dst[:len(dst)-2]
	}
	// A space would end the request line's part.
	for i := begin; i < len(dst); i++ {
		if dst[i] == ' ' {
			dst[i] = '_'
		}
	}
	return dst
}

// send hands the record's fields to a slog.Handler. It goes the way of the line,
// so that no value gets there by another one.
func (r *record) send(handler slog.Handler) error {
	ctx := context.Background() // a handler finds nothing of the visitor in it
	if !handler.Enabled(ctx, slog.LevelInfo) {
		return nil
	}
	finest := time.Second
	if r.access.preset == Security && !r.privacy {
		finest = time.Millisecond
	}
	out := slog.NewRecord(r.x.Start().UTC().Truncate(finest), slog.LevelInfo, "request", 0)
	var buffer [256]byte
	for i := range r.access.fields {
		f := &r.access.fields[i]
		if f.Tier == Granted && !r.granted || f.Name == "time" {
			continue
		}
		value := f.value(buffer[:0], r)
		if len(value) == 0 {
			continue
		}
		out.AddAttrs(slog.Attr{Key: f.Name, Value: attrValue(value)})
	}
	return handler.Handle(ctx, out)
}

// attrValue reads a value of a line: a string or a number.
func attrValue(text []byte) slog.Value {
	if text[0] == '"' {
		var s string
		if json.Unmarshal(text, &s) != nil {
			return slog.StringValue("") // cannot be: a value is valid JSON
		}
		return slog.StringValue(s)
	}
	if n, err := strconv.ParseInt(string(text), 10, 64); err == nil {
		return slog.Int64Value(n)
	}
	n, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		return slog.StringValue("")
	}
	return slog.Float64Value(n)
}
