package sinktest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"unicode/utf8"
)

// expect checks what every destination of this package has in common.
func expect(r *http.Request, path string) error {
	switch {
	case r.Method != http.MethodPost:
		return fmt.Errorf("the method is %s, not POST", r.Method)
	case r.URL.Path != path || r.URL.RawQuery != "":
		return fmt.Errorf("the address is not %s", path)
	case r.Header.Get("Content-Type") != "application/json":
		return errors.New("the Content-Type is not application/json")
	case len(r.Header["User-Agent"]) != 1 || r.Header.Get("User-Agent") == "":
		return errors.New("there is not one User-Agent")
	}
	return nil
}

// decode reads one JSON value and nothing beside it, without unknown keys. Keys
// must be spelt as they are documented and stand once.
func decode(text []byte, to any) error {
	if !utf8.Valid(text) {
		return errors.New("the body is not UTF-8")
	}
	if err := unique(json.NewDecoder(bytes.NewReader(text))); err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(to); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is something behind the JSON value")
	}
	return nil
}

// unique reads one value and fails on a key that stands twice.
func unique(d *json.Decoder) error {
	token, err := d.Token()
	if err != nil {
		return err
	}
	open, nested := token.(json.Delim)
	if !nested {
		return nil
	}
	seen := map[string]bool{}
	for d.More() {
		if open == '{' {
			key, err := d.Token()
			if err != nil {
				return err
			}
			if name, _ := key.(string); seen[name] {
				return fmt.Errorf("the key %q stands twice", name)
			} else {
				seen[name] = true
			}
		}
		if err := unique(d); err != nil {
			return err
		}
	}
	_, err = d.Token()
	return err
}

// text checks the length of a text in bytes.
func text(name, s string, least, most int) error {
	if len(s) < least || len(s) > most {
		return fmt.Errorf("%s has %d bytes, not %d to %d", name, len(s), least, most)
	}
	return nil
}

// page checks the absolute address of a page.
func page(name, s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil {
		return fmt.Errorf("%s is not the address of a page", name)
	}
	return text(name, s, 1, 2000)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
