package audit_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/ledger"
	"github.com/candorhttp/candor/logging"
	"github.com/candorhttp/candor/logging/logaudit/audit"
	"github.com/candorhttp/candor/logging/logtest"
)

// site writes a real access log.
type site struct {
	log     bytes.Buffer
	access  *logging.Access
	manager *consent.Manager
	handler http.Handler
	cookie  string
}

func newSite(t *testing.T, basis consent.Basis) *site {
	text := consent.Text{"en": "x"}
	keys, err := consent.ParseKeys(consent.GenerateKey())
	require.NoError(t, err)
	s := &site{}
	s.manager, err = consent.New(consent.Config{Keys: keys, Ledger: ledger.Memory(), Policy: consent.Policy{
		Version: 1, Effective: "2026-01-01", Languages: []string{"en"},
		Controller: consent.Controller{Name: "Shop", Address: "1 Road", Email: "privacy@shop.example"},
		Authority:  consent.Authority{Name: "Authority", URL: "https://authority.example"},
		Processing: []consent.Processing{{Purpose: consent.Analytics, Number: 1, Basis: basis, Title: text, Text: text, Retention: text}},
	}})
	require.NoError(t, err)
	s.access, err = logging.New(logging.Config{Output: &s.log, Consent: s.manager, Query: []string{"q"}})
	require.NoError(t, err)
	t.Cleanup(s.access.Close)
	mux := http.NewServeMux()
	mux.Handle("/privacy/", s.manager.Handler(s.access))
	mux.HandleFunc("GET /users/{id}", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Has("yes") {
			require.NoError(t, s.manager.Record(w, r, consent.Choices{Grants: map[consent.Purpose]bool{consent.Analytics: true}}))
		}
	})
	s.handler = s.access.Middleware(s.manager.Middleware(mux))
	return s
}

