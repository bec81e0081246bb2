package consent_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/ledger"
)

// FuzzEndpoints sends what it likes to every endpoint of a real server, with
// every kind of cookie. There is no 5xx; no grant is in the ledger whose answer
// was not 2xx or the 303 of a form; and no answer gives a cookie of a grant, or a
// receipt, that the ledger does not have.
func FuzzEndpoints(f *testing.F) {
	const form, json = "application/x-www-form-urlencoded", "application/json"
	type seed struct {
		method, path, kind, body string
	}
	for _, s := range []seed{
		{"GET", "decision", "", ""}, {"HEAD", "decision", "", ""}, {"OPTIONS", "decision", "", ""}, {"PUT", "decision", json, "{}"},
		{"POST", "decision", form, "action=accept&return=/x&language=de"}, {"POST", "decision", form, "action=refuse"},
		{"POST", "decision", form, "action=save&purpose=analytics&purpose=marketing&answer=receipt"},
		{"POST", "decision", json, `{"grants":{"analytics":true,"marketing":false},"language":"en"}`},
		{"POST", "decision", json, `{"grants":{"authentication":false}}`},
		{"POST", "withdraw", form, ""}, {"POST", "withdraw", form, "purpose=analytics&answer=receipt"}, {"POST", "withdraw", json, `{"purposes":["analytics"]}`},
		{"POST", "receipt", form, "format=html"}, {"POST", "receipt", json, `{"format":"json"}`},
		{"POST", "history", form, "format=csv"}, {"POST", "history", json, `{"receipt":"AQ"}`}, {"POST", "history", "", ""},
		{"POST", "erase", form, ""}, {"POST", "erase", json, "{}"},
		{"GET", "manifest.json", "", ""}, {"GET", "../.well-known/gpc.json", "", ""}, {"GET", "", "", ""},
	} {
		for cookie := range byte(5) {
			f.Add(s.method, s.path, "", s.kind, "text/html", "", cookie, s.body)
		}
		f.Add(s.method, s.path, "purpose=x", s.kind, "application/json", "Bearer x", byte(1), s.body)
	}

	cfg := config(f)
	moment := noon
	cfg.Now = func() time.Time { moment = moment.Add(200 * time.Millisecond); return moment }
	records := ledger.Memory()
	cfg.Ledger = records
	m, err := consent.New(cfg)
	require.NoError(f, err)
	server := httptest.NewServer(m.Middleware(m.Handler(records)))
	f.Cleanup(server.Close)
	client := server.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	codec := consent.NewCodec(cfg.Keys, "consent")
	// cookies are those of nobody, of the latest and an older grant, of a refusal,
	// and of nonsense.
	cookies := [5]string{"", "", "", "consent=" + codec.Encode(consent.Stored{Version: 3, Answers: []consent.Answer{no(3, noon)}}), "consent=IAmATeapot"}
	seen := uint64(0)

	f.Fuzz(func(t *testing.T, method, path, query, kind, accept, authorization string, cookie byte, body string) {
		u, err := url.Parse(server.URL + "/privacy/" + path)
		if err != nil || !strings.HasPrefix(server.URL, u.Scheme+"://"+u.Host) {
			return // not an address here
		}
		u.RawQuery = query
		r, err := http.NewRequest(method, u.String(), strings.NewReader(body))
		if err != nil {
			return // not a request
		}
		for name, value := range map[string]string{"Content-Type": kind, "Accept": accept, "Authorization": authorization, "Cookie": cookies[cookie%5]} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		w, err := client.Do(r)
		if err != nil {
			return // not sent
		}
		defer w.Body.Close()
		text, err := io.ReadAll(w.Body)
		if err != nil {
			t.Fatal(err)
		}
		if w.StatusCode >= 500 {
			t.Fatalf("%d %s", w.StatusCode, text)
		}
		taken := w.StatusCode/100 == 2 || w.StatusCode == http.StatusSeeOther
		var added []consent.Entry
		err = records.Scan(t.Context(), seen, func(e consent.Entry) error {
			seen, added = e.Seq, append(added, e)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(added) > 0 && (!taken || method != "POST") {
			t.Fatalf("%s answered %d, and %d entries are in the ledger", method, w.StatusCode, len(added))
		}
		for _, c := range w.Cookies() {
			s, err := codec.Decode(c.Value, moment)
			if err != nil || method != "POST" || !taken {
				t.Fatalf("%s answered %d with the cookie %+v, %v", method, w.StatusCode, s, err)
			}
			if s.Subject.IsZero() {
				continue
			}
			if !slices.ContainsFunc(added, func(e consent.Entry) bool { return e.Subject == s.Subject && e.Revision == s.Revision }) {
				t.Fatalf("a cookie of a change that is not in the ledger: %+v", s)
			}
			cookies[2], cookies[1] = cookies[1], "consent="+c.Value
		}
	})
}
