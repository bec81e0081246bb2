package main

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/candorhttp/candor/consent/analytics"
	"github.com/candorhttp/candor/consent/banner"
	"github.com/candorhttp/candor/consent/experiment"
	"github.com/candorhttp/candor/cookies"
)

//go:embed pages
var pageFiles embed.FS

// shop is a small site as a team would write it that never thought about
// consent: it sets what it likes and logs nothing of its own. What keeps it
// within its policy is around it, in chain.go.
type shop struct {
	templates *template.Template
	pages     *banner.Pages
	session   *cookies.Sealed[session]
	lastLogin *cookies.Sealed[string]
	goods     *experiment.Experiment
	events    *analytics.Pipeline
	catalogue []byte
}

// session is who is signed in.
type session struct {
	ID    string `json:"id"`
	Email string `json:"email"`
}

// page is what the templates show.
type page struct {
	Title, Theme, Email, Remembered, Query, Page, Goods string
	Visits                                              int
	Consent                                             banner.Bound
}

func newShop(pages *banner.Pages, s *cookies.Sealed[session], last *cookies.Sealed[string], goods *experiment.Experiment, events *analytics.Pipeline) (*shop, error) {
	t, err := template.New("shop").Funcs(template.FuncMap{"outbound": events.Link}).ParseFS(pageFiles, "pages/shop.html")
	if err != nil {
		return nil, err
	}
	return &shop{templates: t, pages: pages, session: s, lastLogin: last, goods: goods, events: events, catalogue: bytes.Repeat([]byte("teapot; "), 5<<20/8)}, nil
}

func (s *shop) serve(mux *http.ServeMux) {
	mux.HandleFunc("GET /{$}", s.home)
	mux.HandleFunc("POST /settings", s.settings)
	mux.HandleFunc("GET /login", s.loginPage)
	mux.HandleFunc("POST /login", s.login)
	mux.HandleFunc("POST /login/forget", s.forget)
	mux.HandleFunc("POST /logout", s.logout)
	mux.HandleFunc("GET /users/{id}", s.user)
	mux.HandleFunc("GET /search", s.search)
	mux.HandleFunc("GET /stream", s.stream)
	mux.HandleFunc("GET /download", s.download)
	mux.HandleFunc("GET /panic", s.panic)
	mux.HandleFunc("GET /style.css", s.style)
}

func (s *shop) home(w http.ResponseWriter, r *http.Request) {
	p := s.page(r, "Welcome")
	p.Goods = s.goods.Show(w, r)
	if c, err := r.Cookie("visits"); err == nil {
		p.Visits, _ = strconv.Atoi(c.Value)
	}
	http.SetCookie(w, &http.Cookie{Name: "visits", Value: strconv.Itoa(p.Visits + 1), Path: "/", MaxAge: 365 * 86400})
	http.SetCookie(w, &http.Cookie{Name: "rogue", Value: uuid.NewString(), Path: "/", MaxAge: 365 * 86400})
	s.render(w, r, "home", p)
}

func (s *shop) settings(w http.ResponseWriter, r *http.Request) {
	theme := "light"
	if r.PostFormValue("theme") == "dark" {
		theme = "dark"
	}
	http.SetCookie(w, &http.Cookie{Name: "theme", Value: theme, Path: "/", MaxAge: 180 * 86400})
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (s *shop) loginPage(w http.ResponseWriter, r *http.Request) {
	p := s.page(r, "Sign in")
	p.Remembered, _ = s.lastLogin.Get(r)
	s.render(w, r, "login", p)
}

func (s *shop) login(w http.ResponseWriter, r *http.Request) {
	email := r.PostFormValue("email")
	if email == "" || len(email) > 254 {
		http.Error(w, "give an e-mail address", http.StatusBadRequest)
		return
	}
	// A fresh id at every login, so that nobody can plant one beforehand.
	if err := s.session.Set(w, r, session{ID: uuid.NewString(), Email: email}); err != nil {
		http.Error(w, "you could not be signed in", http.StatusInternalServerError)
		return
	}
	_ = s.lastLogin.Set(w, r, email) // without consent nothing is remembered
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (s *shop) forget(w http.ResponseWriter, r *http.Request) {
	_ = s.lastLogin.Clear(w, r)
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}

func (s *shop) logout(w http.ResponseWriter, r *http.Request) {
	_ = s.session.Clear(w, r)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (s *shop) user(w http.ResponseWriter, r *http.Request) {
	s.render(w, r, "user", s.page(r, "Account "+r.PathValue("id")))
}

func (s *shop) search(w http.ResponseWriter, r *http.Request) {
	p := s.page(r, "Search")
	p.Query, p.Page = r.FormValue("q"), r.FormValue("page")
	number, _ := strconv.ParseInt(p.Page, 10, 64)
	s.events.Track(r.Context(), analytics.Event{Name: "search", Properties: []analytics.Property{analytics.Int("page", max(number, 1))}})
	s.render(w, r, "search", p)
}

// stream sends the time as server-sent events, one a second, five of them.
func (s *shop) stream(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-cache")
	flush := http.NewResponseController(w).Flush
	for i := range 5 {
		if i > 0 {
			select {
			case <-r.Context().Done():
				return
			case <-time.After(time.Second):
			}
		}
		if _, err := fmt.Fprintf(w, "data: %s\n\n", time.Now().UTC().Format(time.TimeOnly)); err != nil || flush() != nil {
			return
		}
	}
}

func (s *shop) download(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeContent(w, r, "catalogue.bin", time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), bytes.NewReader(s.catalogue))
}

func (s *shop) panic(http.ResponseWriter, *http.Request) {
	panic("no such order for visitor@example.com")
}

func (s *shop) style(w http.ResponseWriter, r *http.Request) {
	http.ServeFileFS(w, r, pageFiles, "pages/style.css")
}

func (s *shop) page(r *http.Request, title string) page {
	p := page{Title: title, Theme: "light"}
	if c, err := r.Cookie("theme"); err == nil && c.Value == "dark" {
		p.Theme = "dark"
	}
	if who, err := s.session.Get(r); err == nil {
		p.Email = who.Email
	}
	return p
}

func (s *shop) render(w http.ResponseWriter, r *http.Request, name string, p page) {
	p.Consent = s.pages.Bind(r) // before the first byte: it asks
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	// An error here is one of the connection; there is nobody left to tell.
	_ = s.templates.ExecuteTemplate(w, name, p)
}
