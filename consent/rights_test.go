package consent_test

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/ledger"
)

// member returns a text in a JSON answer.
func (a answer) member(t *testing.T, path ...string) any {
	t.Helper()
	var v any
	require.NoError(t, json.Unmarshal([]byte(a.body), &v), a.body)
	for _, name := range path {
		m, ok := v.(map[string]any)
		require.True(t, ok, "%s in %s", name, a.body)
		v = m[name]
	}
	return v
}

func TestReceipt(t *testing.T) {
	cfg := config(t)
	s := serve(t, newManager(t, cfg), nil)
	c := s.do("POST", "/privacy/decision", `{"grants":{"marketing":true,"preferences":true,"measurement":false},"language":"de"}`,
		"Content-Type", "application/json", "Sec-GPC", "1").cookie()
	cookie := s.choose("consent="+c.Value, `{"preferences":false}`)
	e := entries(t, cfg.Ledger)

	a := s.json("/privacy/receipt", cookie, "")
	require.Equal(t, 200, a.StatusCode, a.body)
	require.Equal(t, "no-store", a.Header.Get("Cache-Control"))
	require.Empty(t, a.Header["Set-Cookie"])
	id := uuid.UUID(e[0].Subject).String()
	require.NotEmpty(t, a.member(t, "token"))
	require.Len(t, a.member(t, "receipt_id"), 36)
	require.Equal(t, id, a.member(t, "record", "pii_principal_id"))
	require.Equal(t, "/privacy/notice", a.member(t, "pii_processing", "privacy_notice"))
	require.Equal(t, "en", a.member(t, "pii_processing", "language"), "of the last choice")
	purposes := a.member(t, "pii_processing", "purposes").([]any)
	require.Len(t, purposes, 3, "what was answered, and nothing else")
	require.Equal(t, map[string]any{
		"purpose": "marketing", "purpose_type": "marketing", "description": "marketing", "lawful_basis": "consent", "state": "granted",
		"pii_controllers": []any{"controller"}, "retention_period": "marketing", "recipient_third_parties": []any{"Adverts Inc."},
		"thirdPartyDisclosure": true, "withdrawal_method": "/privacy/withdraw",
	}, purposes[1])
	require.Equal(t, "denied", purposes[0].(map[string]any)["state"])
	parties := a.member(t, "party_identification").([]any)
	require.Len(t, parties, 3)
	require.Equal(t, map[string]any{
		"party_id": "Adverts Inc.", "party_name": "Adverts Inc.", "party_role": "third party", "party_country": "US", "transfer_safeguard": "dpf",
	}, parties[2])
	events := a.member(t, "event").([]any)
	require.Len(t, events, 2)
	require.Equal(t, map[string]any{
		"event_time": "2026-11-15T12:00:00Z", "event_type": "explicit", "event_state": "given", "validity_duration": "P180D", "entity_id": id,
		"granted": []any{"preferences", "marketing"}, "denied": []any{"measurement"}, "collection_method": "json", "language": "de",
		"policy_version": 3.0, "text_hash": e[0].TextHash, "text_is_current": true, "regime": "opt-in", "gpc": true,
	}, events[0])
	require.Equal(t, "withdrawn", events[1].(map[string]any)["event_state"])

	// Somebody who granted nothing is nobody, whose receipt there cannot be.
	for _, cookie := range []string{"", "consent=" + s.form("/privacy/decision", "", "action=refuse").cookie().Value, "consent=garbage", "consent=" + c.Value} {
		a := s.json("/privacy/receipt", cookie, "")
		require.Equal(t, 404, a.StatusCode)
		require.Contains(t, a.body, "no record of you")
	}

	// A new text is told from the one that was shown.
	cfg.Policy = newerPolicy()
	a = serve(t, newManager(t, cfg), nil).json("/privacy/receipt", cookie, "")
	require.Equal(t, false, a.member(t, "event").([]any)[0].(map[string]any)["text_is_current"])
}

