package banner_test

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/banner"
)

// post sends a form of the records page.
func (s site) post(path, form string, header ...string) (*http.Response, string) {
	s.t.Helper()
	return s.do("POST", path, form, header...)
}

// The records page is forms, and works without a script.
func TestRecordsPage(t *testing.T) {
	s := newSite(t)
	w, page := s.do("GET", "/privacy/records", "")
	require.Equal(t, "no-store", w.Header.Get("Cache-Control"))
	require.NotContains(t, page, "<script")
	require.Contains(t, page, `<form class="candor-list" method="post" action="/privacy/receipt">`)
	for _, button := range []string{
		`value="html">Show my receipt`, `value="html" formaction="/privacy/history">Show everything`, `value="csv" formaction="/privacy/history">`,
		`value="json" formaction="/privacy/history">`, `value="html" formaction="/privacy/erase">Erase everything`,
	} {
		require.Contains(t, page, button)
	}
	for _, from := range []string{"/privacy/", "/privacy/notice"} {
		_, page = s.do("GET", from, "")
		require.Contains(t, page, `<a href="/privacy/records">`, from)
	}
}

func TestReceiptHistoryAndErasure(t *testing.T) {
	s := newSite(t)
	cookie := s.choose("action=save&purpose=analytics")
	w, page := s.post("/privacy/receipt", "receipt=&format=html", "Cookie", cookie, "Accept-Language", "de")
	require.Equal(t, 200, w.StatusCode)
	require.Equal(t, "no-store", w.Header.Get("Cache-Control"))
	require.Contains(t, w.Header.Get("Content-Security-Policy"), "default-src 'none'")
	require.Contains(t, page, `<h1>Quittung</h1>`)
	require.Contains(t, page, "<dt>analytics auf Deutsch</dt><dd><b>erlaubt</b>")
	require.Contains(t, page, "<dt>marketing auf Deutsch</dt><dd><b>abgelehnt</b>")
	require.Contains(t, page, "Fassung 2")
	token := regexp.MustCompile(`<p dir="ltr"><code>([A-Za-z0-9_.-]{20,})</code></p>`).FindStringSubmatch(page)
	require.Len(t, token, 2)

	_, page = s.post("/privacy/history", "receipt="+token[1]+"&format=html")
	require.Contains(t, page, "<h1>Everything we recorded</h1>")
	require.Contains(t, page, "<dt>allowed</dt><dd>&lt;b&gt;analytics&lt;/b&gt;</dd>")
	w, csv := s.post("/privacy/history", "receipt=&format=csv", "Cookie", cookie)
	require.Equal(t, `attachment; filename="consent-history.csv"`, w.Header.Get("Content-Disposition"))
	require.Contains(t, csv, "analytics")

	_, page = s.post("/privacy/erase", "receipt="+token[1]+"&format=html")
	require.Contains(t, page, "Everything is erased.")
	require.Contains(t, page, "<bdi>records of your choices</bdi></h2>\n<p>done</p>")
	_, page = s.post("/privacy/history", "receipt="+token[1]+"&format=html")
	require.Contains(t, page, "Nothing is recorded about you.")
	_, page = s.post("/privacy/receipt", "receipt=&format=html")
	require.Contains(t, page, "Nothing is recorded about you.")
}

// Who takes back the last yes by a form is given the key to the records of it.
func TestWithdrawalLeavesAReceipt(t *testing.T) {
	s := newSite(t)
	cookie := s.choose("action=accept")
	_, page := s.do("GET", "/", "", "Cookie", cookie)
	require.Contains(t, page, `<input type="hidden" name="answer" value="receipt">`)
	for referer, want := range map[string]string{
		s.URL + "/shop?page=2": "/shop?page=2", "": "/", "https://evil.example/x": "/", s.URL + "//evil.example": "/", s.URL + `/\evil.example`: "/%5Cevil.example", ":": "/",
	} {
		w, page := s.post("/privacy/withdraw", "answer=receipt", "Cookie", s.choose("action=accept"), "Referer", referer)
		require.Equal(t, 200, w.StatusCode)
		require.Contains(t, page, "<h1>Everything is withdrawn.</h1>")
		require.Contains(t, page, "Keep this receipt code.")
		require.Contains(t, page, `<a href="`+want+`">Back to the site</a>`, referer)
	}
	w, _ := s.post("/privacy/withdraw", "answer=receipt&return=/x")
	require.Equal(t, "/x", w.Header.Get("Location"), "nothing was taken back, so there is nothing to keep")
}

// What a visitor can meet is said in their language; what only a program can, in
// English and marked so.
func TestFaultsInWords(t *testing.T) {
	s := newSite(t, func(c *consent.Config, _ *banner.Options) {
		c.HostData = []consent.HostData{
			{Name: "orders", Export: func(context.Context, consent.Person) (any, error) { return map[string]string{"<b>": "<script>"}, nil }},
			{Name: "mail", Erase: func(context.Context, consent.Person) error { return errors.New("not today") }},
		}
	})
	german := []string{"Accept-Language", "de"}
	w, page := s.post("/privacy/history", "receipt=forged", german...)
	require.Equal(t, 403, w.StatusCode)
	require.Contains(t, page, "Dieser Quittungscode ist keiner von uns")
	w, page = s.post("/privacy/decision", "action=nothing", german...)
	require.Equal(t, 400, w.StatusCode)
	require.Contains(t, page, `<p class="candor-note" lang="en" dir="ltr">action: choose accept, refuse or save</p>`)
	w, page = s.post("/privacy/decision", "action=refuse", append(german, "Sec-Fetch-Site", "cross-site")...)
	require.Equal(t, 403, w.StatusCode)
	require.Contains(t, page, "site&#39;s own pages only")

	w, page = s.post("/privacy/history", "format=html", german...)
	require.Equal(t, 200, w.StatusCode)
	require.Contains(t, page, "<bdi>orders</bdi>")
	require.NotContains(t, page, "<script>")
	w, page = s.post("/privacy/erase", "format=html", append(german, "Cookie", s.choose("action=accept"))...)
	require.Equal(t, 202, w.StatusCode)
	require.Contains(t, page, "Noch konnte nicht alles gelöscht werden.")
	require.Contains(t, page, "<bdi>mail</bdi></h2>\n<p>wird weiter versucht</p>")
	require.Contains(t, page, "Bewahren Sie diesen Quittungscode auf.")
	require.False(t, strings.Contains(page, "not today"), "what the host's part says is not looked at")
}
