package banner_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/banner"
	"github.com/candorhttp/candor/consent/consenttest"
	"github.com/candorhttp/candor/consent/ledger"
)

// What a page costs with everything bound to its request, undecided and decided.
func BenchmarkFuncs(b *testing.B) {
	keys, err := consent.ParseKeys(consent.GenerateKey())
	require.NoError(b, err)
	m, err := consent.New(consent.Config{Policy: policy(), Keys: keys, Ledger: ledger.Memory(), Insecure: true})
	require.NoError(b, err)
	pages, err := banner.New(m, banner.Options{})
	require.NoError(b, err)
	undecided := httptest.NewRequest(http.MethodGet, "/", nil)
	decided := undecided.WithContext(consenttest.With(undecided.Context(), consenttest.Denied(consent.Preferences, consent.LoginMemory, consent.Experiments, consent.Analytics, consent.Marketing)))
	require.NotContains(b, pages.Fragment(decided), "candor-banner")
	for name, r := range map[string]*http.Request{"undecided": undecided, "decided": decided} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				pages.Funcs(r)
			}
		})
	}
}
