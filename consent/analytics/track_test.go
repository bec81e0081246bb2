package analytics_test

import (
	"math"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/analytics"
)

// tracked runs a handler for a visitor who said yes and returns what the sink
// got.
func tracked(t *testing.T, spec analytics.Spec, track func(*analytics.Pipeline, *http.Request)) (got []analytics.Delivery, stats analytics.Stats) {
	t.Helper()
	inTime(t, func(t *testing.T) {
		own := firstParty("own", 100)
		spec.Sinks = []string{"own"}
		var s *site
		s = newSite(t, newManager(t), analytics.Config{Sinks: []analytics.Sink{own}, Events: []analytics.Spec{spec}}, map[string]http.HandlerFunc{
			"GET /users/{id}": func(_ http.ResponseWriter, r *http.Request) { track(s.events, r) },
		})
		s.get("/users/42", s.choose("", `{"analytics":true}`))
		s.flush()
		got, stats = own.all(), s.events.Stats()
	})
	return got, stats
}

// Only declared values pass, and only in the form in which they were declared.
func TestProperties(t *testing.T) {
	const enum, boolean, integer, float = analytics.KindEnum, analytics.KindBool, analytics.KindInt, analytics.KindFloat
	many := []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"}
	spec := analytics.Spec{
		Name: "e", Description: consent.Text{"en": "-"},
		Properties: []analytics.PropertySpec{
			{Name: "word", Kind: enum, Values: []string{"small", "large"}}, {Name: "many", Kind: enum, Values: many},
			{Name: "flag", Kind: boolean}, {Name: "n", Kind: integer, Min: -5, Max: 100},
			{Name: "f", Kind: float, Min: -1, Max: 1000, Unit: "ms"}, {Name: "tiny", Kind: float, Min: 0, Max: 1, Unit: "1"},
			analytics.DeviceClass(), analytics.CountryCode(),
		},
	}
	for _, tt := range []struct {
		name string
		give analytics.Property
		want string // "" is dropped
	}{
		{"word", analytics.Enum("word", "large"), "large"},
		{"word of a long list", analytics.Enum("many", "j"), "j"},
		{"word that is not listed", analytics.Enum("word", "jane@example.com"), ""},
		{"word of a long list that is not listed", analytics.Enum("many", "jane@example.com"), ""},
		{"word in other case", analytics.Enum("word", "Large"), ""},
		{"no word", analytics.Enum("word", ""), ""},
		{"true", analytics.Bool("flag", true), "true"},
		{"false", analytics.Bool("flag", false), "false"},
		{"number", analytics.Int("n", 42), "42"},
		{"least", analytics.Int("n", -5), "-5"},
		{"too little", analytics.Int("n", -6), ""},
		{"telephone number", analytics.Int("n", 4917012345678), ""},
		{"smallest of all", analytics.Int("n", math.MinInt64), ""},
		{"float", analytics.Float("f", 12.5), "12.5"},
		{"float rounded", analytics.Float("f", 123.456789), "123"},
		{"float rounded up to the bound", analytics.Float("f", 999.9), "1000"},
		{"small float", analytics.Float("tiny", 0.00012345), "0.000123"},
		{"tenth", analytics.Float("tiny", 0.1), "0.1"},
		{"zero", analytics.Float("tiny", 0), "0"},
		{"denormal", analytics.Float("tiny", math.SmallestNonzeroFloat64), "0"},
		{"float out of bounds", analytics.Float("f", 1001), ""},
		{"not a number", analytics.Float("f", math.NaN()), ""},
		{"infinite", analytics.Float("f", math.Inf(1)), ""},
		{"number for a float", analytics.Int("f", 12), ""},
		{"float for a number", analytics.Float("n", 12), ""},
		{"word for a number", analytics.Enum("n", "12"), ""},
		{"word for a flag", analytics.Enum("flag", "true"), ""},
		{"not declared", analytics.Enum("email", "jane@example.com"), ""},
		{"zero Property", analytics.Property{}, ""},
		{"what the pipeline fills in", analytics.Enum("country", "DE"), ""},
		{"what the pipeline fills in, device", analytics.Enum("device", "tablet"), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, stats := tracked(t, spec, func(p *analytics.Pipeline, r *http.Request) {
				p.Track(r.Context(), analytics.Event{Name: "e", Properties: []analytics.Property{tt.give}})
			})
			require.Len(t, got, 1, "the event goes, without what is not allowed")
			properties := got[0].Properties
			require.Equal(t, "device", properties[len(properties)-1].Name())
			require.Equal(t, "other", properties[len(properties)-1].Text())
			if tt.want == "" {
				require.Len(t, properties, 1)
				require.EqualValues(t, 1, stats.Properties)
				return
			}
			require.Len(t, properties, 2)
			require.Equal(t, tt.give.Name(), properties[0].Name())
			require.Equal(t, tt.want, properties[0].Text())
			require.Zero(t, stats.Properties)
		})
	}
}

