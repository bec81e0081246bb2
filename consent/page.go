package consent

import (
	"context"
	"encoding/json"
	"html/template"
	"net/http"
	"strings"
)

// Page is what an endpoint has to say to somebody who posted a form, for a
// page that shows it.
type Page struct {
	Status  int
	Title   string   // in English, short
	Error   string   // what was not taken and why, in English; empty when all went well
	Receipt *Receipt // of POST receipt
	Token   string   // of the receipt, where there is one: to be kept by the visitor
	History *History // of POST history
	Erased  []Part   // of POST erase
}

type pagesKey struct{}

// WithPages returns a context in which the endpoints answer forms by calling
// page, which writes the whole response, instead of with a plain page of their
// own. It is for package banner and others that serve [Manager.Handler] among
// pages of their own. The response is no-store already, and what Page holds is
// for the visitor alone.
func WithPages(ctx context.Context, page func(http.ResponseWriter, *http.Request, Page)) context.Context {
	return context.WithValue(ctx, pagesKey{}, page)
}

var answerPage = template.Must(template.New("answer").Parse(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Title}}</title>
<main>
<h1>{{.Title}}</h1>
{{with .Error}}<p>{{.}}</p>{{end}}
{{with .Token}}<p>Keep this receipt. Whoever has it can see and erase this record, also after your cookie is gone:</p>
<p><code>{{.}}</code></p>{{end}}
{{with .Receipt}}<h2>Choices</h2>
<p>Record {{.Record.RecordID}} of {{.Record.PrincipalID}}</p>
<ul>{{range .Processing.Purposes}}<li>{{.Purpose}}: {{.State}}. {{.Description}} ({{.Retention}}){{range .Recipients}} → {{.}}{{end}}</li>{{end}}</ul>
<ul>{{range .Events}}<li>{{.Time.Format "2006-01-02 15:04:05Z07:00"}} {{.State}}{{range .Granted}} +{{.}}{{end}}{{range .Denied}} -{{.}}{{end}},
 {{.Method}}, {{.Language}}, policy {{.PolicyVersion}}, text {{.TextHash}}</li>{{end}}</ul>
<ul>{{range .Parties}}<li>{{.Role}}: {{.Name}} {{.Address}} {{.Email}} {{.URL}} {{.Country}}</li>{{end}}</ul>{{end}}
{{with .History}}<h2>Records</h2>
<ol>{{range .Entries}}<li>{{.Time.Format "2006-01-02 15:04:05Z07:00"}} {{.Kind}}{{range .Granted}} +{{.}}{{end}}{{range .Denied}} -{{.}}{{end}},
 {{.Method}}, {{.Language}}, policy {{.Policy}}, text {{.TextHash}}</li>{{else}}<li>None.</li>{{end}}</ol>
{{range .Host}}<h2>{{.Name}}: {{.Status}}</h2><pre>{{printf "%s" .Data}}</pre>{{end}}{{end}}
{{with .Erased}}<ul>{{range .}}<li>{{.Name}}: {{.Status}}</li>{{end}}</ul>{{end}}
<p><a href="{{.Back}}">{{.Back}}</a></p>
</main>
</html>
`))

// answer writes a page.
func (m *Manager) answer(w http.ResponseWriter, r *http.Request, p Page) {
	if page, ok := r.Context().Value(pagesKey{}).(func(http.ResponseWriter, *http.Request, Page)); ok {
		page(w, r, p)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	w.WriteHeader(p.Status)
	_ = answerPage.Execute(w, struct {
		Page
		Back string
	}{p, m.prefix})
}

func wantsJSON(r *http.Request) bool { return accepts(r, "application/json") }

func accepts(r *http.Request, kind string) bool {
	for _, line := range r.Header["Accept"] {
		if strings.Contains(line, kind) {
			return true
		}
	}
	return false
}

// refuse answers an error in the form that was asked for. The text never holds
// more of the request than a quoted, shortened name.
func (m *Manager) refuse(w http.ResponseWriter, r *http.Request, status int, text string) {
	if wantsJSON(r) || strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		writeJSON(w, status, struct {
			Error string `json:"error"`
		}{text})
		return
	}
	if r.Context().Value(pagesKey{}) != nil {
		m.answer(w, r, Page{Status: status, Title: http.StatusText(status), Error: text})
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text + "\n"))
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		http.Error(w, "the answer could not be written", http.StatusInternalServerError)
		return
	}
	writeJSONText(w, status, string(text)+"\n")
}

func writeJSONText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text))
}
