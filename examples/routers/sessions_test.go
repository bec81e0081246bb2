package routers_test

import (
	"fmt"
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/gorilla/sessions"
	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/cookies"
	"github.com/candorhttp/candor/examples/routers/site"
)

// counts is a page that counts its visits in a session of gorilla/sessions, and
// one that ends it.
func counts(store sessions.Store, name string) func(*http.ServeMux, *site.Site) {
	return func(mux *http.ServeMux, _ *site.Site) {
		mux.HandleFunc("GET /count", func(w http.ResponseWriter, r *http.Request) {
			s, _ := store.Get(r, name) // a session that cannot be read is a new one
			n, _ := s.Values["n"].(int)
			s.Values["n"] = n + 1
			if err := s.Save(r, w); err != nil {
				http.Error(w, "", http.StatusInternalServerError)
				return
			}
			_, _ = fmt.Fprintf(w, "%d new=%v", n, s.IsNew)
		})
		mux.HandleFunc("GET /end", func(w http.ResponseWriter, r *http.Request) {
			s, _ := store.Get(r, name)
			s.Options.MaxAge = -1
			_ = s.Save(r, w)
		})
	}
}

func newStore() *sessions.CookieStore {
	store := sessions.NewCookieStore([]byte("0123456789abcdef0123456789abcdef"))
	store.Options.Secure = false // the tests speak plain http as well
	return store
}

// A session that is essential works from the first visit. What the store asks
// for, 30 days and SameSite=None, is cut to what is declared.
func TestGorillaSessions(t *testing.T) {
	protocols(t, func(t *testing.T, http2 bool) {
		s := shop{routes: counts(newStore(), "basket"), cookies: []cookies.Spec{essential("basket")}, http2: http2}.start(t)
		v := s.Visitor()
		a := v.Get("/count")
		require.Equal(t, "0 new=true", a.Text)
		require.Len(t, a.Sets(), 1)
		require.Regexp(t, regexp.MustCompile(`^basket=[\w=-]+; Path=/; Expires=[^;]+ GMT; Max-Age=3600; HttpOnly; SameSite=Lax$`), a.Sets()[0])
		require.Equal(t, "1 new=false", v.Get("/count").Text)
		require.Equal(t, "2 new=false", v.Get("/count").Text)
		a = v.Get("/end")
		require.Len(t, a.Sets(), 1)
		require.Contains(t, a.Sets()[0], "Max-Age=0")
		require.Empty(t, v.Holds())
		require.Equal(t, "0 new=true", v.Get("/count").Text)
	})
}

// A session that needs consent is a new one each time, until there is some, and
// is gone after the withdrawal.
func TestGorillaSessionsByConsent(t *testing.T) {
	s := shop{routes: counts(newStore(), "tour"), cookies: []cookies.Spec{measured("tour")}}.start(t)
	v := s.Visitor()
	for range 2 {
		a := v.Get("/count")
		require.Equal(t, "0 new=true", a.Text)
		require.Empty(t, a.Sets())
	}
	v.Post("/privacy/decision", "action=accept")
	require.Equal(t, "0 new=true", v.Get("/count").Text)
	require.Equal(t, "1 new=false", v.Get("/count").Text)
	a := v.Post("/privacy/withdraw", "")
	require.ElementsMatch(t, []string{"consent", "tour"}, a.Names())
	require.Equal(t, []string{"consent"}, v.Holds())
	require.Equal(t, "0 new=true", v.Get("/count").Text)
	require.Equal(t, []string{"consent"}, v.Holds())
	a = v.Get("/end")
	require.Len(t, a.Sets(), 1, "a deletion needs no consent")
	require.Regexp(t, `^tour=; .*Max-Age=0`, a.Sets()[0])
}

// A session that nobody declared does not come back; the operator is told why.
func TestGorillaSessionsUndeclared(t *testing.T) {
	s := shop{routes: counts(newStore(), "basket")}.start(t)
	v := s.Visitor()
	v.Post("/privacy/decision", "action=accept")
	for range 2 {
		a := v.Get("/count")
		require.Equal(t, "0 new=true", a.Text)
		require.Empty(t, a.Sets())
	}
	require.Contains(t, s.Own.String(), `withheld \"basket\": not declared`)
}

