package logtest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
)

// draft is a request that is being written.
type draft struct {
	method      string
	path        string // of Kit.Paths; braces are replaced by segment
	segment     string
	query       string
	host        string
	header      http.Header
	contentType string
	body        string
}

// setHeader sets a field unless an earlier place has it.
func (d *draft) setHeader(name, value string) {
	if d.header[name] == nil {
		d.header[name] = []string{value}
	}
}

func (d *draft) setBody(contentType, body string) {
	d.method, d.contentType, d.body = http.MethodPost, contentType, body
}

// target is the path with whatever stands in braces replaced.
func (d *draft) target() string {
	var b strings.Builder
	rest := d.path
	for {
		before, after, found := strings.Cut(rest, "{")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		name, after, closed := strings.Cut(after, "}")
		if !closed {
			return b.String()
		}
		if name != "$" { // http.ServeMux's mark for the end of the path
			b.WriteString(d.segment)
		}
		rest = after
	}
}

func (d *draft) request(base string) (*http.Request, error) {
	target := base + d.target()
	if d.query != "" {
		target += "?" + d.query
	}
	var body io.Reader
	if d.contentType != "" {
		body = strings.NewReader(d.body)
	}
	r, err := http.NewRequest(d.method, target, body)
	if err != nil {
		return nil, err
	}
	r.Header = d.header.Clone()
	if d.contentType != "" && r.Header["Content-Type"] == nil {
		r.Header.Set("Content-Type", d.contentType)
	}
	r.Host = d.host
	return r, nil
}

// place is somewhere in a request that a visitor, or a page that sends one, can
// write to.
type place struct {
	name string
	// word says that the place takes tokens only.
	word bool
	// solo says that the place goes with no other: it needs the body or the method,
	// or makes a service refuse the request.
	solo bool
	// put writes the value into the draft and returns the text that it became a
	// part of.
	put func(d *draft, c *canary, v string) string
}

// put writes the canary into a draft, and reports false where the place takes no
// such value.
func (c *canary) put(p place, d *draft) bool {
	v := c.value
	if p.word {
		if v = c.word(); v == "" {
			return false
		}
	}
	if whole := p.put(d, c, v); whole != "" && whole != v {
		c.wholes = append(c.wholes, whole)
	}
	return true
}

// lineFields are header fields and how they hold a value: {raw} as it is, {esc}
// for URLs, {host} with brackets around IPv6, {basic} as user and password.
var lineFields = []struct{ name, field, text string }{
	{"Authorization Bearer", "Authorization", "Bearer {raw}"},
	{"Authorization Basic", "Authorization", "Basic {basic}"},
	{"Proxy-Authorization", "Proxy-Authorization", "Bearer {raw}"},
	{"cookie value", "Cookie", "session={raw}"},
	{"Referer path", "Referer", "https://shop.example/users/{esc}/orders"},
	{"Referer query", "Referer", "https://shop.example/find?page=2&email={esc}"},
	{"Referer user info", "Referer", "https://{esc}:{esc}@shop.example/"},
	{"Referer without a form", "Referer", "{raw}"},
	{"User-Agent", "User-Agent", "{raw}"},
	{"X-Forwarded-For", "X-Forwarded-For", "{raw}"},
	{"X-Forwarded-For, first of two", "X-Forwarded-For", "{raw}, 127.0.0.1"},
	{"Forwarded for", "Forwarded", `for="{host}";proto=https`},
	{"Forwarded host", "Forwarded", `for=unknown;host="{raw}"`},
	{"X-Real-Ip", "X-Real-Ip", "{raw}"},
	{"True-Client-Ip", "True-Client-Ip", "{raw}"},
	{"Cf-Connecting-Ip", "Cf-Connecting-Ip", "{raw}"},
	{"X-Forwarded-Host", "X-Forwarded-Host", "{raw}"},
	{"X-Forwarded-Proto", "X-Forwarded-Proto", "{raw}"},
	{"X-Forwarded-User", "X-Forwarded-User", "{raw}"},
	{"X-Original-Url", "X-Original-Url", "/users/{esc}"},
	{"traceparent", "Traceparent", "00-{raw}-00f067aa0ba902b7-01"},
	{"tracestate", "Tracestate", "vendor={raw}"},
	{"baggage", "Baggage", "user={esc}"},
	{"X-Request-Id", "X-Request-Id", "{raw}"},
	{"X-Correlation-Id", "X-Correlation-Id", "{raw}"},
	{"From", "From", "{raw}"},
	{"Origin", "Origin", "https://{esc}.shop.example"},
	{"Via", "Via", "1.1 {raw}"},
	{"Accept-Language", "Accept-Language", "{raw}"},
	{"If-None-Match", "If-None-Match", `"{raw}"`},
	{"Range", "Range", "bytes={raw}"},
	{"Sec-Ch-Ua", "Sec-Ch-Ua", `"{raw}";v="1"`},
	{"X-Api-Key", "X-Api-Key", "{raw}"},
	{"header that nobody knows", "X-Something", "{raw}"},
}