func TestReceiptWithoutScripts(t *testing.T) {
	s := serve(t, newManager(t, config(t)), nil)
	c := "consent=" + s.form("/privacy/decision", "", "action=accept").cookie().Value
	a := s.form("/privacy/receipt", c, "")
	require.Equal(t, 200, a.StatusCode)
	require.Equal(t, "text/html; charset=utf-8", a.Header.Get("Content-Type"))
	require.Contains(t, a.Header.Get("Content-Security-Policy"), "default-src 'none'")
	require.Contains(t, a.body, "marketing: granted")
	require.Contains(t, a.body, "Adverts Inc.")
	token := s.form("/privacy/receipt", c, "format=json").member(t, "token").(string)
	require.Contains(t, a.body, "<code>"+token+"</code>")
	require.Equal(t, 404, s.form("/privacy/receipt", "", "").StatusCode)

	// Withdrawing answers 303 as ever, or with the token where a form asks for it.
	a = s.form("/privacy/withdraw", c, "answer=receipt&return=/x")
	require.Equal(t, 200, a.StatusCode)
	require.Contains(t, a.body, "<code>"+token+"</code>")
	require.NotNil(t, a.cookie())
	a = s.form("/privacy/withdraw", "consent="+a.cookie().Value, "answer=receipt&return=/x")
	require.Equal(t, 303, a.StatusCode, "there is nothing to show")
	c = s.choose("", `{"analytics":true,"preferences":true}`)
	require.Equal(t, 303, s.form("/privacy/withdraw", c, "answer=receipt&purpose=analytics").StatusCode, "a yes is left")
}

// After the last yes is taken back the cookie names nobody. The receipt still
// opens the history of who it was, and nothing else does.
func TestReceiptTokenAfterWithdrawal(t *testing.T) {
	cfg := config(t)
	key := consent.GenerateKey()
	var err error
	cfg.Keys, err = consent.ParseKeys(key)
	require.NoError(t, err)
	s := serve(t, newManager(t, cfg), nil)
	c := s.choose("", `{"analytics":true,"preferences":true}`)
	a := s.json("/privacy/withdraw", c, `{"purposes":["analytics"]}`)
	require.NotContains(t, a.body, "receipt", "a yes is left")
	a = s.json("/privacy/withdraw", "consent="+a.cookie().Value, "")
	token := a.member(t, "receipt").(string)
	after := "consent=" + a.cookie().Value
	require.Len(t, token, 44)
	require.Equal(t, []any{}, s.json("/privacy/history", after, "").member(t, "entries"), "nobody's")

	opens := func(t *testing.T, a answer) {
		t.Helper()
		require.Equal(t, 200, a.StatusCode, a.body)
		require.Len(t, a.member(t, "entries"), 3)
	}
	opens(t, s.json("/privacy/history", "", `{"receipt":"`+token+`"}`))
	opens(t, s.form("/privacy/history", after, "format=json&receipt="+token))
	opens(t, s.do("POST", "/privacy/history", "", "Accept", "application/json", "Authorization", "Bearer "+token))
	opens(t, s.do("POST", "/privacy/history", "format=json", "Content-Type", "application/x-www-form-urlencoded", "Authorization", "bearer "+token))
	require.Equal(t, 200, s.json("/privacy/receipt", "", `{"receipt":"`+token+`"}`).StatusCode)

	// Another key set in the newest place: still one of ours. Without its key: not.
	cfg.Keys, err = consent.ParseKeys(consent.GenerateKey() + "," + key)
	require.NoError(t, err)
	opens(t, serve(t, newManager(t, cfg), nil).json("/privacy/history", "", `{"receipt":"`+token+`"}`))
	cfg.Keys = newKeys(t)
	require.Equal(t, 403, serve(t, newManager(t, cfg), nil).json("/privacy/history", "", `{"receipt":"`+token+`"}`).StatusCode)

	for name, bad := range map[string]string{
		"in the address":   "",
		"cut":              token[:43],
		"longer":           token + "A",
		"flipped":          flip(token),
		"a cookie":         strings.TrimPrefix(c, "consent="),
		"with a break":     token[:20] + "\n" + token[20:],
		"another alphabet": strings.Repeat("+", 44),
	} {
		a := s.form("/privacy/history?receipt="+token, "", url.Values{"format": {"json"}, "receipt": {bad}}.Encode())
		if bad == "" {
			require.Equal(t, 200, a.StatusCode)
			require.Equal(t, []any{}, a.member(t, "entries"), name)
			continue
		}
		require.Equal(t, 403, a.StatusCode, name)
		require.NotContains(t, a.body, bad)
	}
	require.EqualValues(t, 6, s.m.Stats().BadToken)
	require.Equal(t, 400, s.do("POST", "/privacy/history", `{"receipt":"x"}`, "Content-Type", "application/json", "Authorization", "Bearer "+token).StatusCode, "two")
	require.Equal(t, 400, s.do("POST", "/privacy/history", "", "Authorization", "Bearer "+token, "Authorization", "Bearer "+token).StatusCode)
	require.Equal(t, 200, s.do("POST", "/privacy/history", "", "Authorization", "Basic eDp5").StatusCode, "the password of a test site is not for us")
}

