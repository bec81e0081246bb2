package banner_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/banner"
	"github.com/candorhttp/candor/consent/ledger"
)

func TestLanguages(t *testing.T) {
	s := newSite(t)
	for accept, want := range map[string]string{
		"": "en", "de": "de", "DE-at": "de", "fr, de;q=0.5, en;q=0.4": "de", "fr": "en", "en;q=0.1, de;q=0.2": "de",
		"de;q=0": "en", "de;q=x, en": "en", "*": "en", ",,;;=": "en", strings.Repeat("fr,", 40) + "de": "en",
	} {
		w, page := s.do("GET", "/privacy/", "", "Accept-Language", accept)
		require.Contains(t, page, `<html class="candor-root" lang="`+want+`"`, accept)
		require.Contains(t, w.Header.Values("Vary"), "Accept-Language")
	}
	_, page := s.do("GET", "/", "", "Accept-Language", "de")
	require.Contains(t, page, ">Alle ablehnen</button>")
	require.Contains(t, page, "analytics auf Deutsch")

	s = newSite(t, func(_ *consent.Config, o *banner.Options) {
		o.Language = func(r *http.Request) string { return r.URL.Query().Get("l") }
	})
	for query, want := range map[string]string{"?l=de": "de", "?l=DE": "de", "?l=de-CH": "de", "?l=xx": "en", "": "en"} {
		_, page = s.do("GET", "/privacy/"+query, "", "Accept-Language", "en")
		require.Contains(t, page, `lang="`+want+`"`, query)
	}
}

// Every language of the package says everything, in its own words and direction.
func TestEveryLanguageIsWhole(t *testing.T) {
	s := newSite(t, inEveryLanguage)
	english := banner.Texts("en")
	for _, l := range everyLanguage {
		texts := banner.Texts(l)
		for key, text := range english {
			if strings.Contains(key, ".one") || strings.Contains(key, ".other") {
				continue
			}
			require.NotEmpty(t, texts[key], "%s %s", l, key)
			for _, place := range []string{"{n}", "{date}", "{d}", "{month}", "{y}"} {
				require.Equal(t, strings.Contains(text, place), strings.Contains(texts[key], place), "%s %s: %s", l, key, place)
			}
			if len(text) > 24 && l != "en" {
				require.NotEqual(t, text, texts[key], "%s %s", l, key)
			}
		}
		dir := "ltr"
		if l == "ar" {
			dir = "rtl"
		}
		for _, path := range []string{"/privacy/", "/privacy/notice"} {
			_, page := s.do("GET", path, "", "Accept-Language", l)
			require.Contains(t, page, `lang="`+l+`" dir="`+dir+`"`)
			require.NotContains(t, page, "{n}")
			require.NotContains(t, page, "{date}")
			require.NotContains(t, page, "<no value>")
		}
	}
	require.Nil(t, banner.Texts("sv"))
	require.Nil(t, banner.Texts("../texts/en"))
	banner.Texts("en")["accept"] = "x"
	require.Equal(t, "Accept all", banner.Texts("en")["accept"], "a copy")
}

// build returns the error of New for a policy in English and l.
func build(t *testing.T, l string, o banner.Options, change func(*consent.Policy)) error {
	t.Helper()
	p := policy()
	p.Languages, p.Changes = []string{"en", l}, nil
	for i := range p.Processing {
		for _, text := range []consent.Text{p.Processing[i].Title, p.Processing[i].Text, p.Processing[i].Retention} {
			text[l] = "x"
		}
	}
	if change != nil {
		change(&p)
	}
	keys, err := consent.ParseKeys(consent.GenerateKey())
	require.NoError(t, err)
	m, err := consent.New(consent.Config{Policy: p, Keys: keys, Ledger: ledger.Memory(), Insecure: true})
	require.NoError(t, err)
	_, err = banner.New(m, o)
	return err
}

// A language without its texts is an error that names each of them.
func TestMissingTextsAreAFault(t *testing.T) {
	require.NoError(t, build(t, "de-AT", banner.Options{}, nil), "a variety of German is German")

	err := build(t, "sv", banner.Options{}, nil)
	require.ErrorContains(t, err, "banner: texts: sv: missing accept, ")
	for key := range banner.Texts("en") {
		if strings.HasPrefix(key, "log.") && key != "log.title" || strings.HasPrefix(key, "country.") && key != "country.US" {
			continue
		}
		require.ErrorContains(t, err, key)
	}

	swedish := banner.Texts("en") // in place of a translation
	for key := range swedish {
		if strings.HasPrefix(key, "country.") {
			delete(swedish, key)
		}
	}
	delete(swedish, "month.other")
	err = build(t, "sv", banner.Options{Texts: map[string]map[string]string{"sv": swedish}}, nil)
	require.EqualError(t, err, "banner: texts: sv: missing country.US, month.other; give them in Options.Texts, or take the language out of the policy")
	swedish["month.other"], swedish["country.US"] = "{n} månader", "USA"
	require.NoError(t, build(t, "sv", banner.Options{Texts: map[string]map[string]string{"sv": swedish}}, nil))

	faraway := func(p *consent.Policy) {
		p.Recipients = append(p.Recipients, consent.Recipient{Name: "Far", Country: "NU", Safeguard: consent.SafeguardSCC})
	}
	err = build(t, "de", banner.Options{}, faraway)
	require.ErrorContains(t, err, "banner: texts: en: missing country.NU;")
	require.ErrorContains(t, err, "banner: texts: de: missing country.NU;")
	require.NoError(t, build(t, "de", banner.Options{Texts: map[string]map[string]string{"en": {"country.NU": "Niue"}, "de": {"country.NU": "Niue"}}}, faraway))
}

func TestOptionsThatCannotBeMeant(t *testing.T) {
	_, err := banner.New(nil, banner.Options{})
	require.ErrorContains(t, err, "manager: is missing")
	for want, o := range map[string]banner.Options{
		`banner: texts: en: "acept" is not a key`:           {Texts: map[string]map[string]string{"en": {"acept": "OK"}}},
		`banner: texts: en: months: are 2`:                  {Texts: map[string]map[string]string{"en": {"months": "a b"}}},
		`banner: texts: en: dir: choose ltr or rtl`:         {Texts: map[string]map[string]string{"en": {"dir": "up"}}},
		`banner: texts: "fr" is not a language`:             {Texts: map[string]map[string]string{"fr": {"accept": "OK"}}},
		`banner: templates: template: pages`:                {Templates: `{{define "banner"}}`},
		`"acept" is not a key`:                              {Templates: `{{define "banner"}}{{.T "acept"}}{{end}}`},
		`can't evaluate field Nothing in type *banner.View`: {Templates: `{{define "notice"}}{{.Nothing}}{{end}}`},
	} {
		require.ErrorContains(t, build(t, "de", o, nil), want)
	}
}

func TestHostsReplaceTextsAndTemplates(t *testing.T) {
	s := newSite(t, func(_ *consent.Config, o *banner.Options) {
		o.Texts = map[string]map[string]string{"en": {"accept": "Yes, please", "log.custom": "my own field"}}
		o.Templates = `{{define "change"}}<a href="{{.Prefix}}">{{.T "change"}}, {{.T "accept"}}</a>{{end}}`
	})
	_, page := s.do("GET", "/", "")
	require.Contains(t, page, ">Yes, please</button>")
	require.Contains(t, page, `<a href="/privacy/">Privacy choices, Yes, please</a>`)
	_, page = s.do("GET", "/", "", "Accept-Language", "de")
	require.Contains(t, page, ">Alle annehmen</button>", "the others stay")
}