// What a middleware outside of the chain saves before it calls on lies in the
// same header map and is judged with the rest.
func TestGorillaSessionsOutside(t *testing.T) {
	store := newStore()
	s := shop{cookies: []cookies.Spec{measured("tour")}, around: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s, _ := store.Get(r, "tour")
			_ = s.Save(r, w)
			next.ServeHTTP(w, r)
		})
	}}.start(t)
	v := s.Visitor()
	require.Empty(t, v.Get("/users/42").Sets())
	v.Post("/privacy/decision", "action=accept")
	require.Equal(t, []string{"tour"}, v.Get("/users/42").Names())
}

// scsPages signs in and out and streams, with a session of alexedwards/scs.
func scsPages(m *scs.SessionManager) func(*http.ServeMux, *site.Site) {
	return func(mux *http.ServeMux, _ *site.Site) {
		mux.HandleFunc("POST /signin", func(w http.ResponseWriter, r *http.Request) {
			if m.RenewToken(r.Context()) != nil {
				http.Error(w, "", http.StatusInternalServerError)
				return
			}
			m.Put(r.Context(), "who", "jane")
			http.Redirect(w, r, "/who", http.StatusSeeOther)
		})
		mux.HandleFunc("GET /who", func(w http.ResponseWriter, r *http.Request) {
			_, _ = fmt.Fprint(w, "you are "+m.GetString(r.Context(), "who"))
		})
		mux.HandleFunc("POST /signout", func(w http.ResponseWriter, r *http.Request) { _ = m.Destroy(r.Context()) })
		mux.HandleFunc("GET /events", func(w http.ResponseWriter, r *http.Request) {
			m.Put(r.Context(), "seen", time.Now().Unix())
			site.Stream(w, r)
		})
	}
}

func newSCS(name string) *scs.SessionManager {
	m := scs.New()
	m.Cookie.Name = name
	return m
}

func TestSCS(t *testing.T) {
	protocols(t, func(t *testing.T, http2 bool) {
		m := newSCS("login")
		s := shop{inside: m.LoadAndSave, routes: scsPages(m), cookies: []cookies.Spec{essential("login")}, http2: http2}.start(t)
		v := s.Visitor()
		require.Equal(t, "you are ", v.Get("/who").Text)
		require.Empty(t, v.Holds())
		a := v.Post("/signin", "")
		require.Equal(t, 303, a.StatusCode)
		require.Len(t, a.Sets(), 1)
		require.Regexp(t, regexp.MustCompile(`^login=[\w-]+; Path=/; Expires=[^;]+ GMT; Max-Age=3600; HttpOnly; SameSite=Lax$`), a.Sets()[0], "a day, cut to the declared hour")
		first := a.Sets()[0]
		require.Equal(t, "you are jane", v.Get("/who").Text)
		require.NotEqual(t, first, v.Post("/signin", "").Sets()[0], "another token")

		v.Post("/privacy/decision", "action=accept")
		v.Post("/privacy/withdraw", "")
		require.Equal(t, "you are jane", v.Get("/who").Text, "the login survives the withdrawal")

		a = v.Get("/events")
		require.Equal(t, []string{"login"}, a.Names(), "never visits")
		require.Contains(t, a.Text, "data: 2")

		a = v.Post("/signout", "")
		require.Len(t, a.Sets(), 1)
		require.Contains(t, a.Sets()[0], "login=;")
		require.Equal(t, "you are ", v.Get("/who").Text)
	})
}

// Undeclared it is withheld, as every other.
func TestSCSUndeclared(t *testing.T) {
	m := newSCS("login")
	s := shop{inside: m.LoadAndSave, routes: scsPages(m)}.start(t)
	v := s.Visitor()
	require.Empty(t, v.Post("/signin", "").Sets())
	require.Equal(t, "you are ", v.Get("/who").Text)
	require.Contains(t, s.Own.String(), `withheld \"login\": not declared`)
}

// Around the chain scs adds its cookie when the header was judged already: an
// undeclared session, for an undecided visitor, with none of what the inventory
// says. And its session is found in a cookie that handlers may not see.
func scsAround(t *testing.T) {
	m := newSCS("login")
	s := shop{around: m.LoadAndSave, routes: scsPages(m)}.start(t)
	v := s.Visitor()
	require.Equal(t, []string{"login"}, v.Post("/signin", "").Names())
	require.Equal(t, "you are jane", v.Get("/who").Text)
	require.Zero(t, s.Site.Gate.Stats().Undeclared)
}

// Inside, the same is withheld, and declared it works: the tests above.
func scsInside(t *testing.T) { TestSCS(t); TestSCSUndeclared(t) }
