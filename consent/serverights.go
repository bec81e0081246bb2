package consent

import (
	"context"
	"net/http"
	"strings"

	"github.com/candorhttp/candor/consent/exchange"
)

// rightsRequest is a post to receipt, history or erase.
type rightsRequest struct {
	r      *http.Request
	token  string // of a receipt; empty: by the cookie
	format string // json, csv or html
}

// readRights reads a post to receipt, history or erase, or answers why not.
func (m *Manager) readRights(w http.ResponseWriter, r *http.Request) (*rightsRequest, bool) {
	fail := func(text string) (*rightsRequest, bool) {
		m.counters.badRequest.Add(1)
		m.refuse(w, r, http.StatusBadRequest, text)
		return nil, false
	}
	post, ok := m.readPost(w, r, rightsFields)
	if !ok {
		return nil, false
	}
	rq := &rightsRequest{r: r, token: post.token, format: post.format}
	if lines := r.Header["Authorization"]; len(lines) > 0 {
		scheme, bearer, _ := strings.Cut(lines[0], " ")
		if strings.EqualFold(scheme, "Bearer") { // others are the host's: a proxy's password
			if rq.token != "" && rq.token != bearer || len(lines) > 1 {
				return fail("two receipts are given; send one")
			}
			rq.token = bearer
		}
	}
	switch {
	case rq.format != "":
	case post.json || wantsJSON(r):
		rq.format = "json"
	case accepts(r, "text/csv"):
		rq.format = "csv"
	default:
		rq.format = "html"
	}
	csv := rq.format == "csv" && strings.HasSuffix(r.URL.Path, "/history")
	if rq.format != "json" && rq.format != "html" && !csv {
		return fail("format: choose json or html, and for history also csv")
	}
	return rq, true
}

// serveRights serves receipt, history and erase.
func (m *Manager) serveRights(w http.ResponseWriter, r *http.Request, x *exchange.Exchange) {
	rq, ok := m.readRights(w, r)
	if !ok {
		return
	}
	who, ok := m.who(x, rq)
	if !ok {
		m.refuse(w, r, http.StatusForbidden, "this receipt is not one of ours, or its key was retired")
		return
	}
	right := strings.TrimPrefix(r.URL.Path, m.prefix)
	// The first request to erase somebody passes before any limit is looked at.
	again := right != "erase" || !who.Subject.IsZero() && m.superseded.erasedSubject(who.Subject)
	if again && !m.reads.allow(m.visitors.Client(r), m.now()) {
		m.counters.limited.Add(1)
		w.Header().Set("Retry-After", "5")
		m.refuse(w, r, http.StatusTooManyRequests, "too many requests for records from your network; try again shortly")
		return
	}
	if right == "erase" {
		m.serveErase(w, r, x, rq, who)
		return
	}
	entries, err := m.history(r.Context(), who)
	if err != nil {
		w.Header().Set("Retry-After", "5")
		m.refuse(w, r, http.StatusServiceUnavailable, "the records cannot be read at the moment; please try again")
		return
	}
	if right == "receipt" {
		m.serveReceipt(w, r, rq, who, entries)
		return
	}
	h := &History{Entries: make([]HistoryEntry, 0, len(entries))}
	if !who.Subject.IsZero() {
		h.PrincipalID = who.Subject.text()
	}
	for _, e := range entries {
		h.Entries = append(h.Entries, HistoryEntry{e})
	}
	if rq.format == "csv" {
		w.Header().Set("Content-Type", "text/csv; charset=utf-8; header=present") // RFC 7111
		w.Header().Set("Content-Disposition", `attachment; filename="consent-history.csv"`)
		_, _ = w.Write([]byte(historyCSV(h.Entries)))
		return
	}
	h.Host = m.export(r.Context(), who)
	if rq.format == "json" {
		writeJSON(w, http.StatusOK, h)
		return
	}
	m.answer(w, r, Page{Status: http.StatusOK, Title: "Everything we keep", History: h})
}

func (m *Manager) serveReceipt(w http.ResponseWriter, r *http.Request, rq *rightsRequest, who Person, entries []Entry) {
	receipt := m.receipt(who.Subject, entries)
	if receipt == nil {
		text := "you granted nothing, so there is no record of you and no receipt"
		if rq.format == "json" {
			writeJSON(w, http.StatusNotFound, map[string]string{"error": text})
		} else {
			m.answer(w, r, Page{Status: http.StatusNotFound, Title: "No receipt", Error: text})
		}
		return
	}
	token := m.receipts.sign(who.Subject)
	if rq.format == "json" {
		writeJSON(w, http.StatusOK, struct {
			*Receipt
			Token string `json:"token"`
		}{receipt, token})
		return
	}
	m.answer(w, r, Page{Status: http.StatusOK, Title: "Receipt", Receipt: receipt, Token: token})
}

// serveErase erases. The answer is 200 when everything is erased, and 202 with a
// receipt to ask again when something failed and is tried again.
func (m *Manager) serveErase(w http.ResponseWriter, r *http.Request, x *exchange.Exchange, rq *rightsRequest, who Person) {
	s := m.state(x)
	s.privacy.Store(true)
	minute := m.now().Unix() / 60
	if rq.token == "" {
		minute = max(minute, m.forgetVisitor(s))
	}
	always := context.WithoutCancel(r.Context()) // whoever asked may be gone
	a := Page{Status: http.StatusOK, Title: "Erased", Erased: m.erase(always, who, minute)}
	for _, p := range a.Erased {
		switch {
		case p.Status == PartFailed:
			a.Status, a.Title = http.StatusServiceUnavailable, "Not erased everywhere"
		case p.Status == PartPending && a.Status == http.StatusOK:
			a.Status, a.Title = http.StatusAccepted, "Being erased"
		}
	}
	if a.Status != http.StatusOK && !who.Subject.IsZero() {
		a.Token = m.receipts.sign(who.Subject)
	}
	if a.Status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "60")
	}
	if rq.format == "json" {
		writeJSON(w, a.Status, struct {
			Parts []Part `json:"parts"`
			Token string `json:"receipt,omitempty"`
		}{append([]Part{}, a.Erased...), a.Token})
		return
	}
	m.answer(w, r, a)
}

// forgetVisitor makes the visitor one who refused everything, and returns the
// time of their cookie. Nothing of it goes to the ledger.
func (m *Manager) forgetVisitor(s *state) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.decide()
	issued := int64(s.issued)
	now := m.now()
	next := Stored{Version: m.rules.policy.Version}
	for i, p := range m.rules.policy.Processing {
		if m.rules.askable()&(1<<i) != 0 {
			next.set(Answer{Number: uint8(p.Number), Day: monthStart(now)})
		}
	}
	s.choose(next, now).erased = true
	return issued
}

// leftReceipt returns the token for who took back their last yes in this
// exchange: their cookie names nobody from now on.
func (m *Manager) leftReceipt(x *exchange.Exchange) string {
	s := m.state(x)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.made == nil || s.made.left.IsZero() {
		return ""
	}
	return m.receipts.sign(s.made.left)
}
