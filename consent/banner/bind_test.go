package banner_test

import (
	"bytes"
	"html/template"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/consenttest"
)

// One template serves everybody at once, and each is answered for themselves.
func TestBindIsEachVisitorsOwn(t *testing.T) {
	s := newSite(t)
	page := template.Must(template.New("").Parse(`{{.Banner}}{{.Change}}{{.Link}} {{.Allowed "analytics"}} {{.Allowed "unknown"}}`))
	show := func(choices ...consenttest.Choice) string {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r = r.WithContext(consenttest.With(r.Context(), choices...))
		var out bytes.Buffer
		if err := page.Execute(&out, s.pages.Bind(r)); err != nil {
			t.Error(err)
		}
		return out.String()
	}
	yes := []consenttest.Choice{consenttest.Granted(consent.Analytics)}
	no := []consenttest.Choice{consenttest.Denied(consent.Preferences, consent.LoginMemory, consent.Experiments, consent.Analytics, consent.Marketing)}
	toYes, toNo := show(yes...), show(no...)
	require.Contains(t, toYes, "/privacy/ true false")
	require.Contains(t, toYes, "candor-banner", "something is left to ask")
	require.Contains(t, toNo, "/privacy/ false false")
	require.NotContains(t, toNo, "candor-banner")
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 50 {
				if show(yes...) != toYes || show(no...) != toNo {
					t.Error("somebody else's answer")
				}
			}
		})
	}
	all.Wait()
}