// flip changes one bit of the tag of a token.
func flip(token string) string {
	last := byte('A')
	if token[40] == 'A' {
		last = 'B'
	}
	return token[:40] + string(last) + token[41:]
}

func TestHistory(t *testing.T) {
	cfg := config(t)
	s := serve(t, newManager(t, cfg), nil)
	other := s.choose("", `{"marketing":true}`)
	c := s.choose("", `{"analytics":true,"preferences":false}`)
	c = s.choose(c, `{"marketing":true}`)
	a := s.json("/privacy/history", c, "")
	require.Equal(t, 200, a.StatusCode)
	list := a.member(t, "entries").([]any)
	require.Len(t, list, 2)
	held := entries(t, cfg.Ledger)
	require.Equal(t, map[string]any{
		"time": "2026-11-15T12:00:00Z", "kind": "grant", "revision": 1.0, "policy": 3.0, "granted": []any{"analytics"}, "denied": []any{"preferences"},
		"language": "en", "text_hash": held[1].TextHash, "method": "json", "regime": "opt-in", "gpc": false,
	}, list[0])
	require.NotEqual(t, a.member(t, "pii_principal_id"), s.json("/privacy/history", other, "").member(t, "pii_principal_id"))

	a = s.form("/privacy/history", c, "")
	require.Contains(t, a.body, "<h2>Records</h2>")
	require.Equal(t, 2, strings.Count(a.body, "<li>"))

	for _, header := range [][]string{{"Accept", "text/csv"}, {"Accept", "text/html"}} {
		body := ""
		if header[1] == "text/html" {
			body = "format=csv"
		}
		a = s.form("/privacy/history", c, body, header...)
		require.Equal(t, 200, a.StatusCode)
		require.Contains(t, a.Header.Get("Content-Type"), "text/csv")
		require.Contains(t, a.Header.Get("Content-Disposition"), "attachment")
		rows, err := csv.NewReader(strings.NewReader(a.body)).ReadAll()
		require.NoError(t, err)
		require.Len(t, rows, 3)
		require.Equal(t, []string{"2026-11-15T12:00:00Z", "grant", "1", "3", "analytics", "preferences", "en", held[1].TextHash, "json", "opt-in", "false"}, rows[1])
	}
	for path, status := range map[string]int{"history": 400, "receipt": 400, "erase": 400} {
		require.Equal(t, status, s.form("/privacy/"+path, c, "format=pdf").StatusCode)
	}
	require.Equal(t, 400, s.form("/privacy/receipt", c, "format=csv").StatusCode)
	require.Len(t, entries(t, cfg.Ledger), 3, "asking changes nothing")
}

// oddLedger is a ledger whose texts were meant for a spreadsheet.
type oddLedger struct{ consent.Ledger }

func (l oddLedger) History(ctx context.Context, s consent.Subject) ([]consent.Entry, error) {
	list, err := l.Ledger.History(ctx, s)
	for _, text := range formulas {
		e := list[0]
		e.Language, e.Method = text, consent.Method(text)
		list = append(list, e)
	}
	return list, err
}

var formulas = []string{
	"=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "\"=1", "＝1", "％1", "|x", "a;=1", "a,=1", "a\n=1", "\u00a0=1", "\ufeff=1", "plain", "",
}

