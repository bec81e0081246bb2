// Package roastery holds what every step has in common: the handlers of a small
// coffee shop, which sign people in with gorilla/sessions, and the policy.
package roastery

import (
	_ "embed"
	"fmt"
	"html/template"
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/gorilla/sessions"
)

// PolicyJSON is the privacy policy as data, written for the second step.
//
//go:embed policy.json
var PolicyJSON []byte

// Shop is the service without what the steps change.
type Shop struct {
	// Sessions keeps who is signed in.
	Sessions sessions.Store
	// Track tells the team's own statistics of a page view.
	Track func(http.ResponseWriter, *http.Request)
	// Remember keeps a login address in the browser, Remembered reads it.
	Remember   func(w http.ResponseWriter, r *http.Request, email string)
	Remembered func(*http.Request) string
	// Banner is what is shown at the end of a page.
	Banner func(*http.Request) template.HTML
}

var page = template.Must(template.New("").Parse(`<!doctype html>
<html lang="en" data-roast="{{.Roast}}"><meta charset="utf-8"><title>Roastery</title>
<main><h1>Roastery</h1>
{{if .Email}}<p>Signed in as <b>{{.Email}}</b></p>{{end}}
<form method="post" action="/login"><input name="email" value="{{.Remembered}}"><button>Sign in</button></form>
<p>{{.Text}}</p></main>
{{.Banner}}
`))

// Routes mounts the pages.
func (s *Shop) Routes(r chi.Router) {
	r.Get("/", func(w http.ResponseWriter, r *http.Request) { s.show(w, r, "Beans of the week") })
	r.Get("/orders/{id}", func(w http.ResponseWriter, r *http.Request) { s.show(w, r, "Order "+chi.URLParam(r, "id")) })
	r.Post("/login", s.login)
	r.Post("/logout", s.logout)
	r.Post("/roast", s.roast)
}

func (s *Shop) show(w http.ResponseWriter, r *http.Request, text string) {
	s.Track(w, r)
	view := struct {
		Roast, Email, Remembered, Text string
		Banner                         template.HTML
	}{Roast: "medium", Remembered: s.Remembered(r), Text: text, Banner: s.Banner(r)}
	if c, err := r.Cookie("roast"); err == nil && c.Value == "dark" {
		view.Roast = "dark"
	}
	session, _ := s.Sessions.Get(r, "session")
	view.Email, _ = session.Values["email"].(string)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = page.Execute(w, view)
}

func (s *Shop) login(w http.ResponseWriter, r *http.Request) {
	email := r.PostFormValue("email")
	if email == "" {
		http.Error(w, "give an address", http.StatusBadRequest)
		return
	}
	session, _ := s.Sessions.New(r, "session")
	session.Values["email"] = email
	if err := session.Save(r, w); err != nil {
		http.Error(w, "you could not be signed in", http.StatusInternalServerError)
		return
	}
	s.Remember(w, r, email)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (s *Shop) logout(w http.ResponseWriter, r *http.Request) {
	session, _ := s.Sessions.Get(r, "session")
	session.Options.MaxAge = -1
	if err := session.Save(r, w); err != nil {
		http.Error(w, "you could not be signed out", http.StatusInternalServerError)
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (s *Shop) roast(w http.ResponseWriter, r *http.Request) {
	http.SetCookie(w, &http.Cookie{Name: "roast", Value: r.PostFormValue("roast"), Path: "/", MaxAge: 365 * 86400})
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// View is what the home-made statistics are told.
type View struct{ Visitor, Address, Page, Browser string }

// Collector receives it, somewhere.
type Collector func(View)

// Sessions returns the session store as the team had it.
func Sessions(secret []byte) sessions.Store {
	store := sessions.NewCookieStore(secret)
	store.Options = &sessions.Options{Path: "/", MaxAge: 86400, HttpOnly: true}
	return store
}

// String of a View is for debugging, as such things are.
func (v View) String() string {
	return fmt.Sprintf("%s from %s on %s with %s", v.Visitor, v.Address, v.Page, v.Browser)
}
