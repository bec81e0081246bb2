package consent_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
)

func TestPolicyFaults(t *testing.T) {
	for _, tt := range []struct {
		name  string
		spoil func(*consent.Policy)
		fault string
	}{
		{"version", func(p *consent.Policy) { p.Version = 0 }, "version: is 0; count from 1"},
		{"effective", func(p *consent.Policy) { p.Effective = "1.10.2026" }, "effective: is not a date"},
		{"no language", func(p *consent.Policy) { p.Languages = nil }, "languages: none given"},
		{"odd language", func(p *consent.Policy) { p.Languages[0] = "<en>" }, "languages[0]: is not a language tag"},
		{"language twice", func(p *consent.Policy) { p.Languages[1] = "en" }, "languages[1]: is given twice"},
		{"no controller", func(p *consent.Policy) { p.Controller.Name = "" }, "controller.name: is missing"},
		{"no address", func(p *consent.Policy) { p.Controller.Address = "" }, "controller.address: is missing"},
		{"no mail", func(p *consent.Policy) { p.Controller.Email = "Shop <a@b.example>" }, "controller.email: is not a plain mail address"},
		{"no authority", func(p *consent.Policy) { p.Authority = consent.Authority{} }, "authority.name: is missing"},
		{"authority without https", func(p *consent.Policy) { p.Authority.URL = "javascript:alert(1)" }, "authority.url: is not an https address"},
		{"yes too long", func(p *consent.Policy) { p.GrantDays = 401 }, "grant_days: is 401"},
		{"no forgotten before yes", func(p *consent.Policy) { p.GrantDays, p.ReaskDays = 200, 100 }, "reask_days: a no would be forgotten before a yes; choose at least 200"},
		{"no purposes", func(p *consent.Policy) { p.Processing = nil }, "processing: is empty"},
		{"odd purpose", func(p *consent.Policy) { p.Processing[1].Purpose = "My Purpose" }, "processing[1].purpose: is not a purpose name"},
		{"purpose twice", func(p *consent.Policy) { p.Processing[1].Purpose = consent.Analytics }, `processing[2].purpose: "analytics" is declared twice`},
		{"number twice", func(p *consent.Policy) { p.Processing[1].Number = 1 }, "processing[1].number: 1 is used twice"},
		{"number out of range", func(p *consent.Policy) { p.Processing[1].Number = 256 }, "processing[1].number: is 256"},
		{"no basis", func(p *consent.Policy) { p.Processing[1].Basis = "" }, "processing[1].basis: is unknown"},
		{"essential shares", func(p *consent.Policy) { p.Processing[0].SharesData = true }, "processing[0].shares_data"},
		{"missing translation", func(p *consent.Policy) { delete(p.Processing[1].Text, "de") }, `processing[1].text: has no text for language "de"`},
		{"good since the future", func(p *consent.Policy) { p.Processing[1].GoodSince = 4 }, "processing[1].good_since: is 4"},
		{"unlisted recipient", func(p *consent.Policy) { p.Processing[1].Recipients = []string{"Nobody"} }, `processing[1].recipients[0]: "Nobody" is not among`},
		{"country", func(p *consent.Policy) { p.Recipients[0].Country = "usa" }, "recipients[0].country"},
		{"no safeguard outside the EEA", func(p *consent.Policy) { p.Recipients[0].Safeguard = consent.SafeguardNone }, "recipients[0].safeguard: US is outside the EEA"},
		{"dpf elsewhere", func(p *consent.Policy) { p.Recipients[0].Country = "IN" }, "recipients[0].safeguard: dpf is for the US only"},
		{"unknown safeguard", func(p *consent.Policy) { p.Recipients[0].Safeguard = "trust me" }, "recipients[0].safeguard: is unknown"},
		{"change of the future", func(p *consent.Policy) {
			p.Changes = []consent.Change{{Version: 4, Effective: "2026-10-01", Summary: consent.Text{"en": "x", "de": "x"}}}
		}, "changes[0].version: is 4"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := policy()
			tt.spoil(&p)
			err := p.Validate()
			require.ErrorContains(t, err, tt.fault)
			_, err = p.Compile()
			require.ErrorContains(t, err, tt.fault)
		})
	}
	require.NoError(t, policy().Validate())
}

func TestPolicyNamesEveryFaultAtOnce(t *testing.T) {
	err := consent.Policy{}.Validate()
	for _, fault := range []string{"version", "effective", "languages", "controller.name", "controller.address", "controller.email", "authority.name", "authority.url", "processing"} {
		require.ErrorContains(t, err, "consent: policy: "+fault+":")
	}
}

func TestParsePolicy(t *testing.T) {
	text, err := json.Marshal(policy())
	require.NoError(t, err)
	p, err := consent.ParsePolicy(text)
	require.NoError(t, err)
	require.Equal(t, policy(), p, "round trip")

	for _, tt := range []struct{ name, text, fault string }{
		{"not JSON", "{", "unexpected EOF"},
		{"a misspelt field", strings.Replace(string(text), `"safeguard"`, `"savegard"`, 1), `unknown field "savegard"`},
		{"something after it", string(text) + "{}", "follows the closing brace"},
		{"a fault", strings.Replace(string(text), `"version":3`, `"version":-3`, 1), "version: is -3"},
		{"too large", string(text) + strings.Repeat(" ", 4<<20), "shorten it"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := consent.ParsePolicy([]byte(tt.text))
			require.ErrorContains(t, err, tt.fault)
		})
	}
}

func TestPolicyIsCopied(t *testing.T) {
	p := policy()
	r := rules(t, p)
	p.Processing[2].GoodSince = 99
	p.Processing[2].Text["en"] = "changed"
	d := consent.Decide(&consent.Stored{Answers: []consent.Answer{{Number: 3, Granted: true, Day: int32(noon.Unix() / 86400), Version: 1}}}, consent.Signals{}, r, noon)
	require.Equal(t, consent.Granted, d.State(consent.Analytics))
}

func TestPolicyWarnings(t *testing.T) {
	p := policy()
	require.Empty(t, p.Warnings())
	p.Processing[2].Basis = consent.Essential
	p.Processing[3].SharesData = false
	require.Len(t, p.Warnings(), 2)
	require.Contains(t, p.Warnings()[0], "analytics is called essential")
	require.Contains(t, p.Warnings()[1], "Sec-GPC does not deny it")
}

func FuzzParsePolicy(f *testing.F) {
	text, _ := json.Marshal(policy())
	f.Add(text)
	f.Add([]byte(`{"version":1}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := consent.ParsePolicy(text)
		if err != nil {
			return
		}
		if _, err := p.Compile(); err != nil {
			t.Fatalf("parsed, but does not compile: %v", err)
		}
	})
}
