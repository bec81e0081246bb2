package analytics_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/analytics"
)

// Each fault is named, with the field and the mend.
func TestFaults(t *testing.T) {
	spec := func(edit func(*analytics.Spec)) func(*analytics.Config) {
		return func(c *analytics.Config) {
			c.Sinks = []analytics.Sink{firstParty("own", 1), thirdParty("theirs", 1)}
			s := click("", "own")
			edit(&s)
			c.Events = []analytics.Spec{s}
		}
	}
	property := func(p analytics.PropertySpec) func(*analytics.Config) {
		return spec(func(s *analytics.Spec) { s.Properties, s.Count = []analytics.PropertySpec{p}, nil })
	}
	to := func(edit func(*analytics.Destination)) func(*analytics.Config) {
		return func(c *analytics.Config) {
			s := thirdParty("theirs", 1)
			edit(&s.to)
			c.Sinks = []analytics.Sink{s}
		}
	}
	enum := func(words ...string) func(*analytics.Config) {
		return property(analytics.PropertySpec{Name: "p", Kind: analytics.KindEnum, Values: words})
	}
	for name, tt := range map[string]struct {
		edit func(*analytics.Config)
		want string
	}{
		"no manager":         {func(c *analytics.Config) { c.Consent = nil }, "Consent: is missing; give the manager"},
		"queue events":       {func(c *analytics.Config) { c.QueueEvents = -1 }, "QueueEvents: is -1; choose"},
		"queue bytes":        {func(c *analytics.Config) { c.QueueBytes = 10 }, "QueueBytes: is 10; choose"},
		"sharing":            {func(c *analytics.Config) { c.ThirdPartySinks = 7 }, "ThirdPartySinks: is not known"},
		"prefix":             {func(c *analytics.Config) { c.Prefix = "/events" }, "Prefix: is not a path"},
		"prefix with query":  {func(c *analytics.Config) { c.Prefix = "/x?/" }, "Prefix: is not a path"},
		"sink nil":           {func(c *analytics.Config) { c.Sinks = []analytics.Sink{nil} }, "Sinks[0]: is nil"},
		"sink name":          {to(func(d *analytics.Destination) { d.Name = "Own!" }), "Sinks[0]: Name: is not a name"},
		"sink twice":         {func(c *analytics.Config) { c.Sinks = []analytics.Sink{firstParty("own", 1), firstParty("own", 1)} }, "Sinks[1] (own): Name: is given twice"},
		"batch":              {to(func(d *analytics.Destination) { d.MaxEvents = -2 }), "MaxEvents: is -2"},
		"unknown recipient":  {to(func(d *analytics.Destination) { d.Recipient = "Elsewhere" }), "Recipient: is not among the policy's recipients"},
		"wrong country":      {to(func(d *analytics.Destination) { d.Country = "CN" }), "Country: is not the one that the policy names"},
		"wrong safeguard":    {to(func(d *analytics.Destination) { d.Safeguard = consent.SafeguardDPF }), "Safeguard: is not the one that the policy names"},
		"country of nobody":  {to(func(d *analytics.Destination) { d.Recipient, d.Country = "", "DE" }), "Country and Safeguard are a recipient's"},
		"plain http":         {to(func(d *analytics.Destination) { d.Endpoint = "http://stats.example/" }), "Endpoint: is not https"},
		"looks like loop":    {to(func(d *analytics.Destination) { d.Endpoint = "http://localhost.example/" }), "Endpoint: is not https"},
		"no scheme":          {to(func(d *analytics.Destination) { d.Endpoint = "stats.example/api" }), "Endpoint: is not a URL"},
		"user information":   {to(func(d *analytics.Destination) { d.Endpoint = "https://me:hunter2@stats.example/" }), "Endpoint: holds more than host and path"},
		"token in the query": {to(func(d *analytics.Destination) { d.Endpoint = "https://stats.example/?token=hunter2" }), "Endpoint: holds more than host and path"},

		"event name":        {spec(func(s *analytics.Spec) { s.Name = "a b" }), "Events[0]: Name: is not a name"},
		"event twice":       {func(c *analytics.Config) { c.Events = []analytics.Spec{click(""), click("")} }, "Events[1] (click): Name: is declared twice"},
		"purpose":           {spec(func(s *analytics.Spec) { s.Purpose = "spying" }), "Events[0] (click): Purpose: is not in the policy"},
		"essential":         {spec(func(s *analytics.Spec) { s.Purpose = consent.Authentication }), "Purpose: is essential, which nobody can refuse"},
		"unknown sink":      {spec(func(s *analytics.Spec) { s.Sinks = []string{"elsewhere"} }), "Sinks[0]: is no sink's name"},
		"sink named twice":  {spec(func(s *analytics.Spec) { s.Sinks = []string{"own", "own"} }), "Sinks[1]: is named twice"},
		"description":       {spec(func(s *analytics.Spec) { s.Description = nil }), `Description: has no text for language "en"`},
		"count of nothing":  {spec(func(s *analytics.Spec) { s.Count = []string{"colour"} }), "Count[0]: is no property of the event"},
		"count twice":       {spec(func(s *analytics.Spec) { s.Count = []string{"size", "size"} }), "Count[1]: is named twice"},
		"count of a number": {spec(func(s *analytics.Spec) { s.Count = []string{"items"} }), "Bounds: are missing"},
		"too many":          {spec(func(s *analytics.Spec) { s.Properties = make([]analytics.PropertySpec, 17) }), "Properties: are 17, more than 16"},
		"status":            {spec(func(s *analytics.Spec) { s.Properties = append(s.Properties, analytics.StatusClass()) }), "a page view alone has a status"},
		"property twice": {
			spec(func(s *analytics.Spec) { s.Properties = append(s.Properties, s.Properties[0]) }), "Properties[4]: Name: is declared twice",
		},

		"property name":  {property(analytics.PropertySpec{Name: "E-Mail", Kind: analytics.KindBool}), "Properties[0]: Name: is not a name"},
		"reserved name":  {property(analytics.PropertySpec{Name: "event", Kind: analytics.KindBool}), "Properties[0]: Name: is not a name"},
		"no kind":        {property(analytics.PropertySpec{Name: "p"}), "Kind: is not known"},
		"no words":       {enum(), "Values: are 0"},
		"word twice":     {enum("a", "a"), "Values[1]: is listed twice"},
		"e-mail":         {enum("jane@example.com"), "Values[0]: is not a word"},
		"address":        {enum("ok", "198.51.100.7"), "Values[1]: is not a word"},
		"address 6":      {enum("2001:db8::1"), "Values[0]: is not a word"},
		"empty word":     {enum(""), "Values[0]: is not a word"},
		"long word":      {enum(strings.Repeat("x", 65)), "Values[0]: is not a word"},
		"values of bool": {property(analytics.PropertySpec{Name: "p", Kind: analytics.KindBool, Values: []string{"a"}}), "Values: are an enum's"},
		"no bounds":      {property(analytics.PropertySpec{Name: "p", Kind: analytics.KindInt}), "Min and Max: are no bounds"},
		"wide":           {property(analytics.PropertySpec{Name: "p", Kind: analytics.KindInt, Max: 1e9}), "leave room for an identifier"},
		"half":           {property(analytics.PropertySpec{Name: "p", Kind: analytics.KindInt, Max: 1.5}), "leave room for an identifier"},
		"no unit":        {property(analytics.PropertySpec{Name: "p", Kind: analytics.KindFloat, Max: 1}), "Unit: is missing"},
		"bounds order":   {property(analytics.PropertySpec{Name: "p", Kind: analytics.KindInt, Max: 9, Bounds: []float64{2, 1}}), "Bounds: are not"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := analytics.Config{Consent: newManager(t)}
			tt.edit(&cfg)
			events, err := analytics.New(cfg)
			if err == nil {
				require.NoError(t, events.Shutdown(t.Context()))
			}
			require.ErrorContains(t, err, "analytics: config: ")
			require.ErrorContains(t, err, tt.want)
			require.NotContains(t, err.Error(), "hunter2")
			require.NotContains(t, err.Error(), "jane@")
		})
	}
}

