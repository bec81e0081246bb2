package banner

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/candorhttp/candor/consent"
)

// Options configures [Pages]. It is copied by New.
type Options struct {
	// Parts are shown on the pages and in the manifest: the inventory of
	// cookies, the access log, the ledger.
	Parts []consent.Describer
	// Language chooses the language of a request, one of the policy's; nil, or
	// what the policy does not have, means by Accept-Language. What it looks at
	// must be in the host's Vary.
	Language func(*http.Request) string
	// Texts replaces texts by language and key, and gives those of languages
	// that this package does not have; see [Texts].
	Texts map[string]map[string]string
	// Templates replaces templates by name, in the language of html/template:
	// {{define "banner"}}…{{end}}. Each is given a [View]. The defaults are in
	// assets/pages.html of this package.
	Templates string
	// Nonce returns the nonce of the request's Content-Security-Policy, for
	// hosts whose policy asks for one; nil leaves it out.
	Nonce func(*http.Request) string
}

// Pages is what the visitor sees. It is an http.Handler for the manager's
// prefix and for /.well-known/gpc.json, and safe for concurrent use.
type Pages struct {
	manager   *consent.Manager
	parts     []consent.Describer
	language  func(*http.Request) string
	nonce     func(*http.Request) string
	languages []string
	policy    consent.ManifestPolicy
	endpoints http.Handler
	templates *template.Template

	style, script *asset
	lexicons      map[string]*lexicon      // by language
	purposes      map[string][]PurposeView // by language, as the policy has them
	history       map[string][]change      // by language, latest first
	goodSince     map[consent.Purpose]int
	counters      counters
}

// New returns the pages of a manager, or one error that names every fault: each
// text that a language of the policy lacks among them. Every template is tried
// in every language.
func New(m *consent.Manager, o Options) (*Pages, error) {
	if m == nil {
		return nil, errors.New("banner: manager: is missing; make one with consent.New")
	}
	policy := m.Policy()
	p := &Pages{
		manager: m, parts: slices.Clone(o.Parts), language: o.Language, nonce: o.Nonce,
		languages: policy.Languages, policy: m.Manifest().Policy,
		style:    newAsset(m.Prefix(), "css", "text/css; charset=utf-8", styleCSS),
		script:   newAsset(m.Prefix(), "js", "text/javascript; charset=utf-8", scriptJS),
		lexicons: map[string]*lexicon{}, purposes: map[string][]PurposeView{}, history: map[string][]change{},
		goodSince: map[consent.Purpose]int{},
	}
	var faults []error
	for _, l := range policy.Languages {
		lexicon, err := newLexicon(l, o.Texts[l], policy.Recipients)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		p.lexicons[l], p.purposes[l], p.history[l] = lexicon, outline(policy, lexicon), history(policy, lexicon)
	}
	for _, l := range slices.Sorted(maps.Keys(o.Texts)) {
		if !slices.Contains(policy.Languages, l) {
			faults = append(faults, fmt.Errorf("banner: texts: %q is not a language of the policy; add it there, or take its texts out", l))
		}
	}
	for _, d := range policy.Processing {
		p.goodSince[d.Purpose] = max(d.GoodSince, 1)
	}
	templates, err := template.New("pages").Parse(pagesHTML)
	if err == nil {
		templates, err = templates.Parse(o.Templates)
	}
	if err != nil {
		faults = append(faults, fmt.Errorf("banner: templates: %w", err))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	p.templates = templates
	if err := p.try(); err != nil {
		return nil, err
	}
	p.parts = append(p.parts, p)
	p.endpoints = m.Handler(p.parts...)
	return p, nil
}

// try executes every template in every language, so that none fails in front of
// a visitor.
func (p *Pages) try() error {
	var faults []error
	for _, l := range p.languages {
		v := p.full(nil, l, consent.Decision{})
		v.GPC, v.Granted = true, true
		try := func(name string) {
			if err := p.templates.ExecuteTemplate(io.Discard, name, v); err != nil {
				faults = append(faults, fmt.Errorf("banner: templates: %s: %w", name, err))
			}
		}
		for _, name := range []string{"banner", "change", "style", "script", "parts", "preferences", "notice", "records"} {
			try(name)
		}
		for _, v.Answer = range p.samples(v.lexicon) {
			try("answer")
		}
	}
	return errors.Join(faults...)
}

// ServeHTTP implements http.Handler.
func (p *Pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var serve func(http.ResponseWriter, *http.Request)
	switch strings.TrimPrefix(r.URL.Path, p.manager.Prefix()) {
	case strings.TrimPrefix(p.style.path, p.manager.Prefix()), "candor.css":
		serve = p.style.ServeHTTP
	case strings.TrimPrefix(p.script.path, p.manager.Prefix()), "candor.js":
		serve = p.script.ServeHTTP
	case "":
		serve = p.page("preferences")
	case "records":
		serve = p.page("records")
	case "notice":
		serve = p.serveNotice
	case "parts":
		serve = p.serveParts
	default:
		p.endpoints.ServeHTTP(w, r.WithContext(consent.WithPages(r.Context(), p.answer)))
		return
	}
	p.manager.PrivacyPage(http.HandlerFunc(serve)).ServeHTTP(w, r)
}

// page serves one of the pages about the visitor.
func (p *Pages) page(name string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		if !reads(w, r) {
			return
		}
		v := p.full(r, p.speak(r), consent.From(r.Context()))
		v.Nonce = "" // these pages have a policy of their own
		w.Header().Add("Vary", "Accept-Language")
		p.write(w, http.StatusOK, name, v)
	}
}