func TestHistoryIsNoFormula(t *testing.T) {
	cfg := config(t)
	cfg.Ledger = oddLedger{cfg.Ledger}
	s := serve(t, newManager(t, cfg), nil)
	c := s.choose("", `{"analytics":true}`)
	a := s.form("/privacy/history", c, "format=csv")
	for _, separator := range []rune{',', ';', '\t'} {
		r := csv.NewReader(strings.NewReader(a.body))
		r.Comma, r.FieldsPerRecord, r.LazyQuotes = separator, -1, separator != ','
		rows, err := r.ReadAll()
		require.NoError(t, err)
		if separator == ',' {
			require.Len(t, rows, 2+len(formulas))
			require.Equal(t, "'=1+1", rows[2][6])
			require.Equal(t, "plain", rows[len(rows)-2][6])
		}
		for _, row := range rows {
			for _, cell := range row {
				clean := strings.TrimLeft(cell, " \t\r\n\"\u00a0\ufeff")
				require.False(t, clean != "" && strings.ContainsAny(clean[:1], "=+-@|"), "%q", cell)
			}
		}
	}
}

// What the host keeps is exported with the rest, each part with its status.
func TestHostDataIsExported(t *testing.T) {
	cfg := config(t)
	var persons []consent.Person
	calls := 0
	cfg.Account = func(r *http.Request) string { return r.Header.Get("X-Account") }
	cfg.HostData = []consent.HostData{
		{Name: "orders", Export: func(_ context.Context, p consent.Person) (any, error) {
			persons = append(persons, p)
			return map[string]any{"teapots": 3}, nil
		}},
		{Name: "letters", Export: func(context.Context, consent.Person) (any, error) { return nil, errors.New("jane@example.com") }},
		{Name: "drafts", Export: func(context.Context, consent.Person) (any, error) { panic("jane@example.com") }},
		{Name: "second time", Export: func(context.Context, consent.Person) (any, error) {
			if calls++; calls == 1 {
				return nil, errors.New("busy")
			}
			return []int{1}, nil
		}},
		{Name: "no JSON", Export: func(context.Context, consent.Person) (any, error) { return func() {}, nil }},
		{Name: "nothing", Export: func(context.Context, consent.Person) (any, error) { return nil, nil }},
		{Name: "erased only", Erase: func(context.Context, consent.Person) error { return nil }},
	}
	logger, log := newLog()
	cfg.Logger = logger
	s := serve(t, newManager(t, cfg), nil)
	c := s.choose("", `{"analytics":true}`)
	a := s.do("POST", "/privacy/history", "", "Cookie", c, "Accept", "application/json", "X-Account", "jane")
	require.Equal(t, []any{
		map[string]any{"name": "orders", "status": "done", "data": map[string]any{"teapots": 3.0}},
		map[string]any{"name": "letters", "status": "failed"},
		map[string]any{"name": "drafts", "status": "failed"},
		map[string]any{"name": "second time", "status": "done", "data": []any{1.0}},
		map[string]any{"name": "no JSON", "status": "failed"},
		map[string]any{"name": "nothing", "status": "done"},
	}, a.member(t, "host"))
	require.Equal(t, []consent.Person{{Subject: entries(t, cfg.Ledger)[0].Subject, Account: "jane"}}, persons)
	require.NotContains(t, log.String(), "jane")
	require.EqualValues(t, 7, s.m.Stats().HookErrors)
	require.Contains(t, s.form("/privacy/history", c, "").body, `<h2>orders: done</h2><pre>{&#34;teapots&#34;:3}</pre>`)

	// With a receipt it is the subject's data; whose session it is does not matter.
	token := s.json("/privacy/receipt", c, "").member(t, "token").(string)
	s.do("POST", "/privacy/history", `{"receipt":"`+token+`"}`, "Content-Type", "application/json", "X-Account", "joe")
	require.Empty(t, persons[2].Account)
	require.Equal(t, persons[0].Subject, persons[2].Subject)

	// Somebody without a record may have an account.
	s.do("POST", "/privacy/history", "", "Accept", "application/json", "X-Account", "joe")
	require.Equal(t, consent.Person{Account: "joe"}, persons[3])
	require.Equal(t, "person", persons[3].String())
}

