package main

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
)

func TestJudge(t *testing.T) {
	site := &url.URL{Scheme: "https", Host: "shop.example"}
	m := &consent.Manifest{Cookies: []consent.ManifestCookie{
		{Name: "sid", Basis: consent.Essential, Purpose: consent.Authentication, HTTPOnly: true, Secure: true},
		{Name: "_ga_*", Basis: consent.Consent, Purpose: consent.Analytics, LifetimeDays: 30},
		{Name: "count", Basis: consent.Objection, Purpose: "measurement", LifetimeDays: 30},
	}}
	sid := cookie{Name: "sid", Domain: "shop.example", HTTPOnly: true, Secure: true}
	weak := sid
	weak.HTTPOnly, weak.Secure, weak.Days = false, false, 9
	ga := cookie{Name: "_ga_X", Domain: ".shop.example", Days: 30}
	old := ga
	old.Days = 400
	count := cookie{Name: "count", Domain: "shop.example", Days: 3}
	for _, tt := range []struct {
		name, state string
		seen        visit
		want        []string
	}{
		{"essential cookie at any time", "first visit", visit{Cookies: []cookie{sid}}, nil},
		{"before a choice", "first visit", visit{Cookies: []cookie{ga}}, []string{"without consent"}},
		{"after a yes", "accepted", visit{Cookies: []cookie{ga, sid}}, nil},
		{"after a no", "refused", visit{Cookies: []cookie{ga}}, []string{"without consent"}},
		{"after it was taken back", "withdrawn", visit{Cookies: []cookie{ga}}, []string{"without consent"}},
		{"objection before and after a no", "first visit", visit{Cookies: []cookie{count}}, nil},
		{"objection after a no", "refused", visit{Cookies: []cookie{count}}, []string{"without consent"}},
		{"not declared", "accepted", visit{Cookies: []cookie{{Name: "rogue", Domain: "shop.example"}}}, []string{"is not declared"}},
		{"names are told apart by case", "accepted", visit{Cookies: []cookie{{Name: "_GA_X", Domain: "shop.example"}}}, []string{"is not declared"}},
		{"weaker than declared", "accepted", visit{Cookies: []cookie{weak}}, []string{"scripts can read", "is not", "end with the browser"}},
		{"longer than declared", "accepted", visit{Cookies: []cookie{old}}, []string{"lives 400"}},
		{"another site's", "accepted", visit{Cookies: []cookie{{Name: "sid", Domain: ".ads.example"}}}, []string{"another site's"}},
		{"storage and requests", "accepted", visit{Stored: []stored{{"local storage", "uid", "/"}}, Foreign: []foreign{{"ads.example", "/p", "Image", "/"}}}, []string{"scripts store", "another site"}},
		{"not looked at", "accepted", visit{Skipped: "no button", Cookies: []cookie{old}}, nil},
	} {
		tt.seen.Name = tt.state
		got := judge(site, m, []visit{tt.seen})
		require.Len(t, got, len(tt.want), "%s: %v", tt.name, got)
		for i, want := range tt.want {
			require.Contains(t, got[i].Why, want, tt.name)
		}
	}
}

func TestSameSite(t *testing.T) {
	for _, tt := range []struct {
		site, host string
		want       bool
	}{
		{"shop.example", "shop.example", true}, {"www.shop.example", "shop.example", true}, {"shop.example", "cdn.shop.example", true},
		{"shop.example", "myshop.example", false}, {"shop.example", "example", false}, {"127.0.0.1", "localhost", false}, {"127.0.0.1", "127.0.0.1", true},
	} {
		require.Equal(t, tt.want, sameSite(tt.site, tt.host), tt.site+" "+tt.host)
	}
}
