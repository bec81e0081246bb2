package promises_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPromise_P10_CookiesRememberSettings(t *testing.T) {
	sentence(t, "P10: cookies remember settings")
	v := open(t, nil).visitor()
	v.post("/theme", url.Values{"theme": {"dark"}})
	require.Contains(t, v.get("/").body, "theme=light", "without a yes nothing is remembered")
	v.choose("save", "preferences")
	v.post("/theme", url.Values{"theme": {"dark"}})
	require.Contains(t, v.get("/").body, "theme=dark")
	require.Contains(t, v.withdraw("preferences").Header.Get("Set-Cookie")+strings.Join(v.held(), " "), "consent")
	require.NotContains(t, v.held(), "theme", "expired with the withdrawal itself")
	require.Contains(t, v.get("/").body, "theme=light")
}

func TestPromise_P11_LoginAddressIsItsOwnChoice(t *testing.T) {
	sentence(t, "P11: cookies store login addresses")
	v := open(t, nil).visitor()
	login := func() answer { return v.post("/login", url.Values{"email": {"jane@mail.example"}}) }
	login()
	require.NotContains(t, v.held(), "last_login")
	v.choose("save", "login_memory")
	a := login()
	require.Contains(t, v.get("/login").body, `value="jane@mail.example"`)
	require.NotContains(t, strings.Join(a.Header["Set-Cookie"], "\n"), "jane", "sealed")
	v.post("/login/forget", nil)
	require.Contains(t, v.get("/login").body, `value=""`, "removed on request")
	login()
	v.withdraw("login_memory")
	require.NotContains(t, v.held(), "last_login", "and on withdrawal")
}

func TestPromise_P12_SigningInSurvivesEveryWithdrawal(t *testing.T) {
	sentence(t, "P12: cookies authenticate users")
	v := open(t, nil).visitor()
	v.choose("accept")
	v.post("/login", url.Values{"email": {"jane@mail.example"}})
	v.withdraw()
	require.Contains(t, v.held(), "session")
	require.Contains(t, v.get("/").body, "who=jane@mail.example")
}

func TestPromise_P13_ExperimentsNeedConsent(t *testing.T) {
	sentence(t, "P13: cookies run experiments")
	s := open(t, nil)
	for range 20 {
		v := s.visitor()
		require.Contains(t, v.get("/").body, "arm=list", "without consent the control arm")
		require.Empty(t, v.held())
	}
	arms := map[string]bool{}
	for range 40 {
		v := s.visitor()
		v.choose("save", "experiments")
		body := v.get("/").body
		require.Equal(t, strings.Contains(body, "arm=cards"), strings.Contains(v.get("/").body, "arm=cards"), "one visitor, one arm")
		require.Contains(t, v.held(), "exp_goods")
		arms[body[strings.Index(body, "arm="):][:8]] = true
		v.withdraw("experiments")
		require.NotContains(t, v.held(), "exp_goods")
		require.Contains(t, v.get("/").body, "arm=list")
	}
	require.Len(t, arms, 2)
}

func TestPromise_P14_AnalyticsCookiesNeedConsent(t *testing.T) {
	sentence(t, "P14: cookies store analytics data")
	s := open(t, nil)
	v := s.visitor()
	v.get("/")
	require.Empty(t, v.held())
	v.choose("save", "analytics")
	v.get("/")
	require.Contains(t, v.get("/").body, "visits=1")
	line := ""
	for _, c := range v.get("/").Cookies() {
		if c.Name == "visits" {
			line = c.Raw
			require.LessOrEqual(t, c.MaxAge, 30*86400, "no longer than was declared")
			require.True(t, c.HttpOnly)
		}
	}
	require.NotEmpty(t, line)
	v.withdraw("analytics")
	require.NotContains(t, v.held(), "visits")
	require.Contains(t, v.get("/").body, "visits=0")
}

func TestPromise_P21_SimilarTechnologies(t *testing.T) {
	sentence(t, "P21: similar technologies")
	v := open(t, nil).visitor()
	require.Empty(t, v.get("/").Header["Nel"])
	v.choose("accept")
	require.NotEmpty(t, v.get("/").Header["Nel"])
	require.JSONEq(t, `{"max_age":0}`, v.withdraw().Header.Get("Nel"), "taken back with the rest")
	require.Empty(t, v.get("/").Header["Nel"])
}
