package main

import (
	"encoding/base64"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// spellings are the forms in which something could stand in a log.
func spellings(s string) []string {
	reversed := []byte(s)
	slices.Reverse(reversed)
	out := []string{s, url.QueryEscape(s), url.QueryEscape(url.QueryEscape(s)), hex.EncodeToString([]byte(s)), string(reversed)}
	for skip := range 3 { // of base64, what does not depend on the neighbours
		for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			text := e.EncodeToString([]byte(s[skip:]))
			out = append(out, text[:len(text)-len(text)%4-2])
		}
	}
	return out
}

// A session with canaries everywhere a visitor can write leaves none of them in
// the log, standard error included, in no encoding.
func TestNoCanaryInTheLog(t *testing.T) {
	const (
		email = "canary.jane@example.com"
		token = "c4n4ry-t0k3n-5678"
		v4    = "198.51.100.77"
		v6    = "2001:db8:85a3:8d3:1319:8a2e:370:7348"
		agent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.9876.54 Safari/537.36 " + token
	)
	s := start(t, newKeys(t))
	for _, consents := range []bool{false, true} {
		for _, address := range []string{v4, v6} {
			v := s.visitor()
			if consents {
				v.form("/privacy/decision", "action=accept")
			}
			v.header = http.Header{
				"X-Forwarded-For": {address}, "Forwarded": {"for=" + address}, "X-Real-Ip": {address},
				"User-Agent": {agent}, "Referer": {"https://" + token + ":" + token + "@example.com/" + email + "?" + email},
				"Authorization": {"Bearer " + token}, "X-Request-Id": {token}, "From": {email}, "Accept-Language": {token},
				"Traceparent": {token}, "Sec-Gpc": {token},
			}
			query := "?page=" + url.QueryEscape(email) + "&q=" + token + "&" + token + "=1&" + v4
			for _, path := range []string{"/", "/login", "/search", "/users/" + url.PathEscape(email), "/users/" + token, "/nothing/" + token, "/privacy/", "/privacy/decision"} {
				v.get(path + query)
			}
			form := url.Values{"email": {email}, "theme": {token}, token: {email}, "return": {"/" + token}, "purpose": {email}}.Encode()
			for _, path := range []string{"/login", "/settings", "/privacy/decision", "/privacy/withdraw", "/logout", "/login/forget"} {
				v.form(path+query, form)
				v.json(path, `{"grants":{"`+email+`":true},"`+token+`":1}`)
			}
			v.panics("/panic" + query)
			odd, err := http.NewRequest("BREW-"+token, v.URL+"/"+email, strings.NewReader(token))
			require.NoError(t, err)
			odd.Header = v.header
			w, err := v.client.Do(odd)
			require.NoError(t, err)
			_, _ = io.Copy(io.Discard, w.Body)
			w.Body.Close()
		}
	}
	s.Close()
	text := strings.ToLower(s.log.String() + s.stderr.String())
	require.Greater(t, strings.Count(text, "\n"), 80)
	for _, canary := range []string{"canary.jane", token, v4, v6, "140.0.9876", "no such order", "visitor@example.com"} {
		for _, form := range spellings(canary) {
			require.NotContains(t, text, strings.ToLower(form), canary)
		}
	}
}
