package consent

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/candorhttp/candor/consent/exchange"
)

const gpcPath = "/.well-known/gpc.json"

// Handler serves the endpoints below Prefix, and /.well-known/gpc.json. Mount it
// at both. The parts' rows go into manifest.json.
//
//	GET  decision       the visitor's state
//	POST decision       a choice, as a form or JSON
//	POST withdraw       every yes, or the named ones, taken back
//	POST receipt        what was shown and said, see [Receipt]
//	POST history        everything that is kept, see [History]; JSON, CSV or a page
//	POST erase          everything that is kept is erased, see [HostData]
//	GET  manifest.json  what runs
//
// The form of an answer is what the field format says (json, csv, html), else
// what Accept says, else JSON for a JSON post and a page for a form. See
// [WithPages] for pages of your own.
//
// It works inside and outside of Middleware. Posts from another site are
// answered 403, bodies over 8 KiB 413, other content types 415, and what is not
// understood 400 with the name of it.
func (m *Manager) Handler(parts ...Describer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var serve func(http.ResponseWriter, *http.Request, *exchange.Exchange)
		methods := []string{http.MethodGet, http.MethodHead}
		switch strings.TrimPrefix(r.URL.Path, m.prefix) {
		case "decision":
			methods = append(methods, http.MethodPost)
			serve = m.serveDecision
		case "withdraw":
			methods = []string{http.MethodPost}
			serve = m.serveWithdraw
		case "receipt", "history", "erase":
			methods = []string{http.MethodPost}
			serve = m.serveRights
		case "manifest.json":
			serve = func(w http.ResponseWriter, _ *http.Request, _ *exchange.Exchange) {
				writeJSON(w, http.StatusOK, m.Manifest(parts...))
			}
		case gpcPath:
			serve = m.serveGPC
		}
		m.PrivacyPage(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			x := exchange.From(r.Context())
			switch {
			case serve == nil:
				http.NotFound(w, r)
			case m.preflight(w, r, methods):
			case !slices.Contains(methods, r.Method):
				w.Header().Set("Allow", strings.Join(methods, ", "))
				m.refuse(w, r, http.StatusMethodNotAllowed, "this address takes "+strings.Join(methods, ", "))
			default:
				serve(w, r, x)
			}
		})).ServeHTTP(w, r)
	})
}

// PrivacyPage wraps a page that a host serves about privacy: nothing of it is
// stored by caches, and its log line does not say who it was.
func (m *Manager) PrivacyPage(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x, w, r := exchange.Begin(w, r)
		m.state(x).privacy.Store(true)
		if r.URL.Path != gpcPath {
			w.Header().Set("Cache-Control", "no-store")
		}
		w.Header().Set("X-Content-Type-Options", "nosniff")
		x.Serve(next, w, r)
	})
}

// preflight answers and marks cross-origin requests of trusted origins (Fetch
// §3.2), and reports whether the request is answered. Every other origin gets
// no permission, which is the browser's default.
func (m *Manager) preflight(w http.ResponseWriter, r *http.Request, methods []string) bool {
	if len(m.origins) == 0 {
		return false
	}
	h := w.Header()
	h.Add("Vary", "Origin")
	origin := r.Header.Get("Origin")
	if !m.origins[origin] {
		return false
	}
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Allow-Credentials", "true")
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	h.Set("Access-Control-Allow-Methods", strings.Join(methods, ", "))
	h.Set("Access-Control-Allow-Headers", "Content-Type, Authorization")
	w.WriteHeader(http.StatusNoContent)
	return true
}

func (m *Manager) serveGPC(w http.ResponseWriter, _ *http.Request, _ *exchange.Exchange) {
	writeJSON(w, http.StatusOK, struct {
		GPC        bool   `json:"gpc"`
		LastUpdate string `json:"lastUpdate"`
	}{true, m.rules.policy.Effective})
}

func (m *Manager) serveDecision(w http.ResponseWriter, r *http.Request, x *exchange.Exchange) {
	if r.Method == http.MethodPost {
		m.serveChoice(w, r, x)
		return
	}
	writeJSONText(w, http.StatusOK, stateJSON(m.ask(x), nil, ""))
}

func (m *Manager) ask(x *exchange.Exchange) Decision {
	return m.state(x).ask(markCookie | m.gpcMark(m.rules.shares))
}