func TestAllFaultsAtOnce(t *testing.T) {
	bad := firstParty("Bad", 1)
	bad.to.Endpoint = "ftp://x"
	_, err := analytics.New(analytics.Config{
		Consent: newManager(t), Sinks: []analytics.Sink{bad}, QueueEvents: -1, Prefix: "x",
		Events: []analytics.Spec{{Name: "!", Sinks: []string{"none"}, Properties: []analytics.PropertySpec{{}}}},
	})
	require.Error(t, err)
	require.Equal(t, 9, strings.Count(err.Error(), "analytics: config: "), err)
}

// What is not wrong.
func TestSound(t *testing.T) {
	for name, endpoint := range map[string]string{"https": "https://stats.example/api", "loopback": "http://127.0.0.1:8080/x", "loopback 6": "http://[::1]/", "localhost": "http://localhost:80"} {
		own := firstParty("own", 1)
		own.to.Endpoint = endpoint
		theirs := thirdParty("theirs", 1)
		theirs.to.Country, theirs.to.Safeguard = "US", consent.SafeguardSCC
		events, err := analytics.New(analytics.Config{
			Consent: newManager(t), Sinks: []analytics.Sink{own, theirs},
			Events: []analytics.Spec{analytics.PageViews("own"), analytics.Vitals("own"), analytics.OutboundLinks([]string{"3m.example"}, "theirs"), click("", "theirs")},
		})
		require.NoError(t, err, name)
		require.NoError(t, events.Shutdown(context.Background()))
	}
}

