package consent_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
)

// What may be used is told to scripts only where the states do not say it.
func TestDecisionAsJSON(t *testing.T) {
	objectionless := policy()
	objectionless.Processing = objectionless.Processing[:3]
	granted := consent.Stored{Version: 3, Answers: []consent.Answer{yes(3, noon, 3), no(5, noon)}}
	for _, tt := range []struct {
		name     string
		decision consent.Decision
		want     string
	}{
		{"no manager", consent.Decision{}, `{"policy":0,"source":"default","purposes":{}}`},
		{
			"consent only", consent.Decide(&consent.Stored{}, consent.Signals{}, rules(t, objectionless), noon),
			`{"policy":3,"source":"default","purposes":{"preferences":"unset","analytics":"unset"}}`,
		},
		{
			"objection, silent", consent.Decide(&consent.Stored{}, consent.Signals{}, rules(t, policy()), noon),
			`{"policy":3,"source":"default","purposes":{"preferences":"unset","analytics":"unset","marketing":"unset","measurement":"unset"},"allowed":["measurement"]}`,
		},
		{
			"objection, refused", consent.Decide(&granted, consent.Signals{}, rules(t, policy()), noon),
			`{"policy":3,"source":"stored","purposes":{"preferences":"unset","analytics":"granted","marketing":"unset","measurement":"denied"}}`,
		},
		{
			"opt-out, silent", consent.Decide(&consent.Stored{}, consent.Signals{Regime: consent.OptOut, GPC: true}, rules(t, policy()), noon),
			`{"policy":3,"source":"gpc","purposes":{"preferences":"unset","analytics":"unset","marketing":"denied","measurement":"unset"},"allowed":["preferences","analytics","measurement"]}`,
		},
		{
			"unreadable", consent.Decide(&consent.Stored{Unreadable: true}, consent.Signals{}, rules(t, policy()), noon),
			`{"policy":3,"source":"default","purposes":{"preferences":"unset","analytics":"unset","marketing":"unset","measurement":"unset"}}`,
		},
	} {
		text, err := json.Marshal(tt.decision)
		require.NoError(t, err)
		require.Equal(t, tt.want, string(text), tt.name)
	}
}
