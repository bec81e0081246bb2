package consent

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
)

// maxBody bounds the body of a post. The largest honest one, 64 purposes by
// name, stays below 4 KiB.
const maxBody = 8 << 10

// post is what a visitor posted, as a form or as JSON.
type post struct {
	json     bool
	action   string
	purposes []Purpose
	back     string
	language string
	answer   string
	token    string
	format   string
	grants   map[Purpose]bool
}

// fields are the names that a post may have, in its two forms.
type fields struct{ form, json []string }

var (
	choiceFields   = fields{[]string{"action", "purpose", "return", "language", "answer"}, []string{"grants", "language"}}
	withdrawFields = fields{[]string{"purpose", "return", "language", "answer"}, []string{"purposes", "language"}}
	rightsFields   = fields{[]string{"receipt", "format"}, []string{"receipt", "format"}}
)

// readPost reads and checks a post, or answers why not.
func (m *Manager) readPost(w http.ResponseWriter, r *http.Request, allowed fields) (*post, bool) {
	fail := func(status int, text string) (*post, bool) {
		m.counters.badRequest.Add(1)
		m.refuse(w, r, status, text)
		return nil, false
	}
	if err := m.crossSite.Check(r); err != nil {
		m.counters.crossSite.Add(1)
		m.refuse(w, r, http.StatusForbidden, "choices are taken from this site's own pages only")
		return nil, false
	}
	if r.ContentLength > maxBody {
		return fail(http.StatusRequestEntityTooLarge, "the body is larger than 8 KiB")
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return fail(http.StatusBadRequest, "the body could not be read")
	}
	if len(body) > maxBody {
		return fail(http.StatusRequestEntityTooLarge, "the body is larger than 8 KiB")
	}
	header := r.Header.Values("Content-Type")
	kind := ""
	switch {
	case len(header) == 0 && len(body) == 0:
		kind = "application/x-www-form-urlencoded"
	case len(header) == 1:
		kind, _, err = mime.ParseMediaType(header[0])
	}
	var p *post
	switch {
	case err == nil && kind == "application/x-www-form-urlencoded":
		p, err = parseForm(string(body), allowed.form)
	case err == nil && kind == "application/json":
		p, err = parseJSON(body, allowed.json)
	default:
		return fail(http.StatusUnsupportedMediaType, "send application/x-www-form-urlencoded or application/json")
	}
	if err != nil {
		return fail(http.StatusBadRequest, err.Error())
	}
	return p, true
}

func parseForm(body string, allowed []string) (*post, error) {
	values, err := url.ParseQuery(body)
	if err != nil {
		return nil, errors.New("the form cannot be read")
	}
	p := &post{}
	for name, list := range values {
		if !slices.Contains(allowed, name) {
			return nil, fmt.Errorf("unknown field %s", quoteName(name))
		}
		if name == "purpose" {
			for _, v := range list {
				p.purposes = append(p.purposes, Purpose(v))
			}
			continue
		}
		if len(list) != 1 {
			return nil, fmt.Errorf("field %q is given twice", name)
		}
		*p.text(name) = list[0]
	}
	return p, nil
}

// text is where the one text of a field goes.
func (p *post) text(name string) *string {
	switch name {
	case "action":
		return &p.action
	case "return":
		return &p.back
	case "answer":
		return &p.answer
	case "receipt":
		return &p.token
	case "format":
		return &p.format
	}
	return &p.language
}

// parseJSON reads {"grants":{"purpose":true}, "purposes":["purpose"],
// "language":"en"}, or what of it the endpoint takes, by hand: names match exactly and once, which encoding/json
// does not ask for, and a post that says yes and no to one thing is refused
// rather than guessed at.
func parseJSON(body []byte, allowed []string) (*post, error) {
	bad := errors.New("the JSON cannot be read")
	d := json.NewDecoder(bytes.NewReader(body))
	p := &post{json: true}
	if len(body) == 0 {
		return p, nil // most endpoints need nothing said
	}
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, bad
	}
	seen := map[string]bool{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, bad
		}
		name, _ := t.(string)
		if seen[name] {
			return nil, fmt.Errorf("field %s is given twice", quoteName(name))
		}
		seen[name] = true
		if !slices.Contains(allowed, name) {
			return nil, fmt.Errorf("unknown field %s", quoteName(name))
		}
		switch name {
		case "grants":
			if p.grants, err = parseGrants(d); err != nil {
				return nil, err
			}
		case "purposes":
			if t, err := d.Token(); err != nil || t != json.Delim('[') {
				return nil, errors.New(`field "purposes": send a list of names`)
			}
			for d.More() {
				v, err := d.Token()
				s, ok := v.(string)
				if err != nil || !ok {
					return nil, errors.New(`field "purposes": send a list of names`)
				}
				p.purposes = append(p.purposes, Purpose(s))
			}
			if _, err := d.Token(); err != nil {
				return nil, bad
			}
		default:
			v, err := d.Token()
			s, ok := v.(string)
			if err != nil || !ok {
				return nil, fmt.Errorf("field %q: send a text", name)
			}
			*p.text(name) = s
		}
	}
	if _, err := d.Token(); err != nil {
		return nil, bad
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, bad
	}
	return p, nil
}

func parseGrants(d *json.Decoder) (map[Purpose]bool, error) {
	bad := errors.New(`field "grants": send an object of purposes with true or false`)
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, bad
	}
	grants := map[Purpose]bool{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, bad
		}
		name, _ := t.(string)
		v, err := d.Token()
		granted, ok := v.(bool)
		if err != nil || !ok {
			return nil, bad
		}
		if _, twice := grants[Purpose(name)]; twice {
			return nil, fmt.Errorf("purpose %s is given twice", quoteName(name))
		}
		grants[Purpose(name)] = granted
	}
	if _, err := d.Token(); err != nil {
		return nil, bad
	}
	return grants, nil
}
