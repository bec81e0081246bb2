package banner

import (
	"html/template"
	"net/http"
	"strings"

	"github.com/candorhttp/candor/consent"
)

// Fragment returns the banner while something is left to ask, and the line that
// loads the script. It belongs right after <body>: a keyboard then meets it
// first, and in a small window it stands above the page instead of over it.
//
// It asks about consent, so call it before the first byte of the response. A
// page that is cached for everybody has [Pages.Script] instead.
func (p *Pages) Fragment(r *http.Request) template.HTML {
	return p.fragment(p.met(r))
}

func (p *Pages) fragment(v *View, d consent.Decision) template.HTML {
	if v.Decided {
		return p.render(v, "style", "script")
	}
	p.counters.banners.Add(1)
	p.brief(v, d)
	return p.render(v, "style", "banner", "script")
}

// met asks about consent, and returns what every template needs.
func (p *Pages) met(r *http.Request) (*View, consent.Decision) {
	d := consent.From(r.Context())
	v := p.light(r, p.speak(r))
	v.meet(d)
	return v, d
}

// Change returns what every page should have, in its footer for example: a link
// to the preferences page and, for a visitor who granted something, a button
// that takes all of it back, so that this is one step as saying yes was.
//
// It asks about consent, as Fragment does.
func (p *Pages) Change(r *http.Request) template.HTML {
	v, _ := p.met(r)
	return p.render(v, "change")
}

// Script returns the one line that a page needs which is cached for everybody,
// or is not made by html/template: the script asks GET decision, shows the
// banner where something is left to ask, and offers to change the choice where
// the page has no link to the preferences page. It does not ask about consent.
// The request is for Options.Nonce alone and may be nil without it.
func (p *Pages) Script(r *http.Request) template.HTML {
	return p.render(p.light(r, p.languages[0]), "script")
}

// Bound is what a page needs of one request, as data for a template that all
// requests share. It does not change, and answers as of when it was made.
type Bound struct {
	Banner template.HTML // see [Pages.Fragment]
	Change template.HTML // see [Pages.Change]
	Link   string        // address of the preferences page

	decision consent.Decision
}

// Allowed reports whether the purpose of that name may be used.
func (b Bound) Allowed(purpose string) bool { return b.decision.Allows(consent.Purpose(purpose)) }

// Bind makes what a page needs of the request, all of it now, before the template
// sends its first byte. It asks about consent, as Fragment does.
func (p *Pages) Bind(r *http.Request) Bound {
	v, decision := p.met(r)
	return Bound{p.fragment(v, decision), p.render(v, "change"), p.manager.Prefix(), decision}
}

// Funcs returns the parts of [Pages.Bind] as template functions: consentBanner,
// consentChange, consentLink and consentAllowed, and consentScript, which is
// [Pages.Script]. They are this visitor's, so give them to a Clone of a template
// that was not executed yet, and never to one that other requests execute: those
// would get this visitor's answers. As a clone is escaped anew for each request,
// prefer Bind.
//
// With a nil request the functions ask nothing: to parse templates with, and for
// pages that are cached for everybody, where consentBanner is the script's line.
func (p *Pages) Funcs(r *http.Request) template.FuncMap {
	funcs := template.FuncMap{
		"consentBanner":  func() template.HTML { return p.Script(nil) },
		"consentChange":  func() template.HTML { return "" },
		"consentScript":  func() template.HTML { return p.Script(r) },
		"consentAllowed": func(string) bool { return false },
		"consentLink":    p.manager.Prefix,
	}
	if r == nil {
		return funcs
	}
	b := p.Bind(r)
	funcs["consentBanner"] = func() template.HTML { return b.Banner }
	funcs["consentChange"] = func() template.HTML { return b.Change }
	funcs["consentAllowed"] = b.Allowed
	return funcs
}

// render executes templates, which New has tried.
func (p *Pages) render(v *View, names ...string) template.HTML {
	var b strings.Builder
	for _, name := range names {
		if p.templates.ExecuteTemplate(&b, name, v) != nil {
			p.counters.failed.Add(1)
			return ""
		}
	}
	return template.HTML(b.String()) // made by html/template
}
