package consent_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/ledger"
)

// noon is a day in the middle of a month.
var noon = time.Date(2026, 11, 15, 12, 0, 0, 0, time.UTC)

func declare(p consent.Purpose, number int, basis consent.Basis) consent.Processing {
	text := consent.Text{"en": string(p), "de": string(p)}
	return consent.Processing{Purpose: p, Number: number, Basis: basis, Title: text, Text: text, Retention: text}
}

// policy is a small valid policy: one essential purpose, three by consent (one
// of which shares data), one by objection.
func policy() consent.Policy {
	marketing := declare(consent.Marketing, 4, consent.Consent)
	marketing.SharesData = true
	marketing.Recipients = []string{"Adverts Inc."}
	return consent.Policy{
		Version: 3, Effective: "2026-10-01", Languages: []string{"en", "de"},
		Controller: consent.Controller{Name: "Shop", Address: "1 Road", Email: "privacy@shop.example"},
		Authority:  consent.Authority{Name: "Authority", URL: "https://authority.example/complain"},
		Recipients: []consent.Recipient{{Name: "Adverts Inc.", Country: "US", Safeguard: consent.SafeguardDPF}},
		Processing: []consent.Processing{
			declare(consent.Authentication, 1, consent.Essential),
			declare(consent.Preferences, 2, consent.Consent),
			declare(consent.Analytics, 3, consent.Consent),
			marketing,
			declare("measurement", 5, consent.Objection),
		},
	}
}

func rules(t testing.TB, p consent.Policy) *consent.Rules {
	t.Helper()
	r, err := p.Compile()
	require.NoError(t, err)
	return r
}

func newKeys(t testing.TB) consent.Keys {
	t.Helper()
	k, err := consent.ParseKeys(consent.GenerateKey())
	require.NoError(t, err)
	return k
}

func config(t testing.TB) consent.Config {
	t.Helper()
	return consent.Config{
		Policy: policy(), Keys: newKeys(t), Ledger: ledger.Memory(), Insecure: true,
		Now: func() time.Time { return noon },
	}
}

func newManager(t testing.TB, cfg consent.Config) *consent.Manager {
	t.Helper()
	m, err := consent.New(cfg)
	require.NoError(t, err)
	return m
}
