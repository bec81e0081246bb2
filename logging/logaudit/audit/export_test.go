package audit

import "github.com/candorhttp/candor/iputil"

// Member is what a line's scanner reads.
type Member struct {
	Key, Value string
	Nested     bool
}

// Members reads a line as JSON; ok is false where it is no object.
func Members(line []byte) (out []Member, ok bool) {
	var o object
	o.reset(line)
	for {
		switch o.next() {
		case broken:
			return out, false
		case ended:
			return out, true
		}
		out = append(out, Member{string(o.key), string(o.value), o.nested})
	}
}

// Match matches by table; known is false where the form has none.
func Match(expression, text string) (match, known bool) {
	f, err := newForm(expression)
	if err != nil || f.table == nil {
		return false, false
	}
	return f.table.match([]byte(text)), true
}

// Open names what values of a form are searched for.
func Open(expression string) string { return names(open(expression)) }

// Search names what is found in a text where an address may show a /24 or /48.
func Search(text string) string { return names(find([]byte(text), everything, iputil.HideSite)) }

// SearchFor is Search by whether all of the scan's short cuts are right: what
// each kind's own search finds by itself.
func SearchFor(text string) string {
	b := []byte(text)
	var found kinds
	for _, s := range []struct {
		kind kinds
		has  bool
	}{{email, hasEmail(b)}, {token, hasToken(b)}, {card, hasCard(b)}, {phone, hasPhone(b)}, {address, hasAddress(b, iputil.HideSite)}} {
		if s.has {
			found |= s.kind
		}
	}
	return names(found)
}

// Shown is what a key is printed as.
func Shown(key string) string { return shown([]byte(key)) }

func names(k kinds) string {
	text := ""
	for _, n := range []struct {
		kind kinds
		name Kind
	}{{email, Email}, {token, Token}, {card, Card}, {phone, Phone}, {address, Address}} {
		if k&n.kind != 0 {
			if text != "" {
				text += " "
			}
			text += string(n.name)
		}
	}
	return text
}
