package banner_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/banner"
)

// parts describes one row of everything that the notice shows of other parts.
type parts struct{}

func (parts) Describe(m *consent.Manifest) {
	text := func(s string) consent.Text { return consent.Text{"en": s, "de": s + " auf Deutsch"} }
	m.Cookies = append(m.Cookies, consent.ManifestCookie{Name: "_v", Purpose: consent.Analytics, Provider: "Shop", Description: text("Counts."), LifetimeDays: 395})
	m.Storage = append(m.Storage, consent.ManifestStorage{Field: "NEL", Purpose: consent.Analytics, Description: text("Reports faults.")})
	m.Disclosures = append(m.Disclosures, consent.ManifestDisclosure{Purpose: consent.Marketing, Recipient: "Adverts Inc."})
	m.Events = append(m.Events, consent.ManifestEvent{
		Name: "page_view", Purpose: consent.Analytics, Description: text("A page was looked at."), Destinations: []string{"statistics"},
		Properties: []consent.ManifestProperty{{Name: "route"}, {Name: "device", Description: text("kind of device")}},
	})
	m.Experiments = append(m.Experiments, consent.ManifestExperiment{Name: "goods", Purpose: consent.Analytics, Arms: []consent.ManifestArm{{Name: "list"}, {Name: "grid"}}})
	m.Counters = append(m.Counters, consent.ManifestCounter{Name: "search", Dimensions: []string{"country"}, Retention: "90 days"})
	m.Log = append(m.Log, consent.ManifestField{Name: "time", Transform: "start", Retention: "30 days", Tier: "strict"},
		consent.ManifestField{Name: "shop.size", Transform: "number of goods", Retention: "1 day", Tier: "granted"})
}

func TestNoticeShowsEveryPart(t *testing.T) {
	s := newSite(t, func(_ *consent.Config, o *banner.Options) { o.Parts = []consent.Describer{parts{}} })
	_, page := s.do("GET", "/privacy/notice", "", "Accept-Language", "de")
	for _, want := range []string{
		`<code>_v</code> Counts. auf Deutsch<br><small><b>Wie lange</b> 13 Monate · <b>Gesetzt von</b> <bdi>Shop</bdi></small>`,
		`<code>NEL</code> Reports faults. auf Deutsch`,
		`Auch Ihre vollständige IP-Adresse wird weitergegeben.`,
		`<code>page_view</code> A page was looked at. auf Deutsch<br><small><b>Mit</b> <bdi>route</bdi> · <bdi>kind of device auf Deutsch</bdi></small><br><small><b>Gesendet an</b> <bdi>statistics</bdi></small>`,
		`<code>goods</code> <small><b>Fassungen</b> <bdi>list</bdi> · <bdi>grid</bdi></small>`,
		`<dt><code>search</code></dt><dd><bdi>country</bdi> <small>· <b>Wie lange</b> <span>3 Monate</span></small>`,
		`<dt><code>time</code></dt><dd><span>wann die Anfrage begann</span> <small>· <span>1 Monat</span></small></dd>`,
		`<dt><code>shop.size</code></dt><dd><span lang="en" dir="ltr">number of goods</span> <small>· <b>nur mit Ihrer Einwilligung</b></small> <small>· <span>1 Tag</span></small></dd>`,
	} {
		require.Contains(t, page, want)
	}
	_, page = s.do("GET", "/privacy/", "")
	require.Contains(t, page, "<code>page_view</code> A page was looked at.", "where the choice is, too")
}
