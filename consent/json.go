package consent

import "strconv"

// MarshalJSON returns what GET decision answers:
//
//	{"policy":1,"source":"stored","purposes":{"analytics":"granted","preferences":"denied"}}
//
// The purposes stand in the order of the policy. A further member, "allowed",
// lists every purpose that may be used where those are not just the granted
// ones: with Objection purposes, and under the opt-out regime. "since" is the
// version under which the visitor chose, where it is not the one that runs.
func (d Decision) MarshalJSON() ([]byte, error) { return append(d.appendJSON(nil), '}'), nil }

// appendJSON appends the state without its last brace. Purpose names need no
// escaping.
func (d Decision) appendJSON(b []byte) []byte {
	b = append(b, `{"policy":`...)
	b = strconv.AppendInt(b, int64(d.Version()), 10)
	b = append(b, `,"source":"`+d.Source().String()+`","purposes":{`...)
	comma := ""
	for p, state := range d.Purposes() {
		b = append(b, comma+`"`+string(p)+`":"`+state.String()+`"`...)
		comma = ","
	}
	b = append(b, '}')
	if d.since > 0 && d.Since() < d.Version() {
		b = append(b, `,"since":`...)
		b = strconv.AppendInt(b, int64(d.since), 10)
	}
	if d.rules == nil || d.allowed&d.rules.askable() == d.granted {
		return b
	}
	b = append(b, `,"allowed":[`...)
	comma = ""
	for _, p := range d.rules.purposes(d.allowed & d.rules.askable()) {
		b = append(b, comma+`"`+string(p)+`"`...)
		comma = ","
	}
	return append(b, ']')
}
