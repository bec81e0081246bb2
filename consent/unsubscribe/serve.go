package unsubscribe

import (
	"bytes"
	"errors"
	"html/template"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
)

// maxBody bounds what is read of a post. The honest one is 26 bytes, or some
// hundreds as multipart.
const maxBody = 8 << 10

// ServeHTTP implements http.Handler for the path of Config.URL.
//
// GET and HEAD answer 200 with a page, POST of List-Unsubscribe=One-Click ends
// the mailing and answers 200. A link that is not one of this list is 404 for
// all of them, another content type 415, a body above 8 KiB 413, another body
// 400, another method 405. No answer sets a cookie or is stored.
func (l *Letters) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.manager.PrivacyPage(http.HandlerFunc(l.serve)).ServeHTTP(w, r)
}

func (l *Letters) serve(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost:
	default:
		w.Header().Set("Allow", "GET, HEAD, POST")
		http.Error(w, "this address takes GET, HEAD, POST", http.StatusMethodNotAllowed)
		return
	}
	recipient, err := l.recipient(r)
	if err != nil {
		l.counts.unknown.Add(1)
		l.page(w, r, http.StatusNotFound, false, l.wordsFor(r).Unknown)
		return
	}
	if r.Method != http.MethodPost {
		l.page(w, r, http.StatusOK, true, l.wordsFor(r).Question)
		return
	}
	if status, text := oneClick(r); status != 0 {
		l.counts.badRequest.Add(1)
		http.Error(w, text, status)
		return
	}
	l.end(recipient)
	l.page(w, r, http.StatusOK, false, l.wordsFor(r).Done)
}

// recipient reads the link. What is given twice is not one of ours.
func (l *Letters) recipient(r *http.Request) (string, error) {
	if len(r.URL.RawQuery) > maxToken+64 {
		return "", errToken
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil || len(query["u"]) != 1 {
		return "", errToken
	}
	return l.sealer.open(query["u"][0])
}

// oneClick reads the body that RFC 8058 §3.2 asks for, in both of its forms. It
// returns 0, or the status and text of the refusal.
func oneClick(r *http.Request) (int, string) {
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		kind = ""
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	switch {
	case err != nil:
		return http.StatusBadRequest, "the body could not be read"
	case len(body) > maxBody:
		return http.StatusRequestEntityTooLarge, "the body is larger than 8 KiB"
	}
	good := false
	switch kind {
	case "application/x-www-form-urlencoded":
		form, err := url.ParseQuery(string(body))
		good = err == nil && len(form["List-Unsubscribe"]) == 1 && form.Get("List-Unsubscribe") == "One-Click"
	case "multipart/form-data":
		good = inParts(body, params["boundary"])
	default:
		return http.StatusUnsupportedMediaType, "send application/x-www-form-urlencoded or multipart/form-data"
	}
	if !good {
		return http.StatusBadRequest, "send List-Unsubscribe=One-Click"
	}
	return 0, ""
}

// maxParts bounds the parts of a multipart body that are looked at.
const maxParts = 16

func inParts(body []byte, boundary string) bool {
	if boundary == "" {
		return false
	}
	reader, found := multipart.NewReader(bytes.NewReader(body), boundary), 0
	for range maxParts {
		part, err := reader.NextPart()
		if errors.Is(err, io.EOF) {
			return found == 1
		}
		if err != nil {
			return false
		}
		if part.FormName() != "List-Unsubscribe" {
			continue
		}
		value, err := io.ReadAll(part)
		if err != nil || string(value) != "One-Click" {
			return false
		}
		found++
	}
	return false
}

var pages = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="{{.Language}}" dir="{{.Direction}}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{{.Words.Title}}</title>
</head>
<body>
<main>
<h1>{{.Words.Title}}</h1>
<p{{if not .Ask}} role="status"{{end}}>{{.Text}}</p>
{{if .Ask}}<form method="post"><input type="hidden" name="List-Unsubscribe" value="One-Click"><button>{{.Words.Button}}</button></form>{{end}}
</main>
</body>
</html>
`))

// page answers with one sentence and perhaps the button. The form posts to the
// address it stands at, link and all.
func (l *Letters) page(w http.ResponseWriter, r *http.Request, status int, ask bool, text string) {
	language := l.language(r)
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", language)
	h.Set("Content-Security-Policy", "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	h.Set("Referrer-Policy", "no-referrer") // the address holds the link
	w.WriteHeader(status)
	// An error here is one of the connection; there is nobody left to tell.
	_ = pages.Execute(w, struct {
		Language, Direction, Text string
		Words                     Words
		Ask                       bool
	}{language, direction(language), text, l.words[language], ask})
}

func (l *Letters) language(r *http.Request) string {
	if l.choose != nil {
		if language := l.choose(r); l.words[language] != (Words{}) {
			return language
		}
	}
	return l.first
}

func (l *Letters) wordsFor(r *http.Request) Words { return l.words[l.language(r)] }