// pagePolicy lets the pages load their own style and script, send their own
// forms, and nothing else; a script in them cannot make script from text.
const pagePolicy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; " +
	"frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

func (p *Pages) write(w http.ResponseWriter, status int, name string, v *View) {
	var body bytes.Buffer
	if err := p.templates.ExecuteTemplate(&body, name, v); err != nil {
		p.counters.failed.Add(1)
		http.Error(w, "the page could not be made", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("Referrer-Policy", "no-referrer")
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes())
}

// serveNotice serves the living notice, as a page or, by Accept, as JSON.
func (p *Pages) serveNotice(w http.ResponseWriter, r *http.Request) {
	w.Header().Add("Vary", "Accept")
	if accept := strings.Join(r.Header["Accept"], ","); !strings.Contains(accept, "application/json") || strings.Contains(accept, "text/html") {
		p.page("notice")(w, r)
		return
	}
	if !reads(w, r) {
		return
	}
	d := consent.From(r.Context())
	text, err := json.MarshalIndent(struct {
		*consent.Manifest
		Decision consent.Decision `json:"decision"`
		Since    int              `json:"decision_since,omitempty"` // version that was chosen under; later changes are new
	}{p.manager.Manifest(p.parts...), d, d.Since()}, "", "  ")
	if err != nil {
		http.Error(w, "the notice could not be made", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(text, '\n'))
}

// serveParts serves what the script puts into pages that are cached for
// everybody. It is the same for every visitor of a language and signal.
func (p *Pages) serveParts(w http.ResponseWriter, r *http.Request) {
	if !reads(w, r) {
		return
	}
	language := p.known(r.URL.Query().Get("language"))
	if language == "" {
		language = p.speak(r)
	}
	v := p.light(nil, language)
	v.Purposes = p.purposes[language]
	v.GPC = slices.Contains(r.Header["Sec-Gpc"], "1")
	h := w.Header()
	h.Set("Cache-Control", "private, max-age=3600")
	h.Add("Vary", "Accept-Language, Sec-GPC")
	h.Set("Access-Control-Allow-Origin", "*")
	p.write(w, http.StatusOK, "parts", v)
}
