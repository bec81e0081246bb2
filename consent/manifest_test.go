package consent_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/ledger"
)

func TestManifestSaysWhatRuns(t *testing.T) {
	cfg := config(t)
	records := ledger.Memory()
	cfg.Ledger = records
	m := newManager(t, cfg)
	s := httptest.NewServer(m.Handler(records))
	defer s.Close()
	w, err := s.Client().Get(s.URL + "/privacy/manifest.json")
	require.NoError(t, err)
	defer w.Body.Close()
	var got consent.Manifest
	require.NoError(t, json.NewDecoder(w.Body).Decode(&got))
	require.Equal(t, *m.Manifest(records), got, "served as generated")
	require.Equal(t, 3, got.Policy.Version)
	require.Len(t, got.Purposes, 5)
	require.Equal(t, []consent.Recipient{{Name: "Adverts Inc.", Country: "US", Safeguard: "dpf"}}, got.Recipients)
	require.Equal(t, "consent", got.Cookies[0].Name)
	require.False(t, got.Cookies[0].Secure)
	require.Equal(t, "memory", got.Records[0].Store)

	// Another configuration, another manifest.
	cfg.Insecure, cfg.Domain, cfg.Prefix = false, "shop.example", "/my/choices/"
	cfg.Regime = func(*http.Request) consent.Regime { return consent.OptOut }
	cfg.HostData = []consent.HostData{{Name: "orders", Erase: func(context.Context, consent.Person) error { return nil }}}
	other := newManager(t, cfg).Manifest()
	require.Equal(t, "__Secure-consent", other.Cookies[0].Name)
	require.Equal(t, "shop.example", other.Cookies[0].Variants[0].Domain)
	require.Contains(t, other.Endpoints, "POST /my/choices/withdraw")
	require.Equal(t, []string{"opt-in", "opt-out"}, other.Policy.Regimes)
	require.Contains(t, other.Endpoints, "POST /my/choices/erase")
	require.Contains(t, other.Notes, "Erased on request with the consent records: orders.")
	require.Empty(t, other.Records)
}
