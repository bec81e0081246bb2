package banner

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/candorhttp/candor/consent"
)

// AnswerView is what an endpoint answered to a form: a receipt, a history, what
// was erased, or why not.
type AnswerView struct {
	Title    string
	Text     Words
	Token    string // of a receipt, to be kept
	Record   string // the receipt's number
	Purposes []StateView
	Events   []EventView
	Parts    []PartView
	Back     string // path of the page that the form was on
}

// StateView is what counts now of one purpose.
type StateView struct{ Title, Text, State string }

// EventView is one choice as it was recorded.
type EventView struct {
	When, Version    string
	Language, Hash   string // of the text that was shown
	Allowed, Refused []string
}

// PartView is one part of somebody's data: how far its erasure is, or what it holds.
type PartView struct{ Name, Status, Data string }

// answer writes the page for what the manager has to say to a form.
func (p *Pages) answer(w http.ResponseWriter, r *http.Request, page consent.Page) {
	v := p.light(r, p.speak(r))
	v.Nonce = ""
	v.Answer = p.answerView(v.lexicon, strings.TrimPrefix(r.URL.Path, p.manager.Prefix()), page)
	v.Answer.Back = back(r)
	p.write(w, page.Status, "answer", v)
}

// answerView puts it into words.
func (p *Pages) answerView(l *lexicon, endpoint string, page consent.Page) *AnswerView {
	t := l.texts
	a := &AnswerView{Token: page.Token}
	switch {
	case page.Error != "":
		a.Title, a.Text = t["error"], l.fault(endpoint, page)
	case page.Receipt != nil:
		a.Title, a.Record = t["receipt"], page.Receipt.Record.RecordID
		for _, d := range page.Receipt.Processing.Purposes {
			i := slices.IndexFunc(p.purposes[l.language], func(v PurposeView) bool { return v.Purpose == d.Type })
			if i < 0 {
				continue
			}
			of := p.purposes[l.language][i]
			a.Purposes = append(a.Purposes, StateView{of.Title, of.Text, t["state."+d.State]})
		}
		for _, e := range page.Receipt.Events {
			a.Events = append(a.Events, p.event(l, e.Time, e.PolicyVersion, e.Language, e.TextHash, e.Granted, e.Denied))
		}
	case page.History != nil:
		a.Title = t["history"]
		for _, e := range page.History.Entries {
			a.Events = append(a.Events, p.event(l, e.Time, e.Policy, e.Language, e.TextHash, e.Granted, e.Denied))
		}
		for _, part := range page.History.Host {
			a.Parts = append(a.Parts, PartView{part.Name, t["part."+string(part.Status)], string(part.Data)})
		}
		if len(a.Events)+len(a.Parts) == 0 {
			a.Text.Text = t["history.none"]
		}
	case endpoint == "erase":
		a.Title = t["erase"]
		a.Text.Text = map[int]string{http.StatusOK: t["erased"], http.StatusAccepted: t["erase.pending"]}[page.Status]
		if a.Text.Text == "" {
			a.Text.Text = t["erase.failed"]
		}
		for _, part := range page.Erased {
			name := part.Name
			if name == "consent records" {
				name = t["part.records"]
			}
			a.Parts = append(a.Parts, PartView{Name: name, Status: t["part."+string(part.Status)]})
		}
	default:
		a.Title = t["withdrawn"]
	}
	return a
}

// fault says what went wrong: in the visitor's words what a visitor can meet, in
// the endpoint's own what only a program can.
func (l *lexicon) fault(endpoint string, page consent.Page) Words {
	rights := endpoint == "receipt" || endpoint == "history" || endpoint == "erase"
	switch {
	case page.Status == http.StatusNotFound && rights:
		return Words{Text: l.texts["history.none"]}
	case page.Status == http.StatusForbidden && !rights:
	case l.texts["error."+strconv.Itoa(page.Status)] != "":
		return Words{Text: l.texts["error."+strconv.Itoa(page.Status)]}
	}
	return l.foreign(page.Error)
}

func (p *Pages) event(l *lexicon, at time.Time, version int, language, hash string, granted, denied []consent.Purpose) EventView {
	titles := func(list []consent.Purpose) (out []string) {
		for _, purpose := range list {
			title := string(purpose) // one that the policy has no more
			for _, v := range p.purposes[l.language] {
				if v.Purpose == purpose {
					title = v.Title
				}
			}
			out = append(out, title)
		}
		return out
	}
	return EventView{
		When:    l.date(at.UTC().Format(time.DateOnly)) + ", " + at.UTC().Format("15:04 UTC"),
		Version: fill(l.texts["version"], "n", version), Language: language, Hash: hash,
		Allowed: titles(granted), Refused: titles(denied),
	}
}

// back returns the path of the page that a form was on, where the browser says
// so and it is one of this site, else "/".
func back(r *http.Request) string {
	u, err := url.Parse(r.Referer())
	if err != nil || r.Referer() == "" || u.Host != r.Host {
		return "/"
	}
	path := u.RequestURI()
	// A path that a browser would read as another site's address.
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.ContainsAny(path, "\\\t\r\n ") {
		return "/"
	}
	return path
}

// samples are answers of every kind, to try templates with.
func (p *Pages) samples(l *lexicon) []*AnswerView {
	receipt := &consent.Receipt{Events: []consent.ReceiptEvent{{Granted: []consent.Purpose{"x"}, Denied: []consent.Purpose{"x"}}}}
	for _, d := range p.purposes[l.language] {
		receipt.Processing.Purposes = append(receipt.Processing.Purposes, consent.ReceiptPurpose{Type: d.Purpose, State: "granted"})
	}
	parts := []consent.Part{{Name: "x", Status: consent.PartDone, Data: []byte("{}")}}
	history := &consent.History{Entries: []consent.HistoryEntry{{}}, Host: parts}
	return []*AnswerView{
		p.answerView(l, "receipt", consent.Page{Status: http.StatusOK, Receipt: receipt, Token: "x"}),
		p.answerView(l, "history", consent.Page{Status: http.StatusOK, History: history}),
		p.answerView(l, "erase", consent.Page{Status: http.StatusAccepted, Erased: parts}),
		p.answerView(l, "decision", consent.Page{Status: http.StatusBadRequest, Error: "x"}),
	}
}
