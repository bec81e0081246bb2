package audit

import "bytes"

// combined judges a line of the combined format, as Apache httpd calls it:
//
//	address ident user [time] "method target protocol" status size "referrer" "user agent"
//
// Each part is held against the declared field that it shows; "-" is no value.
// The format does not say what the visitor allowed, so addresses are measured
// by what they may show with consent, and the tiers cannot be told.
func (l *lines) combined(text []byte) {
	p := parts{text: text}
	client := p.until(' ')
	ident, user := p.until(' '), p.until(' ')
	at := p.between('[', ']')
	request := p.quoted()
	status, size := p.until(' '), p.until(' ')
	referrer := p.quoted()
	agent := p.quoted()
	if p.broken || len(p.text) > 0 {
		l.found(noField, Malformed)
		return
	}
	l.part("client.address", client)
	l.nobody("ident", ident)
	l.nobody("user", user)
	if i := l.audit.time; i < 0 {
		l.found("time", Undeclared)
	} else {
		l.enter(i)
		l.date(l.clock.common(at))
	}
	l.request(request)
	l.part("http.response.status_code", status)
	l.part("http.response.body.size", size)
	l.part("http.request.referrer", referrer)
	l.agent(agent)
	l.finish("granted")
}

// request judges the request line: a route and a query stand for the target.
func (l *lines) request(text []byte) {
	method, rest, _ := bytes.Cut(text, []byte(" "))
	target, protocol := rest, []byte(nil)
	if i := bytes.LastIndexByte(rest, ' '); i >= 0 {
		target, protocol = rest[:i], rest[i+1:]
	}
	route, query, _ := bytes.Cut(target, []byte("?"))
	protocol = bytes.TrimPrefix(protocol, []byte("HTTP/"))
	if len(protocol) == 3 && (protocol[0] == '2' || protocol[0] == '3') {
		protocol = bytes.TrimSuffix(protocol, []byte(".0"))
	}
	l.part("http.request.method", method)
	l.part("http.route", route)
	l.part("url.query", query)
	l.part("network.protocol.version", protocol)
}

// agent judges "name/version (os; device)", of which version and os may be left
// out. What is written otherwise is held against the name, which it is none of.
func (l *lines) agent(text []byte) {
	name, rest, _ := bytes.Cut(text, []byte(" ("))
	inside, ok := bytes.CutSuffix(rest, []byte(")"))
	if !ok {
		l.part("user_agent.name", text)
		return
	}
	name, version, _ := bytes.Cut(name, []byte("/"))
	os, device, both := bytes.Cut(inside, []byte("; "))
	if !both {
		os, device = nil, inside
	}
	l.part("user_agent.name", name)
	l.part("user_agent.version", version)
	l.part("user_agent.os.name", os)
	l.part("user_agent.device", device)
}

// part judges the part of a line that shows a field.
func (l *lines) part(name string, value []byte) {
	if len(value) == 0 || len(value) == 1 && value[0] == '-' {
		return
	}
	i, ok := l.audit.index[name]
	if !ok {
		l.undeclared([]byte(name), value, false)
		return
	}
	l.enter(i)
	ascii := true
	for _, c := range value {
		ascii = ascii && c < 0x80
	}
	l.value(i, value, ascii)
}

// nobody judges a part for which there is no field.
func (l *lines) nobody(name string, value []byte) {
	if string(value) != "-" {
		l.undeclared([]byte(name), value, false)
	}
}

// parts takes a line apart from its beginning.
type parts struct {
	text   []byte
	broken bool
}

// until returns what stands before a mark, or the rest.
func (p *parts) until(mark byte) []byte {
	if len(p.text) == 0 {
		p.broken = true
	}
	i := bytes.IndexByte(p.text, mark)
	if i < 0 {
		i = len(p.text)
	}
	part := p.text[:i]
	p.text = p.text[min(i+1, len(p.text)):]
	return part
}

// between returns what stands between two marks that stand alone.
func (p *parts) between(begin, end byte) []byte {
	if len(p.text) == 0 || p.text[0] != begin {
		p.broken = true
		return nil
	}
	i := bytes.IndexByte(p.text, end)
	if i < 0 || i+1 < len(p.text) && p.text[i+1] != ' ' {
		p.broken = true
		return nil
	}
	part := p.text[1:i]
	p.text = p.text[min(i+2, len(p.text)):]
	return part
}

// quoted returns what stands in quotes. Escapes, as servers write them, are
// decoded.
func (p *parts) quoted() []byte {
	if len(p.text) == 0 || p.text[0] != '"' {
		p.broken = true
		return nil
	}
	escaped := false
	for i := 1; i < len(p.text); i++ {
		switch p.text[i] {
		case '\\':
			escaped = true
			i++
		case '"':
			if i+1 < len(p.text) && p.text[i+1] != ' ' {
				p.broken = true
				return nil
			}
			part := p.text[1:i]
			p.text = p.text[min(i+2, len(p.text)):]
			if escaped {
				part = unquote(part)
			}
			return part
		}
	}
	p.broken = true
	return nil
}

// unquote decodes \" \\ and \xHH.
func unquote(s []byte) []byte {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			out = append(out, s[i])
			continue
		}
		i++
		if s[i] == 'x' && i+2 < len(s) && unhex(s[i+1]) >= 0 && unhex(s[i+2]) >= 0 {
			out = append(out, byte(unhex(s[i+1])<<4|unhex(s[i+2])))
			i += 2
			continue
		}
		out = append(out, s[i])
	}
	return out
}
