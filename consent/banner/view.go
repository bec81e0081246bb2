package banner

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/candorhttp/candor/consent"
)

// View is what the templates show. Only a host that replaces one needs it.
type View struct {
	lexicon *lexicon

	Language string // of the page
	Prefix   string // path of the preferences page; the others are below it
	Style    string // path of the style sheet
	Script   string // path of the script
	Nonce    string // for the style and script elements; empty without Options.Nonce
	State    string // the visitor's state as JSON; empty on what is for everybody
	Return   string // where a form leads back to

	Decided bool // nothing is left to ask
	Granted bool // something is granted, so there is something to withdraw
	GPC     bool // Sec-GPC: 1 is sent, and honoured

	Policy   consent.ManifestPolicy
	Dated    string // version and date of the policy, a sentence
	Since    string // what the visitor's choice was about, a sentence; empty where they chose under this version
	Purposes []PurposeView
	Own      *PurposeView // the manager's own cookie
	Log      []FieldView
	LogKept  *Words // how long lines are kept, where it is the same for all fields
	Counters []CounterView
	Stores   []Words      // how long each store keeps records of choices
	Changes  []ChangeView // latest first
	Changed  []ChangeView // of those, why the visitor is asked again
	Answer   *AnswerView  // of the template "answer"
}

// T returns the text of a key in the page's language. An unknown key is an
// error, which New reports.
func (v *View) T(key string) (string, error) { return v.lexicon.get(key) }

func (l *lexicon) get(key string) (string, error) {
	text, ok := l.texts[key]
	if !ok {
		return "", fmt.Errorf("banner: texts: %s: %q is not a key", l.language, key)
	}
	return text, nil
}

// PurposeView is one purpose, or the manager's own cookie.
type PurposeView struct {
	lexicon *lexicon

	Purpose                      consent.Purpose
	Title, Text, Retention       string
	Essential, Objection, Shares bool
	Allowed                      bool // may be used now
	New                          bool // changed materially since the visitor's choice
	Cookies                      []CookieView
	Storage                      []StorageView
	Recipients                   []RecipientView
	Events                       []NotedView
	Experiments                  []ExperimentView
}

// T is [View.T].
func (p *PurposeView) T(key string) (string, error) { return p.lexicon.get(key) }

// ChangeView is one entry of the policy's history.
type ChangeView struct {
	Dated, Summary string
	New            bool // since the visitor's choice
}

// light returns what every template needs, without a visitor.
func (p *Pages) light(r *http.Request, language string) *View {
	v := &View{
		lexicon: p.lexicons[language], Language: language, Prefix: p.manager.Prefix(),
		Style: p.style.path, Script: p.script.path, Return: "/", Policy: p.policy,
	}
	if r != nil {
		v.Return = r.URL.RequestURI()
		if p.nonce != nil {
			v.Nonce = p.nonce(r)
		}
	}
	return v
}

// brief adds what the banner shows: from the policy alone, so that a page with a
// banner costs no manifest.
func (p *Pages) brief(v *View, d consent.Decision) {
	v.Purposes = slices.Clone(p.purposes[v.Language])
	v.since(p.history[v.Language], d, p.goodSince)
}

// meet fills in what the decision says.
func (v *View) meet(d consent.Decision) {
	if state, err := d.MarshalJSON(); err == nil {
		v.State = string(state)
	}
	v.Decided, v.GPC = d.Decided(), d.GPC()
	for _, state := range d.Purposes() {
		v.Granted = v.Granted || state == consent.Granted
	}
}

// full returns what the preferences page and the notice show: what runs now.
func (p *Pages) full(r *http.Request, language string, d consent.Decision) *View {
	v := p.light(r, language)
	v.meet(d)
	p.brief(v, d)
	l := v.lexicon
	m := p.manager.Manifest(p.parts...)
	for i, row := range m.Purposes {
		if i >= len(v.Purposes) {
			break
		}
		at := &v.Purposes[i]
		at.Allowed = d.Allows(row.Purpose)
		at.Recipients = recipientsOf(m, row, l)
		at.keeps(m)
	}
	v.Own = &PurposeView{lexicon: l, Title: l.texts["own.title"], Cookies: cookiesOf(m, "", l)}
	v.counts(m)
	for _, f := range m.Log {
		kept := l.kept(f.Retention)
		row := FieldView{Name: f.Name, Holds: l.foreign(f.Transform), Kept: &kept, Granted: f.Tier == "granted"}
		if text := l.texts["log."+f.Name]; text != "" {
			row.Holds = Words{Text: text}
		}
		v.Log = append(v.Log, row)
	}
	if different := slices.ContainsFunc(v.Log, func(f FieldView) bool { return *f.Kept != *v.Log[0].Kept }); len(v.Log) > 0 && !different {
		v.LogKept = v.Log[0].Kept
		for i := range v.Log {
			v.Log[i].Kept = nil
		}
	}
	for _, s := range m.Records {
		v.Stores = append(v.Stores, l.kept(s.Retention))
	}
	return v
}

// outline returns the purposes as the policy has them, in one language.
func outline(policy consent.Policy, l *lexicon) (out []PurposeView) {
	for _, d := range policy.Processing {
		out = append(out, PurposeView{
			lexicon: l, Purpose: d.Purpose, Title: d.Title[l.language], Text: d.Text[l.language], Retention: d.Retention[l.language],
			Essential: d.Basis == consent.Essential, Objection: d.Basis == consent.Objection, Shares: d.SharesData,
		})
	}
	return out
}
