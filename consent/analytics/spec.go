package analytics

import (
	"github.com/candorhttp/candor/consent"
)

// Names of events that the pipeline captures itself once they are declared.
const (
	// PageView is captured by Pipeline.Middleware.
	PageView = "page_view"
	// OutboundLink is captured by the redirect behind Pipeline.Link, and sent by
	// the script. Its property "host" is one of the declared hosts.
	OutboundLink = "outbound_link"
	// WebVitals is sent by the script.
	WebVitals = "web_vitals"
)

// Spec declares an event. What is not declared does not exist.
type Spec struct {
	// Name is 1 to 32 of a-z, 0-9, '_', '-', '.', beginning with a letter.
	Name string
	// Purpose is what the visitor is asked about; default consent.Analytics. It
	// must be one that can be refused.
	Purpose consent.Purpose
	// Description is for the notice, in the policy's languages.
	Description consent.Text
	// Properties is what the event can say; at most 16.
	Properties []PropertySpec
	// Sinks are the names of the destinations; none: nothing leaves.
	Sinks []string
	// Count lists what is counted apart, each by itself: "route" and names of
	// properties. The event as a whole always is.
	Count []string
	// Script allows scripts in the site's pages to send the event, see
	// Pipeline.Handler.
	Script bool
}

// PropertySpec declares a property.
type PropertySpec struct {
	// Name is 1 to 32 of a-z, 0-9, '_', '-', '.', beginning with a letter. The
	// names "event" and "route" are taken.
	Name string
	Kind Kind
	// Values are the words of an enum: at most 256 of 1 to 64 letters, digits,
	// '_', '-', '.', which must not be addresses. A value that is not in the
	// list is dropped and counted.
	Values []string
	// Min and Max bound an int or a float. An int has at most 1,000,000 values.
	// Of a float three significant digits are kept, so that none holds an
	// identifier. A value out of bounds is dropped and counted.
	Min, Max float64
	// Unit is what a float is measured in: "ms", "1".
	Unit string
	// Bounds are the upper ends of what is counted together, in ascending order,
	// for an int or a float that is named in Count: at most 16.
	Bounds []float64
	// Description is for the manifest and may be left out.
	Description consent.Text

	standard string // a list that is not Values
	filled   filled
}

// filled says that the pipeline gives the value, whatever the handler says.
type filled uint8

const (
	byHandler filled = iota
	byDevice
	byCountry
	byStatus
)

// DeviceClass declares the property "device": desktop, mobile, tablet or other,
// as the User-Agent field has it.
func DeviceClass() PropertySpec {
	return PropertySpec{Name: "device", Kind: KindEnum, Values: []string{"desktop", "mobile", "tablet", "other"}, filled: byDevice}
}

// CountryCode declares the property "country": an ISO 3166-1 alpha-2 code that
// Config.Country gave.
func CountryCode() PropertySpec {
	return PropertySpec{Name: "country", Kind: KindEnum, standard: "ISO 3166-1 alpha-2", filled: byCountry}
}

// StatusClass declares the property "status" of a page view: 2xx to 5xx.
func StatusClass() PropertySpec {
	return PropertySpec{Name: "status", Kind: KindEnum, Values: []string{"2xx", "3xx", "4xx", "5xx"}, filled: byStatus}
}

// PageViews declares page views, with status and device, counted by route,
// status and device.
func PageViews(sinks ...string) Spec {
	return Spec{
		Name: PageView, Sinks: sinks, Count: []string{"route", "status", "device"},
		Description: consent.Text{
			"en": "Which page was looked at.", "de": "Welche Seite angesehen wurde.", "fr": "Quelle page a été consultée.",
			"es": "Qué página se ha visto.", "it": "Quale pagina è stata vista.", "nl": "Welke pagina is bekeken.",
			"pl": "Która strona została obejrzana.", "pt": "Que página foi vista.", "ar": "أي صفحة تمت مشاهدتها.",
		},
		Properties: []PropertySpec{StatusClass(), DeviceClass()},
	}
}

// OutboundLinks declares clicks on links that lead to one of the hosts, counted
// by host.
func OutboundLinks(hosts []string, sinks ...string) Spec {
	return Spec{
		Name: OutboundLink, Sinks: sinks, Count: []string{"host"}, Script: true,
		Description: consent.Text{
			"en": "Which other site a link led to.", "de": "Zu welcher anderen Website ein Link führte.", "fr": "Vers quel autre site un lien a mené.",
			"es": "A qué otro sitio llevó un enlace.", "it": "A quale altro sito ha portato un link.", "nl": "Naar welke andere site een link leidde.",
			"pl": "Do której innej strony prowadził link.", "pt": "A que outro site levou uma ligação.", "ar": "إلى أي موقع آخر أدى الرابط.",
		},
		Properties: []PropertySpec{{Name: "host", Kind: KindEnum, Values: hosts}},
	}
}

// Vitals declares how fast pages were, as the script measures it
// (https://web.dev/articles/vitals), counted in the usual three classes.
func Vitals(sinks ...string) Spec {
	ms := func(name string, good, poor float64) PropertySpec {
		return PropertySpec{Name: name, Kind: KindFloat, Unit: "ms", Max: 600_000, Bounds: []float64{good, poor}}
	}
	return Spec{
		Name: WebVitals, Sinks: sinks, Count: []string{"lcp", "inp", "cls", "fcp", "ttfb"}, Script: true,
		Description: consent.Text{
			"en": "How fast the page was for you.", "de": "Wie schnell die Seite bei Ihnen war.", "fr": "La rapidité de la page chez vous.",
			"es": "Lo rápida que fue la página para usted.", "it": "Quanto è stata veloce la pagina per te.", "nl": "Hoe snel de pagina bij u was.",
			"pl": "Jak szybko działała strona u Ciebie.", "pt": "A rapidez da página para si.", "ar": "مدى سرعة الصفحة لديك.",
		},
		Properties: []PropertySpec{
			ms("lcp", 2500, 4000), ms("inp", 200, 500),
			{Name: "cls", Kind: KindFloat, Unit: "1", Max: 100, Bounds: []float64{0.1, 0.25}},
			ms("fcp", 1800, 3000), ms("ttfb", 800, 1800),
		},
	}
}
