package banner

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/candorhttp/candor/consent"
)

// view is what the templates show.
type view struct {
	T                     texts
	Language              string
	Style, Prefix, Return string
	Decided, GPC          bool
	Purposes              []purposeView
	Own                   *purposeView // the manager's own cookie
	Policy                consent.ManifestPolicy
	Log                   []consent.ManifestField
	Records               []consent.ManifestRecords
	Changes               []changeView
}

type purposeView struct {
	T                             texts
	Purpose                       consent.Purpose
	Title, Text, Retention        string
	Essential, Objection, Checked bool
	Cookies                       []cookieView
	Recipients                    []recipientView
}

type cookieView struct{ Name, Description, Lifetime, Provider string }

type recipientView struct{ Name, Country, Safeguard string }

type changeView struct {
	Version            int
	Effective, Summary string
}

// view reads what runs and what the visitor chose.
func (p *Pages) view(r *http.Request) view {
	language := ""
	if p.language != nil {
		language = p.language(r)
	}
	if !slices.Contains(p.languages, language) {
		language = negotiate(r, p.languages)
	}
	m := p.manager.Manifest(p.parts...)
	d := consent.From(r.Context())
	t, _ := textsFor(language)
	v := view{
		T: t, Language: language, Style: p.style, Prefix: p.manager.Prefix(), Return: r.URL.RequestURI(),
		Decided: d.Decided(), GPC: d.GPC(), Policy: m.Policy, Log: m.Log, Records: m.Records,
	}
	for _, purpose := range m.Purposes {
		v.Purposes = append(v.Purposes, purposeView{
			T: t, Purpose: purpose.Purpose, Title: purpose.Title[language], Text: purpose.Text[language], Retention: purpose.Retention[language],
			Essential: purpose.Basis == consent.Essential, Objection: purpose.Basis == consent.Objection, Checked: d.Allows(purpose.Purpose),
			Cookies: cookiesOf(m, purpose.Purpose, language, t), Recipients: recipientsOf(m, purpose.Recipients, t),
		})
	}
	if own := cookiesOf(m, "", language, t); len(own) > 0 {
		v.Own = &purposeView{T: t, Cookies: own}
	}
	for _, c := range m.Policy.Changes {
		v.Changes = append(v.Changes, changeView{c.Version, c.Effective, c.Summary[language]})
	}
	slices.Reverse(v.Changes)
	return v
}

func cookiesOf(m *consent.Manifest, purpose consent.Purpose, language string, t texts) (out []cookieView) {
	for _, c := range m.Cookies {
		if c.Purpose != purpose {
			continue
		}
		description := c.Description[language]
		if description == "" {
			base, _, _ := strings.Cut(language, "-")
			description = c.Description[base]
		}
		life := t.Session
		if c.LifetimeDays > 0 {
			life = strconv.FormatFloat(c.LifetimeDays, 'f', -1, 64) + " " + t.Days
		}
		out = append(out, cookieView{c.Name, description, life, c.Provider})
	}
	return out
}

func recipientsOf(m *consent.Manifest, names []string, t texts) (out []recipientView) {
	for _, r := range m.Recipients {
		if slices.Contains(names, r.Name) {
			out = append(out, recipientView{r.Name, r.Country, t.Safeguards[string(r.Safeguard)]})
		}
	}
	return out
}