// get sends a request that is full of what must stay out.
func (s *site) get(target, peer string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", "https://shop.example/", nil)
	r.URL.Path, r.URL.RawQuery, _ = strings.Cut(target, "?")
	r.RemoteAddr = peer
	r.Header.Set("Referer", "https://203.0.113.77/jo@example.org")
	r.Header.Set("User-Agent", "jo@example.org/4111111111111111")
	if s.cookie != "" {
		r.Header.Set("Cookie", s.cookie)
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	if set := w.Result().Cookies(); len(set) > 0 {
		s.cookie = set[0].Name + "=" + set[0].Value
	}
	return w
}

// What the real log writes of hostile requests is clean against the manifest
// that the same site serves, and against the log's part alone.
func TestLinesOfTheRealLogAreClean(t *testing.T) {
	for _, basis := range []consent.Basis{consent.Consent, consent.Objection} {
		t.Run(string(basis), func(t *testing.T) {
			s := newSite(t, basis)
			manifest := s.get("/privacy/manifest.json", "203.0.113.77:1").Body.Bytes()
			for _, peer := range []string{"203.0.113.77:1", "[2001:db8:c0de:feed:1:2:3:4]:1"} {
				for _, target := range []string{
					"/users/jo@example.org?q=jo@example.org&t=1", "/nowhere/203.0.113.77?q=+491701234567",
					"/users/4111111111111111?yes=1&q=4111111111111111", "/users/1?q=shoes", "/privacy/manifest.json",
				} {
					s.get(target, peer)
				}
			}
			log := s.log.String()
			require.Contains(t, log, `"consent.state":"unset"`)
			require.Contains(t, log, `"consent.state":"granted"`)
			require.Contains(t, log, `"client.pseudonym"`)
			require.Equal(t, basis == consent.Objection, strings.Contains(strings.Split(log, "\n")[1], `"client.pseudonym"`))
			manifests := [][]byte{manifest}
			if basis == consent.Consent { // the log's part does not say the basis
				manifests = append(manifests, s.access.Manifest())
			}
			for _, m := range manifests {
				a, err := audit.New(bytes.NewReader(m))
				require.NoError(t, err)
				require.NoError(t, a.Read(strings.NewReader(log), "access.log", func(f audit.Finding) { t.Error(f) }))
				require.Equal(t, uint64(11), a.Stats().Lines)
			}
		})
	}
}

// The combined format as the real log writes it is clean as well, whoever comes
// with whatever browser.
func TestCombinedLinesOfTheRealLogAreClean(t *testing.T) {
	s := newSite(t, consent.Consent)
	var log bytes.Buffer
	access, err := logging.New(logging.Config{Output: &log, Format: logging.Combined, Consent: s.manager, Query: []string{"q"}})
	require.NoError(t, err)
	defer access.Close()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /users/{id}", func(http.ResponseWriter, *http.Request) {})
	s.handler = access.Middleware(s.manager.Middleware(mux))
	s.get("/users/1", "203.0.113.77:1")
	for _, agent := range []string{
		"", "odd", "curl/8.5", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.1234.56 Safari/537.36",
		"Mozilla/5.0 (Linux; Android 14; SM-S911B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/26.0 Chrome/122.0.0.0 Mobile Safari/537.36",
		"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
	} {
		for _, cookie := range []string{"", s.agree(t)} {
			for _, target := range []string{"/users/jo@example.org?q=jo@example.org&q=shoes", "/nowhere"} {
				r := httptest.NewRequest("GET", "https://shop.example"+target, nil)
				r.Header = http.Header{"User-Agent": {agent}, "Cookie": {cookie}, "Referer": {"https://search.example/?q=jo"}}
				s.handler.ServeHTTP(httptest.NewRecorder(), r)
			}
		}
	}
	require.Contains(t, log.String(), "(Android; mobile)")
	require.Contains(t, log.String(), `"https://search.example"`)
	a, err := audit.New(bytes.NewReader(access.Manifest()))
	require.NoError(t, err)
	require.NoError(t, a.Read(bytes.NewReader(log.Bytes()), "access.log", func(f audit.Finding) { t.Error(f) }))
	require.Equal(t, uint64(25), a.Stats().Lines)
	// What a browser sends, and other programs write, is not.
	for was, kind := range map[string]audit.Kind{
		"Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0": audit.Form,
		"Chrome/140 (Windows; jo@example.org)":          audit.Form,
		"jo@example.org/140 (Windows; desktop)":         audit.Form,
		"Chrome/140 (Windows; desktop) 7":               audit.Form,
	} {
		var found []audit.Kind
		line := `198.51.0.0 - - [24/Nov/2026:09:12:30 +0000] "GET /x HTTP/1.1" 200 5 "-" "` + was + `"` + "\n"
		at := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
		require.NoError(t, a.ReadAt(strings.NewReader(line), "other.log", at, func(f audit.Finding) { found = append(found, f.Kind) }))
		require.Contains(t, found, kind, was)
	}
}

// agree returns the Cookie of a visitor who allows the purpose.
func (s *site) agree(t *testing.T) string {
	r := httptest.NewRequest("POST", "https://shop.example/privacy/decision", strings.NewReader(`{"grants":{"analytics":true}}`))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	s.manager.Middleware(s.manager.Handler()).ServeHTTP(w, r)
	require.Equal(t, http.StatusOK, w.Code)
	cookie := w.Result().Cookies()[0]
	return cookie.Name + "=" + cookie.Value
}

// The manifest that this package's tests audit against is that of the real log.
func TestManifestIsTheLogs(t *testing.T) {
	access, err := logging.New(logging.Config{Output: io.Discard, Query: []string{"page", "sort"}})
	require.NoError(t, err)
	defer access.Close()
	logtest.Manifest(t, access.Manifest(), "testdata/manifest.json")
}

// The line that stands where others are missing is declared.
func TestDroppedLinesAreClean(t *testing.T) {
	require.Empty(t, findings(t, newAudit(t), strings.Replace(string(logging.Dropped(7)), time.Now().UTC().Format("2006-01-02"), now.Format("2006-01-02"), 1)))
}

// The forms that the log declares are all matched by table.
func TestDeclaredFormsHaveTables(t *testing.T) {
	var m consent.Manifest
	require.NoError(t, json.Unmarshal(newSite(t, consent.Consent).access.Manifest(), &m))
	require.NotEmpty(t, m.Log)
	for _, f := range m.Log {
		_, known := audit.Match(f.Form, "")
		require.True(t, known, f.Name)
	}
}
