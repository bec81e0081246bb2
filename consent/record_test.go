package consent_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
)

// record is a page that records choices and then asks.
func record(t *testing.T, m *consent.Manager, grants map[consent.Purpose]bool, late bool, want error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if late {
			_, _ = w.Write([]byte("late "))
		}
		err := m.Record(w, r, consent.Choices{Grants: grants, Language: "de"})
		if want == nil {
			require.NoError(t, err)
		} else {
			require.ErrorIs(t, err, want)
		}
		if consent.Allowed(r.Context(), consent.Analytics) {
			_, _ = w.Write([]byte("allowed"))
		}
	}
}

func TestRecordInTheHostsOwnDialog(t *testing.T) {
	cfg := config(t)
	m := newManager(t, cfg)
	analytics := map[consent.Purpose]bool{consent.Analytics: true}
	s := serve(t, m, map[string]http.HandlerFunc{
		"POST /yes":     record(t, m, analytics, false, nil),
		"POST /no":      record(t, m, map[consent.Purpose]bool{consent.Analytics: false}, false, nil),
		"POST /lateyes": record(t, m, analytics, true, consent.ErrLate),
		"POST /lateno":  record(t, m, map[consent.Purpose]bool{consent.Analytics: false}, true, consent.ErrLate),
		"POST /unknown": record(t, m, map[consent.Purpose]bool{"spying": true, consent.Analytics: true}, false, consent.ErrUnknownPurpose),
		"POST /nothing": record(t, m, nil, false, nil),
	})
	a := s.do("POST", "/yes", "")
	require.Equal(t, "allowed", a.body, "the same response may use it")
	require.NotNil(t, a.cookie())
	c := "consent=" + a.cookie().Value
	held := entries(t, cfg.Ledger)
	require.Equal(t, consent.MethodHost, held[0].Method)
	require.Equal(t, "de", held[0].Language)

	require.Empty(t, s.do("POST", "/nothing", "").Header["Set-Cookie"])
	a = s.do("POST", "/unknown", "")
	require.Empty(t, a.Header["Set-Cookie"])
	require.Empty(t, a.body)
	a = s.do("POST", "/lateyes", "")
	require.Equal(t, "late ", a.body)
	require.Empty(t, a.Header["Set-Cookie"])
	require.Len(t, entries(t, cfg.Ledger), 1)

	a = s.do("POST", "/lateno", "", "Cookie", c)
	require.Equal(t, "late ", a.body, "a no is in effect although its cookie could not be sent")
	require.Empty(t, a.Header["Set-Cookie"])
	require.Equal(t, doubtful, s.states(c))
	require.Len(t, entries(t, cfg.Ledger), 2)
}

func TestErrorsHoldNoValues(t *testing.T) {
	m := newManager(t, config(t))
	var got error
	s := serve(t, m, map[string]http.HandlerFunc{
		"/": func(w http.ResponseWriter, r *http.Request) {
			got = m.Record(w, r, consent.Choices{Grants: map[consent.Purpose]bool{"jane@example.com\n\x1b[31m0123456789012345678901234567890123456789": true}})
		},
	})
	s.do("GET", "/", "")
	require.ErrorIs(t, got, consent.ErrUnknownPurpose)
	require.Equal(t, `consent: record: unknown purpose "jane?example.com???31m0123456789..."`, got.Error())
	require.False(t, errors.Is(got, consent.ErrLedger))
}

func TestPromise_P07_FeaturesAreGatedNotTheSite(t *testing.T) {
	m := newManager(t, config(t))
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte("the map")) })
	s := serve(t, m, map[string]http.HandlerFunc{
		"/map": consent.Require(consent.Marketing, nil)(page).ServeHTTP,
		"/own": consent.Require(consent.Marketing, http.NotFoundHandler())(page).ServeHTTP,
		"/odd": consent.Require("unheard_of", nil)(page).ServeHTTP,
	})
	a := s.do("GET", "/map", "")
	require.Equal(t, http.StatusForbidden, a.StatusCode)
	require.Contains(t, a.body, "<h1>marketing</h1>")
	require.Contains(t, a.body, `<a href="/privacy/">`)
	require.Equal(t, "private", a.Header.Get("Cache-Control"))
	require.Equal(t, 404, s.do("GET", "/own", "").StatusCode)
	require.Equal(t, 403, s.do("GET", "/odd", "").StatusCode)
	c := s.choose("", `{"marketing":true}`)
	require.Equal(t, "the map", s.do("GET", "/map", "", "Cookie", c).body)
	require.Equal(t, "the map", s.do("GET", "/own", "", "Cookie", c).body)
}

// A host keeps the subject with an account, to know later whom to write to.
func TestSubjectForTheHost(t *testing.T) {
	cfg := config(t)
	m := newManager(t, cfg)
	var got consent.Subject
	s := serve(t, m, map[string]http.HandlerFunc{"/": func(_ http.ResponseWriter, r *http.Request) { got = m.Subject(r) }})
	require.Empty(t, s.do("GET", "/", "", "Cookie", s.choose("", `{"analytics":true}`)).Header["Vary"])
	require.Equal(t, entries(t, cfg.Ledger)[0].Subject, got)
	s.do("GET", "/", "", "Cookie", "consent="+s.form("/privacy/decision", "", "action=refuse").cookie().Value)
	require.True(t, got.IsZero())
	r, err := http.NewRequest("GET", "/", nil)
	require.NoError(t, err)
	require.True(t, m.Subject(r).IsZero(), "outside of the middleware")
}
