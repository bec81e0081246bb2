package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/cookies"
)

// The uses of cookies that the policy names, each by its own purpose. Those for
// experiments and statistics have tests of their own.

// Settings are kept for who agreed, work for nobody else, and end with the yes.
func TestPromise_P10_Settings(t *testing.T) {
	s := start(t, newKeys(t))
	v := s.visitor()
	require.Empty(t, v.form("/settings", "theme=dark").names())
	require.Contains(t, v.get("/").body, `data-theme="light"`)
	v.form("/privacy/decision", "action=save&purpose=preferences")
	require.Equal(t, []string{"theme"}, v.form("/settings", "theme=dark").names())
	require.Contains(t, v.get("/").body, `data-theme="dark"`)
	require.Equal(t, "dark", v.held()["theme"])
	require.Contains(t, v.form("/privacy/withdraw", "purpose=preferences").names(), "theme")
	require.NotContains(t, v.held(), "theme")
	require.Contains(t, v.get("/").body, `data-theme="light"`)
}

// The login address is remembered by a choice of its own, sealed, and is
// forgotten on the login page itself or with the yes.
func TestPromise_P11_LoginAddress(t *testing.T) {
	s := start(t, newKeys(t))
	v := s.visitor()
	const address, field, button = "jane%40example.com", `name="email"`, `action="/login/forget"`
	v.form("/privacy/decision", "action=save&purpose=analytics&purpose=preferences")
	require.Equal(t, []string{"session"}, v.form("/login", "email="+address).names(), "another yes is not this one")

	v.form("/privacy/decision", "action=save&purpose=login_memory")
	v.form("/login", "email="+address)
	page := v.get("/login").body
	require.Contains(t, page, field)
	require.Contains(t, page, `value="jane@example.com"`)
	require.Contains(t, page, button)
	require.NotContains(t, v.held()["last_login"], "jane")

	gone := v.form("/login/forget", "")
	require.Equal(t, 303, gone.StatusCode)
	require.Equal(t, "/login", gone.Header.Get("Location"))
	require.NotContains(t, v.held(), "last_login")
	page = v.get("/login").body
	require.NotContains(t, page, "jane")
	require.NotContains(t, page, button, "there is nothing left to forget")
	require.Contains(t, v.get("/privacy/decision").body, `"login_memory":"granted"`, "the choice itself stands")

	v.form("/login", "email="+address)
	kept := v.held()["last_login"]
	v.form("/privacy/withdraw", "purpose=login_memory")
	require.NotContains(t, v.held(), "last_login")
	thief := s.visitor()
	thief.header.Set("Cookie", "last_login="+kept)
	require.NotContains(t, thief.get("/login").body, "jane", "a copy of it tells nothing without a yes")
}

// Signing in needs no choice and survives every one; the id is new each time,
// whatever the browser brought along.
func TestPromise_P12_Authentication(t *testing.T) {
	keys := newKeys(t)
	s := start(t, keys)
	sealed, err := cookies.NewSealed[session](s.site.gate, keys, "session")
	require.NoError(t, err)
	id := func(v *visitor) string {
		t.Helper()
		who, err := sealed.Get(&http.Request{Header: http.Header{"Cookie": {"session=" + v.held()["session"]}}})
		require.NoError(t, err)
		require.Equal(t, "jane@example.com", who.Email)
		return who.ID
	}
	signedIn := func(v *visitor) bool {
		t.Helper()
		home := v.get("/")
		require.Equal(t, 200, home.StatusCode)
		return !strings.Contains(home.body, ">Sign in<")
	}
	v := s.visitor()
	require.False(t, signedIn(v))
	v.form("/login", "email=jane%40example.com")
	require.True(t, signedIn(v), "undecided")
	first := id(v)
	v.form("/login", "email=jane%40example.com")
	second := id(v)
	require.NotEqual(t, first, second)

	// What somebody planted in the browser is not taken over.
	planted := s.visitor()
	planted.header.Set("Cookie", "session="+v.held()["session"])
	planted.form("/login", "email=jane%40example.com")
	require.NotEqual(t, second, id(planted))

	for _, choice := range []string{"action=refuse", "action=accept", "action=save&purpose=analytics"} {
		v.form("/privacy/decision", choice)
		require.True(t, signedIn(v), choice)
	}
	v.form("/privacy/withdraw", "")
	require.True(t, signedIn(v))
	require.Equal(t, second, id(v), "the same session all along")
	require.Equal(t, []string{"session"}, v.form("/logout", "").names())
	require.False(t, signedIn(v))
	forged := s.visitor()
	forged.header.Set("Cookie", "session=forged")
	require.False(t, signedIn(forged))
}
