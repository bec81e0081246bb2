package promises_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/analytics"
)

func TestPromise_P08_WhatLogsHold(t *testing.T) {
	sentence(t, "P8: log files hold where you came from, where you go next, browser, IP address. Each as little as serves")
	s := open(t, nil)
	v := s.visitor()
	v.header.Set("Referer", "https://search.example/find?q=teapots+for+jane")
	v.get("/search?q=secret&page=2")
	v.choose("accept")
	v.get("/search?q=secret&page=2")
	link, err := s.events.Link("https://partner.example/offer?for=jane")
	require.NoError(t, err)
	require.Equal(t, "https://partner.example/offer?for=jane", v.get(link).Header.Get("Location"))
	s.Close()
	lines := s.log.lines()
	var before, after map[string]any
	require.NoError(t, json.Unmarshal([]byte(lines[0]), &before))
	require.NoError(t, json.Unmarshal([]byte(lines[2]), &after))
	require.Equal(t, "203.0.0.0", before["client.address"])
	require.NotContains(t, before, "http.request.referrer")
	require.NotContains(t, before, "user_agent.version")
	require.Equal(t, "203.0.113.0", after["client.address"])
	require.Equal(t, "https://search.example", after["http.request.referrer"], "where from: the site, not the page")
	require.Equal(t, "142", after["user_agent.version"])
	require.Equal(t, "page=2", after["url.query"])
	require.Regexp(t, `^p1:`, after["client.pseudonym"])
	for _, canary := range []string{"jane", "secret", "203.0.113.77", "7444"} {
		require.NotContains(t, s.log.String(), canary)
	}
	s.flush()
	found := false
	for _, d := range s.own.events() {
		found = found || d.Name == analytics.OutboundLink
	}
	require.True(t, found, "where next: the host, as an event with consent")
}

func TestPromise_P09_FullAddressForThePaymentIntermediaryAlone(t *testing.T) {
	sentence(t, "P9: IP addresses go to payment intermediaries")
	s := open(t, nil)
	v := s.visitor()
	v.header.Del("X-Forwarded-For")
	// From an address of its own, without a proxy.
	v.client.Transport = &http.Transport{DialContext: (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP("127.44.55.66")}}).DialContext}
	body := v.post("/pay", nil).body
	require.Contains(t, body, "disclosed=127.44.55.66,<nil>")
	require.Contains(t, body, "other="+consent.ErrNotDisclosed.Error())
	require.Contains(t, body, "seen=127.44.0.0:0", "whatever else looks sees a truncated one")
	require.Equal(t, map[string]uint64{"Pay GmbH": 1}, s.manager.Stats().Disclosed)
	require.Contains(t, v.get("/privacy/manifest.json").body, `"recipient": "Pay GmbH"`)
	require.NotContains(t, s.log.String(), "127.44.55.66")
}

func TestPromise_P18_WhatIsMeasured(t *testing.T) {
	sentence(t, "P18: usage, events, aggregated use, performance, location, device type are recorded")
	s := open(t, nil)
	v := s.visitor()
	v.choose("accept")
	v.header.Set("Cf-Ipcountry", "IE")
	v.get("/users/4711")
	a := v.do("POST", s.events.Prefix()+"beacon", "text/plain", `{"event":"web_vitals","properties":{"lcp":1234.5}}`)
	require.Equal(t, http.StatusNoContent, a.StatusCode)
	s.flush()
	got := map[string]analytics.Delivery{}
	for _, d := range s.own.events() {
		got[d.Name] = d
	}
	view := got[analytics.PageView]
	require.Equal(t, "/users/{id}", view.Route)
	require.Contains(t, properties(view), "status=2xx")
	require.Contains(t, properties(view), "device=desktop")
	require.Zero(t, view.Time.Second(), "to the minute")
	require.NotEmpty(t, got[analytics.WebVitals].Name)
	require.NotContains(t, fmt.Sprint(s.own.events()), "4711")
}

func properties(d analytics.Delivery) string {
	var out []string
	for _, p := range d.Properties {
		out = append(out, p.Name()+"="+p.Text())
	}
	return strings.Join(out, " ")
}

func TestPromise_P19_WhatIsStoredIsNotLinked(t *testing.T) {
	sentence(t, "P19: what is stored is not linked")
	s := open(t, nil)
	v := s.visitor()
	v.choose("accept")
	v.get("/")
	s.flush()
	s.Close()
	// One visitor in four places: log, ledger, two destinations. Nothing of one
	// stands in another.
	pseudonym := regexp.MustCompile(`p1:[^"]+`).FindString(s.log.String())
	require.NotEmpty(t, pseudonym)
	own, abroad := s.own.events()[0], s.abroad.events()[0]
	require.NotEqual(t, pseudonym, own.Pseudonym)
	require.NotEqual(t, own.Pseudonym, abroad.Pseudonym)
	require.NotContains(t, s.log.String(), own.ID)
	subject := fmt.Sprintf("%x", [16]byte(s.entries()[0].Subject))
	for _, place := range []string{s.log.String(), own.Pseudonym, own.ID, abroad.Pseudonym} {
		require.NotContains(t, strings.ReplaceAll(place, "-", ""), subject)
	}
	for _, line := range s.log.lines() {
		if strings.Contains(line, `"http.route":"/privacy/`) {
			for _, key := range []string{"client.address", "client.pseudonym", "request.id", "user_agent"} {
				require.NotContains(t, line, key, "the choice itself leads to nobody")
			}
		}
	}
}