// All sixteen, given in any order, arrive in the order of the declaration.
func TestManyProperties(t *testing.T) {
	spec := analytics.Spec{Name: "e", Description: consent.Text{"en": "-"}}
	for i := range 16 {
		spec.Properties = append(spec.Properties, analytics.PropertySpec{Name: "p" + string(rune('a'+i)), Kind: analytics.KindInt, Max: 100})
	}
	got, _ := tracked(t, spec, func(p *analytics.Pipeline, r *http.Request) {
		var e analytics.Event
		e.Name = "e"
		for i := 15; i >= 0; i-- {
			if i != 7 {
				e.Properties = append(e.Properties, analytics.Int("p"+string(rune('a'+i)), int64(i)))
			}
		}
		e.Properties = append(e.Properties, analytics.Int("pa", 99)) // the last of two counts
		p.Track(r.Context(), e)
	})
	var text strings.Builder
	for _, p := range got[0].Properties {
		text.WriteString(p.Name() + "=" + p.Text() + " ")
	}
	require.Equal(t, "pa=99 pb=1 pc=2 pd=3 pe=4 pf=5 pg=6 pi=8 pj=9 pk=10 pl=11 pm=12 pn=13 po=14 pp=15 ", text.String())
}

func TestDelivery(t *testing.T) {
	got, stats := tracked(t, click(""), func(p *analytics.Pipeline, r *http.Request) {
		p.Track(r.Context(), analytics.Event{Name: "click", Properties: []analytics.Property{
			analytics.Float("took", 12.5), analytics.Int("items", 3), analytics.Bool("first", true), analytics.Enum("size", "large"),
		}})
		p.Track(r.Context(), analytics.Event{Name: "not_declared"})
		p.Track(t.Context(), analytics.Event{Name: "click"})
	})
	require.Len(t, got, 1)
	d := got[0]
	require.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, d.ID)
	require.Regexp(t, `^p1:20261115:[0-9a-f]{32}$`, d.Pseudonym)
	require.Equal(t, "click", d.Name)
	require.Equal(t, "/users/{id}", d.Route)
	require.Equal(t, "2026-11-15T12:34:00Z", d.Time.Format("2006-01-02T15:04:05.999999999Z07:00"), "no finer than the minute")
	require.Len(t, d.Properties, 4)
	require.Equal(t, "large", d.Properties[0].Text())
	require.True(t, d.Properties[1].Bool())
	require.EqualValues(t, 3, d.Properties[2].Int())
	require.InDelta(t, 12.5, d.Properties[3].Float(), 0)
	require.Equal(t, map[analytics.Withheld]uint64{analytics.Undeclared: 1, analytics.NotMounted: 1}, stats.Withheld)
	require.EqualValues(t, 1, stats.Captured)
}

// Each destination sees another pseudonym for the visitor, and another id for
// the event: what two of them know cannot be put together.
func TestPromise_P19_DestinationsDoNotJoin(t *testing.T) {
	inTime(t, func(t *testing.T) {
		one, two := firstParty("one", 10), thirdParty("two", 10)
		s := newSite(t, newManager(t), analytics.Config{
			Sinks: []analytics.Sink{one, two}, Events: []analytics.Spec{click("", "one", "two"), analytics.PageViews("one")},
		}, map[string]http.HandlerFunc{"/page": html})
		cookie := s.choose("", `{"analytics":true}`)
		s.track(cookie, 2)
		s.get("/page", cookie)
		s.flush()
		require.Len(t, one.all(), 3)
		require.Len(t, two.all(), 2)
		seen := map[string]bool{}
		for i, d := range append(one.all(), two.all()...) {
			require.False(t, seen[d.ID])
			seen[d.ID] = true
			if i < 3 {
				require.Equal(t, one.all()[0].Pseudonym, d.Pseudonym, "one visitor for one destination")
			} else {
				require.NotEqual(t, one.all()[0].Pseudonym, d.Pseudonym)
			}
		}
	})
}

func html(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write([]byte("<!doctype html>"))
}