// places returns everywhere a canary is sent by way of a client.
func places() []place {
	out := []place{
		{name: "path", put: func(d *draft, _ *canary, v string) string {
			d.segment = url.PathEscape(v)
			return "/users/" + d.segment
		}},
		{name: "query value", put: func(d *draft, c *canary, v string) string {
			return d.addQuery(c.kind.key() + "=" + url.QueryEscape(v))
		}},
		{name: "query name", put: func(d *draft, _ *canary, v string) string {
			return d.addQuery(url.QueryEscape(v) + "=1")
		}},
		{name: "query with a broken escape", solo: true, put: func(d *draft, _ *canary, v string) string {
			return d.addQuery("q=%zz" + url.QueryEscape(v) + ";x")
		}},
		{name: "method", word: true, solo: true, put: func(d *draft, _ *canary, v string) string {
			d.method = v
			return ""
		}},
		{name: "Host", word: true, put: func(d *draft, _ *canary, v string) string {
			d.host = v + ".shop.example"
			return d.host
		}},
		{name: "header name", word: true, put: func(d *draft, _ *canary, v string) string {
			name := http.CanonicalHeaderKey("X-" + v)
			d.setHeader(name, "1")
			return name
		}},
		{name: "cookie name", word: true, put: func(d *draft, _ *canary, v string) string {
			d.setHeader("Cookie", v+"=1")
			return v + "=1"
		}},
	}
	for _, f := range lineFields {
		out = append(out, place{name: f.name, put: func(d *draft, c *canary, v string) string {
			host := v
			if c.kind == ipv6 {
				host = "[" + v + "]"
			}
			text := strings.NewReplacer(
				"{raw}", v, "{esc}", url.PathEscape(v), "{host}", host,
				"{basic}", base64.StdEncoding.EncodeToString([]byte("user:"+v)),
			).Replace(f.text)
			d.setHeader(f.field, text)
			return text
		}})
	}
	return append(out, bodies()...)
}

// bodies are the places in a request's content.
func bodies() []place {
	const form = "application/x-www-form-urlencoded"
	return []place{
		{name: "form value", solo: true, put: func(d *draft, c *canary, v string) string {
			d.setBody(form, "page=2&"+c.kind.key()+"="+url.QueryEscape(v))
			return d.body
		}},
		{name: "form name", solo: true, put: func(d *draft, _ *canary, v string) string {
			d.setBody(form, url.QueryEscape(v)+"=1")
			return d.body
		}},
		{name: "JSON value", solo: true, put: func(d *draft, c *canary, v string) string {
			text, _ := json.Marshal(map[string]string{c.kind.key(): v}) // strings only: cannot fail
			d.setBody("application/json", string(text))
			return d.body
		}},
		{name: "broken JSON", solo: true, put: func(d *draft, _ *canary, v string) string {
			d.setBody("application/json", `{"`+v+`":`)
			return d.body
		}},
		{name: "Content-Type", solo: true, put: func(d *draft, _ *canary, v string) string {
			d.setBody("text/plain; charset="+v, "content")
			return d.contentType
		}},
		{name: "text", solo: true, put: func(d *draft, _ *canary, v string) string {
			d.setBody("text/plain", "I am "+v+".\n")
			return d.body
		}},
		{name: "file name", solo: true, put: func(d *draft, c *canary, v string) string {
			var b bytes.Buffer
			w := multipart.NewWriter(&b) // to memory: cannot fail
			if part, err := w.CreateFormFile("file", v+".txt"); err == nil {
				_, _ = io.WriteString(part, "content")
			}
			_ = w.Close()
			d.setBody(w.FormDataContentType(), b.String())
			return v + ".txt"
		}},
	}
}

func (d *draft) addQuery(pair string) string {
	if d.query != "" {
		d.query += "&"
	}
	d.query += pair
	return pair
}