func TestHostDataFaults(t *testing.T) {
	nothing := func(context.Context, consent.Person) error { return nil }
	cfg := config(t)
	cfg.HostData = []consent.HostData{{Erase: nothing}, {Name: "a"}, {Name: "a", Erase: nothing}, {Name: "consent records", Erase: nothing}}
	_, err := consent.New(cfg)
	for _, fault := range []string{"HostData[0]: Name: is empty", "HostData[1]: does nothing", "HostData[2]: Name: is there already", "HostData[3]: Name: is there already"} {
		require.ErrorContains(t, err, fault)
	}
}

// Reading the ledger costs more than asking for it.
func TestFloodOfHistories(t *testing.T) {
	s := serve(t, newManager(t, config(t)), nil)
	c := s.choose("", `{"analytics":true}`)
	limited := 0
	for range 40 {
		if s.json("/privacy/history", c, "").StatusCode == http.StatusTooManyRequests {
			limited++
		}
	}
	require.Equal(t, 10, limited, "after the documented burst of 30; the clock stands still")
	require.Equal(t, http.StatusTooManyRequests, s.json("/privacy/receipt", c, "").StatusCode)
	require.Equal(t, 200, s.json("/privacy/erase", c, "").StatusCode, "an erasure is not turned away")
}

func TestHistoryThatCannotBeRead(t *testing.T) {
	cfg := config(t)
	l := &faultyLedger{InMemory: ledger.Memory()}
	cfg.Ledger = l
	s := serve(t, newManager(t, cfg), nil)
	c := s.choose("", `{"analytics":true}`)
	l.set(true)
	for _, path := range []string{"receipt", "history"} {
		a := s.json("/privacy/"+path, c, "")
		require.Equal(t, http.StatusServiceUnavailable, a.StatusCode)
		require.NotEmpty(t, a.Header.Get("Retry-After"))
		require.NotContains(t, a.body, "fire")
	}
}

// Somebody serves pages of their own around the endpoints.
func TestPagesOfTheHost(t *testing.T) {
	m := newManager(t, config(t))
	var got []consent.Page
	mux := http.NewServeMux()
	mux.HandleFunc("/privacy/", func(w http.ResponseWriter, r *http.Request) {
		ctx := consent.WithPages(r.Context(), func(w http.ResponseWriter, _ *http.Request, p consent.Page) {
			got = append(got, p)
			w.WriteHeader(p.Status)
			_, _ = w.Write([]byte("<my page>"))
		})
		m.Handler().ServeHTTP(w, r.WithContext(ctx))
	})
	s := serveHandler(t, m, mux)
	c := "consent=" + s.form("/privacy/decision", "", "action=accept").cookie().Value
	for _, tt := range []struct {
		path, body string
		status     int
		filled     func(consent.Page) bool
	}{
		{"receipt", "", 200, func(p consent.Page) bool { return p.Receipt != nil && p.Token != "" }},
		{"history", "", 200, func(p consent.Page) bool { return len(p.History.Entries) == 1 }},
		{"history", "x=y", 400, func(p consent.Page) bool { return strings.Contains(p.Error, "unknown field") }},
		{"history", "receipt=x", 403, func(p consent.Page) bool { return p.Error != "" }},
		{"decision", "action=maybe", 400, func(p consent.Page) bool { return p.Error != "" }},
		{"erase", "", 200, func(p consent.Page) bool { return len(p.Erased) == 1 }},
		{"receipt", "", 404, func(p consent.Page) bool { return p.Error != "" }},
	} {
		got = nil
		a := s.form("/privacy/"+tt.path, c, tt.body)
		require.Equal(t, tt.status, a.StatusCode, tt.path)
		require.Equal(t, "<my page>", a.body)
		require.Equal(t, "no-store", a.Header.Get("Cache-Control"))
		require.Len(t, got, 1)
		require.True(t, tt.filled(got[0]), "%+v", got[0])
	}
	require.Contains(t, s.json("/privacy/history", "", "").body, "entries", "JSON stays JSON")
}