func TestPromise_P23_NothingIsShared(t *testing.T) {
	m := newManager(t)
	_, err := analytics.New(analytics.Config{Consent: m, ThirdPartySinks: analytics.Forbidden, Sinks: []analytics.Sink{firstParty("own", 1), thirdParty("theirs", 1)}})
	require.EqualError(t, err, "analytics: config: Sinks[1] (theirs): Recipient: third-party sinks are forbidden; drop the sink, or Config.ThirdPartySinks: Forbidden together with what the policy promises")
	events, err := analytics.New(analytics.Config{Consent: m, ThirdPartySinks: analytics.Forbidden, Sinks: []analytics.Sink{firstParty("own", 1)}})
	require.NoError(t, err)
	require.NoError(t, events.Shutdown(t.Context()))
}

func TestPromise_P24_ARecipientIsNamedForThePurpose(t *testing.T) {
	s := thirdParty("theirs", 1)
	s.to.Recipient = "Nobody GmbH" // in the policy, but for no purpose
	_, err := analytics.New(analytics.Config{Consent: newManager(t), Sinks: []analytics.Sink{s}, Events: []analytics.Spec{click("", "theirs")}})
	require.EqualError(t, err, "analytics: config: Events[0] (click): Sinks[0]: the recipient is not among those of the purpose; name it in the policy, where visitors read it")
}

// A transfer is the one that visitors were told of: the country and the
// safeguard of a sink are those of the policy, or it does not start.
func TestPromise_P25_TransfersAreThoseOfThePolicy(t *testing.T) {
	m := newManager(t)
	for _, tt := range []struct {
		country   string
		safeguard consent.Safeguard
		faults    int
	}{
		{"US", consent.SafeguardSCC, 0}, {"", "", 0}, {"US", consent.SafeguardDPF, 1}, {"DE", consent.SafeguardSCC, 1}, {"DE", consent.SafeguardNone, 2},
	} {
		s := thirdParty("theirs", 1)
		s.to.Country, s.to.Safeguard = tt.country, tt.safeguard
		events, err := analytics.New(analytics.Config{Consent: m, Sinks: []analytics.Sink{s}, Events: []analytics.Spec{click("", "theirs")}})
		if tt.faults > 0 {
			require.Equal(t, tt.faults, strings.Count(err.Error(), "is not the one that the policy names"), err)
			continue
		}
		require.NoError(t, err)
		var mf consent.Manifest
		events.Describe(&mf)
		require.Equal(t, "US", mf.Destinations[0].Country)
		require.Equal(t, consent.SafeguardSCC, mf.Destinations[0].Safeguard)
		require.NoError(t, events.Shutdown(t.Context()))
	}
}

// The configuration is copied: what the caller changes later changes nothing.
func TestConfigIsCopied(t *testing.T) {
	inTime(t, func(t *testing.T) {
		own := firstParty("own", 1)
		spec := click("", "own")
		s := newSite(t, newManager(t), analytics.Config{Sinks: []analytics.Sink{own}, Events: []analytics.Spec{spec}}, nil)
		spec.Properties[0].Values[0] = "changed"
		spec.Properties[0].Name, spec.Sinks[0] = "changed", "changed"
		s.get("/track", s.choose("", `{"analytics":true}`))
		s.flush()
		require.Equal(t, "small", own.all()[0].Properties[0].Text())
	})
}
