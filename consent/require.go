package consent

import (
	"html/template"
	"net/http"
)

// Require lets requests through where p is allowed, and hands the others to
// fallback. Everything that is not wrapped stays reachable: this gates a
// feature, not a site. A nil fallback answers 403 with a plain page that names
// the purpose and leads to the visitor's choices.
//
// The response depends on consent and is marked as by [Allowed].
func Require(p Purpose, fallback http.Handler) func(http.Handler) http.Handler {
	if fallback == nil {
		fallback = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { explain(w, r, p) })
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if Allowed(r.Context(), p) {
				next.ServeHTTP(w, r)
				return
			}
			fallback.ServeHTTP(w, r)
		})
	}
}

var explainPage = template.Must(template.New("require").Parse(`<!doctype html>
<html lang="{{.Language}}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Title}}</title>
<main>
<h1>{{.Title}}</h1>
<p>{{.Text}}</p>
{{if .Prefix}}<p><a href="{{.Prefix}}">{{.Prefix}}</a></p>{{end}}
</main>
</html>
`))

// explain says, in the policy's own words, which purpose the feature needs.
func explain(w http.ResponseWriter, r *http.Request, p Purpose) {
	page := struct{ Language, Title, Text, Prefix string }{Language: "en", Title: string(p)}
	if s := stateFrom(r.Context()); s != nil {
		page.Prefix = s.m.prefix
		if i, ok := s.m.rules.index[p]; ok {
			d := s.m.rules.policy.Processing[i]
			page.Language = s.m.rules.policy.Languages[0]
			page.Title, page.Text = d.Title[page.Language], d.Text[page.Language]
		}
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(http.StatusForbidden)
	_ = explainPage.Execute(w, page)
}