func TestPromise_P20_PagesAndLinks(t *testing.T) {
	sentence(t, "P20: pages looked at and links clicked, only with consent")
	s := open(t, nil)
	v := s.visitor()
	link, err := s.events.Link("https://partner.example/")
	require.NoError(t, err)
	v.get("/")
	require.Equal(t, http.StatusFound, v.get(link).StatusCode, "the link works all the same")
	s.flush()
	require.Empty(t, s.own.events())
	v.choose("accept")
	v.get("/")
	v.get(link)
	v.header.Set("Sec-Purpose", "prefetch")
	v.get("/login")
	s.flush()
	names := []string{}
	for _, d := range s.own.events() {
		names = append(names, d.Name)
	}
	require.ElementsMatch(t, []string{analytics.PageView, analytics.OutboundLink}, names, "what a browser fetched ahead was not looked at")
	v.header.Del("Sec-Purpose")
	v.withdraw()
	v.get("/")
	v.get(link)
	s.flush()
	require.Len(t, s.own.events(), 2, "and none from then on")
}

func TestPromise_P23_SharingCanBeRuledOut(t *testing.T) {
	sentence(t, "P23: user data is not tracked or shared at any scenario. It contradicts P8, P14 and P24, so it is a switch")
	s := open(t, nil)
	_, err := analytics.New(analytics.Config{Consent: s.manager, Sinks: []analytics.Sink{s.own, s.abroad}, ThirdPartySinks: analytics.Forbidden})
	require.ErrorContains(t, err, "numbers")
}

func TestPromise_P24_ListedRecipientsOnly(t *testing.T) {
	sentence(t, "P24: disclosed only to listed recipients")
	s := open(t, nil)
	_, err := analytics.New(analytics.Config{Consent: s.manager, Sinks: []analytics.Sink{&destination{name: "elsewhere", recipient: "Somebody Ltd"}}})
	require.ErrorContains(t, err, "not among the policy's recipients", "a sink that the policy does not list does not start")
	v := s.visitor()
	v.choose("accept")
	v.get("/")
	s.flush()
	require.EqualValues(t, 1, s.events.Stats().Sinks["numbers"].Sent, "counted by recipient")
	require.Contains(t, v.get("/privacy/notice").body, "Numbers Inc.")
}

func TestPromise_P25_TransfersNeedASafeguard(t *testing.T) {
	sentence(t, "P25: transfers outside the EEA only with adequate protection")
	p := policy()
	p.Recipients[1].Safeguard = consent.SafeguardNone
	require.ErrorContains(t, p.Validate(), "US is outside the EEA")
	s := open(t, nil)
	_, err := analytics.New(analytics.Config{Consent: s.manager, Sinks: []analytics.Sink{moved{&destination{name: "numbers", recipient: "Numbers Inc."}}}})
	require.Error(t, err, "a sink that sends to another country than the policy says does not start")
}

// moved is a destination that went to another country.
type moved struct{ *destination }

func (m moved) Destination() analytics.Destination {
	d := m.destination.Destination()
	d.Country = "CN"
	return d
}

func TestPromise_P26_NothingOfAPersonLeaks(t *testing.T) {
	sentence(t, "P26: technical measures protect data")
	s := open(t, nil)
	v := s.visitor()
	v.header.Set("Authorization", "Bearer canary-token-0123456789")
	v.choose("accept")
	for _, path := range append(routes, "/users/jane@mail.example", "/search?q=jane@mail.example", "/nothing/jane@mail.example") {
		v.get(path)
	}
	v.post("/login", map[string][]string{"email": {"jane@mail.example"}})
	v.header.Set("Cookie", "consent=forged.canary-token-0123456789")
	v.get("/")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	_, err := client.Get(v.URL + "/panic")
	require.Error(t, err)
	s.flush()
	s.Close()
	everything := s.log.String() + s.stderr.String() + fmt.Sprint(s.own.events(), s.abroad.events())
	for _, canary := range []string{"jane", "canary-token", "203.0.113.77", "7444"} {
		require.NotContains(t, everything, canary)
	}
	require.Contains(t, s.stderr.String(), "http: panic serving")

	// Keys rotate without anybody being asked again; without its key a cookie is nothing.
	young := consent.GenerateKey()
	_, err = consent.ParseKeys(young + "," + young)
	require.Error(t, err)
	require.NotContains(t, err.Error(), young)

	// Sinks need https.
	_, err = analytics.New(analytics.Config{Consent: s.manager, Sinks: []analytics.Sink{plain{&destination{name: "numbers", recipient: "Numbers Inc."}}}})
	require.ErrorContains(t, err, "https")
}

type plain struct{ *destination }

func (p plain) Destination() analytics.Destination {
	d := p.destination.Destination()
	d.Endpoint = "http://numbers.example/events"
	return d
}
