package sinktest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strconv"
	"testing"
)

// Plausible starts a stand-in of Plausible's Events API that knows one domain
// (https://plausible.io/docs/events-api; limits after
// lib/plausible/ingestion/request.ex).
func Plausible(t testing.TB, domain string) *Stub {
	return Serve(t, Protocol{
		Take: func(r *http.Request, body []byte) (int, error) { return 1, takePlausible(r, body, domain) },
		Accept: func(w http.ResponseWriter, _ int) {
			w.WriteHeader(http.StatusAccepted)
			_, _ = io.WriteString(w, "ok")
		},
		Refuse: func(w http.ResponseWriter, _ int, refused []int) {
			w.Header().Set("x-plausible-dropped", strconv.Itoa(len(refused)))
			w.WriteHeader(http.StatusAccepted)
			_, _ = io.WriteString(w, "ok")
		},
	})
}

func takePlausible(r *http.Request, body []byte, domain string) error {
	if err := expect(r, "/api/event"); err != nil {
		return err
	}
	for _, field := range []string{"X-Plausible-Ip", "Cf-Connecting-Ip", "B-Forwarded-For", "Forwarded"} {
		if r.Header.Get(field) != "" {
			return fmt.Errorf("the field %s is for proxies", field)
		}
	}
	if len(r.Header["X-Forwarded-For"]) != 1 {
		return errors.New("there is not one X-Forwarded-For")
	}
	if _, err := netip.ParseAddr(r.Header.Get("X-Forwarded-For")); err != nil {
		return errors.New("X-Forwarded-For is not an address")
	}
	var e struct {
		Name        *string         `json:"name"`
		URL         *string         `json:"url"`
		Domain      *string         `json:"domain"`
		Referrer    *string         `json:"referrer"`
		Interactive *bool           `json:"interactive"`
		Props       map[string]any  `json:"props"`
		Revenue     json.RawMessage `json:"revenue"`
	}
	if err := decode(body, &e); err != nil {
		return err
	}
	if e.Name == nil || e.URL == nil || e.Domain == nil {
		return errors.New("name, url or domain is missing")
	}
	faults := []error{text("name", *e.Name, 1, 120), page("url", *e.URL)}
	if *e.Name == "engagement" {
		faults = append(faults, errors.New("the name engagement is the script's own"))
	}
	if *e.Domain != domain {
		faults = append(faults, errors.New("the domain is not known"))
	}
	if e.Referrer != nil {
		faults = append(faults, text("referrer", *e.Referrer, 1, 2000))
	}
	if len(e.Props) > 30 {
		faults = append(faults, errors.New("there are more than 30 props"))
	}
	for key, v := range e.Props {
		faults = append(faults, text("a prop's name", key, 1, 300))
		switch v := v.(type) {
		case string:
			faults = append(faults, text("a prop", v, 1, 2000))
		case float64, bool:
		default:
			faults = append(faults, errors.New("a prop is not a text, a number or a truth value"))
		}
	}
	return errors.Join(faults...)
}
