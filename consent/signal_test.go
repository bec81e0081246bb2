package consent_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
)

func TestGlobalPrivacyControl(t *testing.T) {
	cfg := config(t)
	s := serve(t, newManager(t, cfg), nil)
	const denied = `"source":"gpc","purposes":{"preferences":"unset","analytics":"unset","marketing":"denied"`
	require.Contains(t, s.states("", "Sec-GPC", "1"), denied)
	require.Contains(t, s.states("", "Sec-GPC", "0", "Sec-GPC", "1"), denied, "any line that is exactly 1")
	for _, odd := range []string{"0", "true", "1;a", `"1"`, "11", "1, 1", "yes"} {
		require.Equal(t, undecided, s.states("", "Sec-GPC", odd), "%q is nothing", odd)
	}

	unknowing := s.choose("", `{"marketing":true}`)
	require.Contains(t, s.states(unknowing), `"marketing":"granted"`)
	require.Contains(t, s.states(unknowing, "Sec-GPC", "1"), `"source":"stored","purposes":{"preferences":"unset","analytics":"unset","marketing":"denied"`)

	a := s.do("POST", "/privacy/decision", `{"grants":{"marketing":true}}`, "Content-Type", "application/json", "Sec-GPC", "1")
	require.Contains(t, a.body, `"marketing":"granted"`)
	knowing := "consent=" + a.cookie().Value
	require.Contains(t, s.states(knowing, "Sec-GPC", "1"), `"marketing":"granted"`)
	held := entries(t, cfg.Ledger)
	require.False(t, held[0].GPC)
	require.True(t, held[1].GPC)
}

func TestGPCStatement(t *testing.T) {
	s := serve(t, newManager(t, config(t)), nil)
	a := s.do("GET", "/.well-known/gpc.json", "")
	require.Equal(t, 200, a.StatusCode)
	require.Equal(t, "application/json", a.Header.Get("Content-Type"))
	require.JSONEq(t, `{"gpc":true,"lastUpdate":"2026-10-01"}`, a.body)
	require.Equal(t, 200, s.do("HEAD", "/.well-known/gpc.json", "").StatusCode)
	require.Equal(t, 405, s.do("POST", "/.well-known/gpc.json", "").StatusCode)
}

func TestRegimeByRequest(t *testing.T) {
	cfg := config(t)
	cfg.Regime = func(r *http.Request) consent.Regime {
		if r.Header.Get("X-Country") == "US" {
			return consent.OptOut
		}
		return consent.OptIn
	}
	s := serve(t, newManager(t, cfg), map[string]http.HandlerFunc{
		"/": func(w http.ResponseWriter, r *http.Request) {
			d := consent.From(r.Context())
			_, _ = w.Write([]byte(d.Regime().String() + " "))
			if d.Allows(consent.Marketing) {
				_, _ = w.Write([]byte("marketing"))
			}
		},
	})
	require.Equal(t, "opt-in ", s.do("GET", "/", "").body)
	require.Equal(t, "opt-out marketing", s.do("GET", "/", "", "X-Country", "US").body)
	require.Equal(t, "opt-out ", s.do("GET", "/", "", "X-Country", "US", "Sec-GPC", "1").body)
	refused := "consent=" + s.form("/privacy/decision", "", "action=refuse").cookie().Value
	require.Equal(t, "opt-out ", s.do("GET", "/", "", "X-Country", "US", "Cookie", refused).body)
	require.Equal(t, "opt-out ", s.do("GET", "/", "", "X-Country", "US", "Cookie", refused+"x").body, "an unreadable answer is not silence")

	s.do("POST", "/privacy/decision", `{"grants":{"analytics":true}}`, "Content-Type", "application/json", "X-Country", "US")
	held := entries(t, cfg.Ledger)
	require.Equal(t, "opt-out", held[len(held)-1].Regime, "recorded as such")
}

// A purpose on the basis of objection is on until it is refused, and again when
// it is granted; whatever cannot be believed turns it off.
func TestObjection(t *testing.T) {
	s := serve(t, newManager(t, config(t)), map[string]http.HandlerFunc{
		"/": func(w http.ResponseWriter, r *http.Request) {
			if consent.Allowed(r.Context(), "measurement") {
				_, _ = w.Write([]byte("on"))
			}
		},
	})
	visit := func(cookie string) string { return s.do("GET", "/", "", "Cookie", cookie).body }
	require.Equal(t, "on", visit(""))
	require.Equal(t, "on", s.do("GET", "/", "", "Sec-GPC", "1").body, "it shares nothing")
	no := s.choose("", `{"measurement":false}`)
	require.Empty(t, visit(no))
	require.Empty(t, visit(no+"x"))
	require.Equal(t, "on", visit(s.choose(no, `{"measurement":true}`)))
	require.Equal(t, "on", visit(s.choose("", `{"analytics":false}`)), "something else was refused")
}
