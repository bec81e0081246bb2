package audit_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/logging/logaudit/audit"
)

func TestMembers(t *testing.T) {
	type m = audit.Member
	for _, c := range []struct {
		name, line string
		want       []m
		ok         bool
	}{
		{"empty object", `{}`, nil, true},
		{"string and number", `{"a":"x","b":12.5}`, []m{{"a", "x", false}, {"b", "12.5", false}}, true},
		{"white space everywhere", " { \"a\" :\t1 , \"b\" : \"\" } \r", []m{{"a", "1", false}, {"b", "", false}}, true},
		{"escapes in key and value", `{"\u0061\/":"\"\\\b\f\n\r\t\u00e9\ud83d\ude00"}`, []m{{"a/", "\"\\\b\f\n\r\té😀", false}}, true},
		{"lone surrogates", `{"a":"\ud83dx\ude00"}`, []m{{"a", "\ufffdx\ufffd", false}}, true},
		{"invalid UTF-8", "{\"a\":\"\xff\xc3\"}", []m{{"a", "\ufffd\ufffd", false}}, true},
		{"words", `{"a":true,"b":false,"c":null}`, []m{{"a", "true", false}, {"b", "false", false}, {"c", "null", false}}, true},
		{"numbers", `{"a":-0.5e+10,"b":0}`, []m{{"a", "-0.5e+10", false}, {"b", "0", false}}, true},
		{"nested values are passed over", `{"a":{"b":["}",1]},"c":2}`, []m{{"a", "", true}, {"c", "2", false}}, true},
		{"no object", `[1]`, nil, false},
		{"text", `hello`, nil, false},
		{"nothing", ``, nil, false},
		{"two objects", `{}{}`, nil, false},
		{"comma at the end", `{"a":1,}`, []m{{"a", "1", false}}, false},
		{"comma at the beginning", `{,"a":1}`, nil, false},
		{"no colon", `{"a" 1}`, nil, false},
		{"no value", `{"a":}`, nil, false},
		{"leading zero", `{"a":01}`, []m{{"a", "0", false}}, false},
		{"bare minus", `{"a":-}`, nil, false},
		{"bare point", `{"a":1.}`, nil, false},
		{"bad escape", `{"a":"\x"}`, nil, false},
		{"short escape", `{"a":"\u00e"}`, nil, false},
		{"control character", "{\"a\":\"\x01\"}", nil, false},
		{"torn", `{"a":"x`, nil, false},
		{"torn behind a backslash", `{"a":"\`, nil, false},
		{"torn nested", `{"a":{"b":1`, nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, ok := audit.Members([]byte(c.line))
			require.Equal(t, c.ok, ok)
			require.Equal(t, c.want, got)
		})
	}
}

// reference reads a flat object with encoding/json; flat is false where a value
// is nested.
func reference(line []byte) (out []audit.Member, flat, ok bool) {
	if !json.Valid(line) || !bytes.HasPrefix(bytes.TrimLeft(line, " \t\r\n"), []byte("{")) {
		return nil, false, false
	}
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	if _, err := d.Token(); err != nil {
		return nil, false, false
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, false, false
		}
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return nil, false, false
		}
		m := audit.Member{Key: key.(string), Value: string(raw)}
		switch raw[0] {
		case '{', '[':
			return nil, false, true
		case '"':
			if err := json.Unmarshal(raw, &m.Value); err != nil {
				return nil, false, false
			}
		}
		out = append(out, m)
	}
	return out, true, true
}

func FuzzMembers(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"a":1}`, `{"a":"\ud83d\ude00","b":-1.5E-7,"a":null}`, `{"a":[{"]":1}],"b":{}}`, "{\"\xff\":\"\u0085\"}", ` {"a":"` + strings.Repeat(`\"`, 9) + `"} `,
		`{"a":"\ud800\u0061"}`, `{"a":"\ud800\ud800\udc00"}`, `{"a":tru}`, `{"a":"b"`, `{"time":"2026-11-24T09:12:30Z","http.response.status_code":200}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		got, ok := audit.Members(line)
		want, flat, valid := reference(line)
		if valid {
			require.True(t, ok, "%q", line)
		}
		if flat {
			require.Equal(t, want, got, "%q", line)
		}
		for _, m := range got {
			if m.Nested {
				return // passed over by its brackets only
			}
		}
		require.Equal(t, valid, ok, "%q", line)
	})
}
