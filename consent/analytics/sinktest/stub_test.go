package sinktest_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent/analytics/sinktest"
)

// ear is a test that keeps what it is told.
type ear struct {
	testing.TB
	heard []string
}

func (e *ear) Helper() {}

func (e *ear) Errorf(format string, args ...any) {
	e.heard = append(e.heard, fmt.Sprintf(format, args...))
}

func post(t *testing.T, url string, header http.Header, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequest("POST", url, strings.NewReader(body))
	require.NoError(t, err)
	r.Header = header.Clone()
	w, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer w.Body.Close()
	text, err := io.ReadAll(w.Body)
	require.NoError(t, err)
	return w.StatusCode, string(text)
}

// Each change of a request that is right makes it one that a stub complains of.
func TestStubsAreStrict(t *testing.T) {
	now := time.Now().Unix()
	stubs := []struct {
		name, path, body string
		start            func(testing.TB) *sinktest.Stub
		header           http.Header
		status           int
		changes          [][2]string // text of the body and what stands in its place
	}{
		{
			"plausible", "/api/event", `{"name":"pageview","url":"https://shop.example/","domain":"shop.example","props":{"gift":"yes"}}`,
			func(t testing.TB) *sinktest.Stub { return sinktest.Plausible(t, "shop.example") },
			http.Header{"Content-Type": {"application/json"}, "X-Forwarded-For": {"2001:db8::1"}}, 202,
			[][2]string{
				{`"pageview"`, `7`}, {`"pageview"`, `""`}, {`"pageview"`, `"engagement"`}, {`"pageview"`, `"` + strings.Repeat("n", 121) + `"`},
				{`"name"`, `"n"`}, {`"name":"pageview",`, ``}, {`"name"`, `"name":"other","name"`},
				{`https://shop.example/`, `/`}, {`https://shop.example/`, `https://shop.example/` + strings.Repeat("p", 2000)},
				{`"shop.example"`, `"other.example"`}, {`"shop.example"`, `null`},
				{`"yes"`, `null`}, {`"yes"`, `["yes"]`}, {`"yes"`, `{}`}, {`"yes"`, `""`}, {`"yes"`, `"` + strings.Repeat("v", 2001) + `"`},
				{`"gift"`, `"` + strings.Repeat("k", 301) + `"`}, {`{"gift":"yes"}`, `"gift"`},
				{`"domain"`, `"colour":"red","domain"`}, {`}}`, `}}{}`}, {`}}`, `}`},
			},
		},
		{
			"matomo", "/matomo.php", fmt.Sprintf(`{"requests":["?idsite=3&rec=1&url=https%%3A%%2F%%2Fshop.example%%2F&cid=0123456789abcdef&cdt=%d&e_c=a&e_a=b&country=de"],"token_auth":"secret"}`, now),
			func(t testing.TB) *sinktest.Stub { return sinktest.Matomo(t, 3, "secret") },
			http.Header{"Content-Type": {"application/json"}}, 200,
			[][2]string{
				{`idsite=3`, `idsite=4`}, {`idsite=3&`, ``}, {`rec=1`, `rec=0`}, {`rec=1&`, ``}, {`&cid`, `&colour=red&cid`}, {`&cid`, `&rec=1&cid`},
				{`0123456789abcdef`, `0123456789abcde`}, {fmt.Sprint(now), fmt.Sprint(now + 3600)}, {fmt.Sprint(now), fmt.Sprint(now - 90_000)},
				{fmt.Sprint(now), `yesterday`}, {`&e_a=b`, ``}, {`e_a=b`, `e_a=+`}, {`country=de`, `country=DE`}, {`country=de`, `dimension0=a`},
				{`"secret"`, `"other"`}, {`,"token_auth":"secret"`, ``}, {`"?idsite`, `"idsite`}, {`"requests"`, `"request"`},
				{`https%3A%2F%2Fshop.example%2F`, `%2F`}, {`"token_auth"`, `"send_image":"0","token_auth"`}, {`&country`, `&%zz&country`},
			},
		},
		{
			"goatcounter", "/api/v0/count", `{"no_sessions":false,"hits":[{"path":"/","event":false,"created_at":"2026-11-20T10:00:00Z","session":"a1","location":"DE"}]}`,
			func(t testing.TB) *sinktest.Stub { return sinktest.GoatCounter(t, "secret") },
			http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer secret"}}, 202,
			[][2]string{
				{`"/"`, `""`}, {`"/"`, `"page"`}, {`"path":"/",`, ``}, {`"/"`, `7`}, {`"/"`, `"/` + strings.Repeat("p", 2048) + `"`},
				{`2026-11-20T10:00:00Z`, `2099-11-20T10:00:00Z`}, {`2026-11-20T10:00:00Z`, `yesterday`},
				{`,"session":"a1"`, ``}, {`"DE"`, `"de"`}, {`"DE"`, `"Germany"`}, {`false,"hits"`, `"no","hits"`}, {`"event":false`, `"event":"no"`},
				{`"hits":[`, `"filter":["bot"],"hits":[`}, {`"session"`, `"colour":"red","session"`}, {`"no_sessions"`, `"sessions"`},
				{`{"path"`, `{"path":"/a","path"`}, {`]}`, `],"hits":[]}`},
			},
		},
	}
	for _, s := range stubs {
		t.Run(s.name, func(t *testing.T) {
			e := &ear{TB: t}
			stub := s.start(e)
			s.header.Set("User-Agent", "Candor/1")
			status, _ := post(t, stub.URL+s.path, s.header, s.body)
			require.Equal(t, s.status, status)
			require.Empty(t, e.heard)
			require.Equal(t, 1, stub.Taken())
			for _, c := range s.changes {
				require.Contains(t, s.body, c[0])
				e.heard = nil
				status, _ := post(t, stub.URL+s.path, s.header, strings.Replace(s.body, c[0], c[1], 1))
				require.Equal(t, 400, status, "%q for %q", c[1], c[0])
				require.Len(t, e.heard, 1)
			}
			for name, change := range map[string]func(http.Header){
				"another content type": func(h http.Header) { h.Set("Content-Type", "text/plain") },
				"a cookie":             func(h http.Header) { h.Set("Cookie", "a=b") },
				"no agent":             func(h http.Header) { h.Set("User-Agent", "") },
				"another token or address": func(h http.Header) {
					h["Authorization"], h["X-Forwarded-For"] = []string{"Bearer other"}, []string{"nowhere"}
				},
			} {
				if s.name == "matomo" && name == "another token or address" {
					continue // they are not in its header
				}
				e.heard = nil
				h := s.header.Clone()
				change(h)
				status, _ := post(t, stub.URL+s.path, h, s.body)
				require.Equal(t, 400, status, name)
				require.Len(t, e.heard, 1, name)
			}
			e.heard = nil
			status, _ = post(t, stub.URL+"/elsewhere", s.header, s.body)
			require.Equal(t, 400, status)
			require.Equal(t, 1, stub.Taken(), "nothing else was taken")

			stub.Fail(sinktest.Refuse)
			_, _ = post(t, stub.URL+s.path, s.header, s.body)
			require.Equal(t, 1, stub.Taken())
			require.Len(t, stub.Requests(), 2)
		})
	}
}

func TestFaultsHaveNames(t *testing.T) {
	require.GreaterOrEqual(t, len(sinktest.Faults()), 12)
	seen := map[string]bool{}
	for _, f := range sinktest.Faults() {
		require.NotEmpty(t, f.String())
		require.False(t, seen[f.String()])
		seen[f.String()] = true
	}
	require.Equal(t, "fault -1", sinktest.Fault(-1).String())
}
