package banner

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"strings"

	"github.com/candorhttp/candor/consent"
)

//go:embed pages.html
var pagesHTML string

//go:embed style.css
var styleCSS []byte

// Options configures [Pages]. It is copied by New.
type Options struct {
	// Parts are shown on the pages and in the manifest: the inventory of
	// cookies, the access log, the ledger.
	Parts []consent.Describer
	// Language chooses the language of a request, one of the policy's; nil, or
	// what the policy does not have, means by Accept-Language.
	Language func(*http.Request) string
}

// Pages is what the visitor sees. It is an http.Handler for the manager's
// prefix and for /.well-known/gpc.json, and safe for concurrent use.
type Pages struct {
	manager   *consent.Manager
	parts     []consent.Describer
	language  func(*http.Request) string
	languages []string
	endpoints http.Handler
	templates *template.Template
	style     string // path of the style sheet
}

// New returns the pages of a manager, or one error that names every fault. A
// language of the policy without texts here is a fault.
func New(m *consent.Manager, o Options) (*Pages, error) {
	if m == nil {
		return nil, errors.New("banner: manager: is missing; make one with consent.New")
	}
	var faults []error
	policy := m.Policy()
	for _, l := range policy.Languages {
		if _, ok := textsFor(l); !ok {
			faults = append(faults, fmt.Errorf("banner: language %q of the policy has no texts here; remove it from the policy's languages", l))
		}
	}
	templates, err := template.New("pages").Parse(pagesHTML)
	if err != nil {
		faults = append(faults, fmt.Errorf("banner: templates: %w", err))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	p := &Pages{manager: m, parts: append([]consent.Describer(nil), o.Parts...), language: o.Language, languages: policy.Languages, templates: templates}
	p.endpoints = m.Handler(p.parts...)
	sum := sha256.Sum256(styleCSS)
	p.style = m.Prefix() + "style." + hex.EncodeToString(sum[:6]) + ".css"
	return p, nil
}

// textsFor returns the texts of a language, or of the one it is a variety of.
func textsFor(language string) (texts, bool) {
	t, ok := languages[language]
	if !ok {
		base, _, _ := strings.Cut(language, "-")
		t, ok = languages[base]
	}
	return t, ok
}

// ServeHTTP implements http.Handler.
func (p *Pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var page string
	switch r.URL.Path {
	case p.style:
		p.manager.PrivacyPage(http.HandlerFunc(p.serveStyle)).ServeHTTP(w, r)
		return
	case p.manager.Prefix():
		page = "preferences"
	case p.manager.Prefix() + "notice":
		page = "notice"
	default:
		p.endpoints.ServeHTTP(w, r)
		return
	}
	p.manager.PrivacyPage(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "this address takes GET, HEAD", http.StatusMethodNotAllowed)
			return
		}
		var body bytes.Buffer
		if err := p.templates.ExecuteTemplate(&body, page, p.view(r)); err != nil {
			http.Error(w, "the page could not be made", http.StatusInternalServerError)
			return
		}
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
		h.Set("Referrer-Policy", "no-referrer")
		h.Add("Vary", "Accept-Language")
		_, _ = w.Write(body.Bytes())
	})).ServeHTTP(w, r)
}

// serveStyle serves the style sheet. Its name holds its hash, so it is kept for
// ever.
func (p *Pages) serveStyle(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "this address takes GET, HEAD", http.StatusMethodNotAllowed)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/css; charset=utf-8")
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(styleCSS)
}

// Fragment returns the banner for a page, empty once there is nothing left to
// ask. It asks about consent, so call it before the first byte of the response.
func (p *Pages) Fragment(r *http.Request) template.HTML {
	if consent.Decided(r.Context()) {
		return ""
	}
	var b strings.Builder
	if err := p.templates.ExecuteTemplate(&b, "banner", p.view(r)); err != nil {
		return ""
	}
	return template.HTML(b.String()) // made by html/template above
}

// Funcs returns template functions bound to the request: consentBanner is
// Fragment, consentAllowed asks for a purpose by name, consentLink is the
// address of the preferences page. The banner is made now, before the template
// sends its first byte; consentAllowed answers as of now.
func (p *Pages) Funcs(r *http.Request) template.FuncMap {
	fragment := p.Fragment(r)
	decision := consent.From(r.Context())
	return template.FuncMap{
		"consentBanner":  func() template.HTML { return fragment },
		"consentAllowed": func(purpose string) bool { return decision.Allows(consent.Purpose(purpose)) },
		"consentLink":    p.manager.Prefix,
	}
}
