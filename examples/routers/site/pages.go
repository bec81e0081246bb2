package site

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// The pages are written as if nobody had thought of consent. gin's and echo's
// programs have the same pages in the router's own words.

// Home counts visits and sets what it likes: "rogue" is declared nowhere. It
// says which cookies it was shown.
func (s *Site) Home(w http.ResponseWriter, r *http.Request) {
	visits := 0
	if c, err := r.Cookie("visits"); err == nil {
		visits, _ = strconv.Atoi(c.Value)
	}
	http.SetCookie(w, &http.Cookie{Name: "session", Value: "s1", Path: "/"})
	http.SetCookie(w, &http.Cookie{Name: "visits", Value: strconv.Itoa(visits + 1), Path: "/", MaxAge: 365 * 86400})
	http.SetCookie(w, &http.Cookie{Name: "rogue", Value: "1", Path: "/"})
	_, _ = fmt.Fprintf(w, "<p>%d visits, %d cookies seen</p>%s", visits, len(r.Cookies()), s.Pages.Fragment(r))
}

// User is a page whose path is personal.
func User(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, "a user's page") }

// Order panics with something personal, once it has set a cookie.
func Order(w http.ResponseWriter, r *http.Request) {
	http.SetCookie(w, &http.Cookie{Name: "visits", Value: "7", Path: "/"})
	panic("no such order: " + r.URL.Path)
}

// Stream sends three server-sent events, each as soon as there is one.
func Stream(w http.ResponseWriter, r *http.Request) {
	http.SetCookie(w, &http.Cookie{Name: "visits", Value: "7", Path: "/"})
	w.Header().Set("Content-Type", "text/event-stream")
	for i := range 3 {
		_, _ = fmt.Fprintf(w, "data: %d\n\n", i)
		if http.NewResponseController(w).Flush() != nil {
			return
		}
		select {
		case <-r.Context().Done():
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Recover answers 500 for a page that panics, so that the log line says so. It
// is mounted inside the chain and tells nobody the value, which may be personal.
func Recover(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			switch v := recover(); v {
			case nil:
			case http.ErrAbortHandler:
				panic(v)
			default:
				http.Error(w, "something went wrong", http.StatusInternalServerError)
			}
		}()
		next.ServeHTTP(w, r)
	})
}
