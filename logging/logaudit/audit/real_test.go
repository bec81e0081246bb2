package audit_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/ledger"
	"github.com/candorhttp/candor/logging"
	"github.com/candorhttp/candor/logging/logaudit/audit"
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