func (m *Manager) serveChoice(w http.ResponseWriter, r *http.Request, x *exchange.Exchange) {
	post, ok := m.readPost(w, r, choiceFields)
	if !ok {
		return
	}
	grants, err := m.chosen(post)
	if err != nil {
		m.counters.badRequest.Add(1)
		m.refuse(w, r, http.StatusBadRequest, err.Error())
		return
	}
	m.answerChoice(w, r, x, post, Choices{Grants: grants, everything: post.action == "refuse"})
}

// chosen turns a post to decision into what is granted and refused.
func (m *Manager) chosen(post *post) (map[Purpose]bool, error) {
	if post.json {
		if len(post.grants) == 0 {
			return nil, errors.New(`no choice: send {"grants":{"purpose":true}}`)
		}
		return post.grants, m.known(post.grants)
	}
	named := map[Purpose]bool{}
	for _, p := range post.purposes {
		named[p] = true
	}
	if err := m.known(named); err != nil {
		return nil, err
	}
	grants := map[Purpose]bool{}
	for _, p := range m.rules.purposes(m.rules.askable()) {
		switch post.action {
		case "accept":
			grants[p] = true
		case "refuse":
			grants[p] = false
		case "save":
			grants[p] = named[p]
		default:
			return nil, errors.New("action: choose accept, refuse or save")
		}
	}
	return grants, nil
}

func (m *Manager) known(named map[Purpose]bool) error {
	_, _, err := m.choices(Choices{Grants: named})
	return err
}

func (m *Manager) serveWithdraw(w http.ResponseWriter, r *http.Request, x *exchange.Exchange) {
	post, ok := m.readPost(w, r, withdrawFields)
	if !ok {
		return
	}
	grants := map[Purpose]bool{}
	for _, p := range post.purposes {
		grants[p] = false
	}
	if err := m.known(grants); err != nil {
		m.counters.badRequest.Add(1)
		m.refuse(w, r, http.StatusBadRequest, err.Error())
		return
	}
	everything := len(grants) == 0
	if everything {
		for _, p := range m.rules.purposes(m.rules.askable()) {
			grants[p] = false
		}
	}
	m.answerChoice(w, r, x, post, Choices{Grants: grants, everything: everything})
}

func (m *Manager) answerChoice(w http.ResponseWriter, r *http.Request, x *exchange.Exchange, post *post, c Choices) {
	for _, granted := range c.Grants {
		// A no passes before any limit is looked at.
		if granted && !m.limits.allow(m.visitors.Client(r), m.now()) {
			m.counters.limited.Add(1)
			w.Header().Set("Retry-After", "10")
			m.refuse(w, r, http.StatusTooManyRequests, "too many choices from your network; nothing was changed, try again shortly")
			return
		}
		if granted {
			break
		}
	}
	method := MethodForm
	if post.json {
		method = MethodJSON
	}
	c.Language = post.language
	recorded, err := m.record(x, c, method)
	switch {
	case errors.Is(err, ErrLedger):
		w.Header().Set("Retry-After", "5")
		m.refuse(w, r, http.StatusServiceUnavailable, "your yes could not be recorded, so it does not count; please try again")
		return
	case err != nil:
		m.refuse(w, r, http.StatusBadRequest, err.Error())
		return
	}
	token := m.leftReceipt(x)
	if post.json || wantsJSON(r) {
		writeJSONText(w, http.StatusOK, stateJSON(m.ask(x), &recorded, token))
		return
	}
	if token != "" && post.answer == "receipt" {
		m.answer(w, r, Page{Status: http.StatusOK, Title: "Withdrawn", Token: token})
		return
	}
	w.Header().Set("Location", localPath(post.back))
	w.WriteHeader(http.StatusSeeOther)
}

// localPath returns a path on this site, or "/". Everything a browser would
// read as another site's address is refused: schemes, "//", backslashes, and
// the white space that browsers drop (WHATWG URL §4.4).
func localPath(p string) string {
	if len(p) == 0 || len(p) > 2048 || p[0] != '/' || len(p) > 1 && p[1] == '/' {
		return "/"
	}
	for i := range len(p) {
		if p[i] <= ' ' || p[i] >= 0x7f || p[i] == '\\' {
			return "/"
		}
	}
	return p
}

// stateJSON is the visitor's state, with what became of a choice, and the token
// of the receipt where it took back the last yes. Tokens need no escaping.
func stateJSON(d Decision, recorded *bool, token string) string {
	b := d.appendJSON(nil)
	if recorded != nil {
		b = append(b, `,"recorded":`...)
		b = strconv.AppendBool(b, *recorded)
	}
	if token != "" {
		b = append(b, `,"receipt":"`+token+`"`...)
	}
	return string(append(b, "}\n"...))
}
