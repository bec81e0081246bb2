package sinktest

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"testing"
	"time"
)

// GoatCounter starts a stand-in of GoatCounter's POST /api/v0/count that knows
// one token (https://www.goatcounter.com/help/api; limits after handlers/api.go
// and hit.go; 100 hits, which every version takes).
func GoatCounter(t testing.TB, token string) *Stub {
	return Serve(t, Protocol{
		Take: func(r *http.Request, body []byte) (int, error) { return takeGoatCounter(r, body, token) },
		Accept: func(w http.ResponseWriter, _ int) {
			w.Header().Set("X-Rate-Limit-Limit", "4")
			w.Header().Set("X-Rate-Limit-Remaining", "3")
			w.Header().Set("X-Rate-Limit-Reset", "1")
			writeJSON(w, http.StatusAccepted, map[string]string{"status": "ok"})
		},
		Refuse: func(w http.ResponseWriter, _ int, refused []int) {
			list := map[string]string{}
			for _, i := range refused {
				list[strconv.Itoa(i)] = answerCanary + ": path: must be set."
			}
			writeJSON(w, http.StatusBadRequest, map[string]any{"errors": list})
		},
	})
}

var isoCountry = regexp.MustCompile(`^[A-Z]{2}$`)

type goatHit struct {
	Path      *string    `json:"path"`
	Title     string     `json:"title"`
	Event     *bool      `json:"event"`
	Ref       string     `json:"ref"`
	Size      []float64  `json:"size"`
	Query     string     `json:"query"`
	Bot       int        `json:"bot"`
	UserAgent string     `json:"user_agent"`
	Location  string     `json:"location"`
	IP        string     `json:"ip"`
	CreatedAt *time.Time `json:"created_at"`
	Session   string     `json:"session"`
}

func takeGoatCounter(r *http.Request, body []byte, token string) (int, error) {
	if err := expect(r, "/api/v0/count"); err != nil {
		return 0, err
	}
	if a := r.Header["Authorization"]; len(a) != 1 || a[0] != "Bearer "+token {
		return 0, errors.New("the Authorization is not Bearer and the token")
	}
	var c struct {
		NoSessions bool      `json:"no_sessions"`
		Filter     []string  `json:"filter"`
		Hits       []goatHit `json:"hits"`
	}
	if err := decode(body, &c); err != nil {
		return 0, err
	}
	if len(c.Hits) == 0 || len(c.Hits) > 100 {
		return 0, errors.New("there are not 1 to 100 hits")
	}
	for _, f := range c.Filter {
		if f != "ip" {
			return 0, errors.New("the filter is not known")
		}
	}
	for i, h := range c.Hits {
		if err := h.check(c.NoSessions); err != nil {
			return 0, fmt.Errorf("hit %d: %w", i, err)
		}
	}
	return len(c.Hits), nil
}

func (h goatHit) check(noSessions bool) error {
	if h.Path == nil {
		return errors.New("path is missing")
	}
	faults := []error{
		text("path", *h.Path, 1, 2048), text("title", h.Title, 0, 1024), text("ref", h.Ref, 0, 2048),
		text("user_agent", h.UserAgent, 0, 512), text("session", h.Session, 0, 256),
	}
	if (h.Event == nil || !*h.Event) && (*h.Path == "" || (*h.Path)[0] != '/') {
		faults = append(faults, errors.New("the path of a page does not begin with a slash"))
	}
	if h.Location != "" && !isoCountry.MatchString(h.Location) {
		faults = append(faults, errors.New("location is not a country"))
	}
	if h.CreatedAt != nil && time.Until(*h.CreatedAt) > 5*time.Second {
		faults = append(faults, errors.New("created_at is in the future"))
	}
	if h.Session == "" && (h.UserAgent == "" || h.IP == "") && !noSessions {
		faults = append(faults, errors.New("there is no session, and no_sessions is not set"))
	}
	return errors.Join(faults...)
}
