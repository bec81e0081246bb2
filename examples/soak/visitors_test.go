package soak_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// tally is what all visitors were told.
type tally struct {
	grants, lostGrants   atomic.Int64 // answered 200, and without an answer
	refusals, withdrawn  atomic.Int64
	unavailable, nobody  atomic.Int64 // 503 for a yes; between two lives
	replays, reset, read atomic.Int64
	limited              atomic.Int64

	mu     sync.Mutex
	faults map[string]int
}

func (t *tally) fault(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.faults == nil {
		t.faults = map[string]int{}
	}
	t.faults[fmt.Sprintf(format, args...)]++
}

// visitor is a browser that remembers what it was told, and holds the service to
// it. It sends one request at a time.
type visitor struct {
	t       *tally
	truth   *truth
	name    string
	url     string
	client  *http.Client
	address string
	random  *rand.Rand

	cookie string   // what the browser holds
	may    bool     // the service may say that analytics is allowed for it
	ended  []string // cookies whose grant was taken back, and that was acknowledged
}

// ask sends a request and returns the status and the body, or 0.
func (v *visitor) ask(ctx context.Context, method, path, body, cookie string) (int, string, http.Header) {
	r, err := http.NewRequestWithContext(ctx, method, v.url+path, strings.NewReader(body))
	if err != nil {
		v.t.fault("%v", err)
		return 0, "", nil
	}
	r.Header = http.Header{
		"X-Forwarded-For": {v.address}, "User-Agent": {canaryAgent}, "Referer": {"https://elsewhere.example/?mail=" + canaryMail},
		"Authorization": {"Bearer " + canaryToken}, "Accept": {"application/json"},
		"X-Visitor": {v.name},
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if cookie != "" {
		r.Header.Set("Cookie", cookie+"; visits=7; rogue="+canaryToken)
	}
	w, err := v.client.Do(r)
	if err != nil {
		return 0, "", nil
	}
	defer w.Body.Close()
	text, err := io.ReadAll(w.Body)
	if err != nil {
		return 0, "", nil
	}
	if w.Header.Get("X-Nobody") != "" {
		v.t.nobody.Add(1)
		time.Sleep(10 * time.Millisecond)
		return 0, "", nil
	}
	return w.StatusCode, string(text), w.Header
}

// check holds against every answer what must never be in one.
func (v *visitor) check(path string, h http.Header) {
	for _, line := range h["Set-Cookie"] {
		name, rest, _ := strings.Cut(line, "=")
		deletes := strings.Contains(rest, "Max-Age=0")
		switch {
		case name == "consent" && strings.HasPrefix(path, "/privacy/"), deletes && name == "visits":
		case name == "visits" && v.may:
		default:
			v.t.fault("%s sets %s", path, name)
		}
	}
}

// taken returns the consent cookie of an answer as the browser would send it.
func taken(h http.Header) string {
	for _, line := range h["Set-Cookie"] {
		if strings.HasPrefix(line, "consent=") {
			pair, _, _ := strings.Cut(line, ";")
			return pair
		}
	}
	return ""
}

// live does one thing after another until ctx ends.
func (v *visitor) live(ctx context.Context) {
	for ctx.Err() == nil {
		switch n := v.random.IntN(100); {
		case n < 12:
			v.grant(ctx)
		case n < 20:
			v.refuse(ctx, "/privacy/decision", `{"grants":{"analytics":false,"preferences":false}}`)
		case n < 30:
			v.refuse(ctx, "/privacy/withdraw", `{}`)
		case n < 50:
			v.replay(ctx)
		case n < 55:
			v.hangUp(ctx)
		default:
			v.browse(ctx)
		}
	}
}

func (v *visitor) grant(ctx context.Context) {
	v.truth.says(v.name, true)
	status, text, h := v.ask(ctx, "POST", "/privacy/decision", `{"grants":{"analytics":true}}`, v.cookie)
	switch status {
	case 200:
		v.t.grants.Add(1)
		if c := taken(h); c != "" {
			v.cookie, v.may = c, true
		} else {
			v.t.fault("a yes without a cookie: %s", text)
		}
	case 503:
		v.t.unavailable.Add(1)
		v.stillNo()
		if taken(h) != "" {
			v.t.fault("503 for a yes, and a cookie")
		}
	case 429:
		v.t.limited.Add(1)
		v.stillNo()
	case 0:
		// It may have been recorded; then the browser's own cookie counts no more.
		v.t.lostGrants.Add(1)
	default:
		v.t.fault("a yes was answered %d", status)
	}
}

// stillNo notes that a yes was not taken; whoever had said no still does.
func (v *visitor) stillNo() {
	if !v.may {
		v.truth.says(v.name, false)
	}
}

func (v *visitor) refuse(ctx context.Context, path, body string) {
	status, text, h := v.ask(ctx, "POST", path, body, v.cookie)
	switch status {
	case 200:
		if v.may {
			v.t.withdrawn.Add(1)
			// What was not recorded yet is in effect, and lost if the process dies.
			if strings.Contains(text, `"recorded":true`) {
				v.ended = append(v.ended, v.cookie)
				if len(v.ended) > 64 {
					v.ended = v.ended[1:]
				}
			}
		} else {
			v.t.refusals.Add(1)
		}
		if c := taken(h); c != "" {
			v.cookie = c
		}
		v.may = false
		v.truth.says(v.name, false)
		v.check(path, h)
	case 0:
	default:
		v.t.fault("a no was answered %d", status)
	}
}

// replay sends a cookie that was taken back.
func (v *visitor) replay(ctx context.Context) {
	if len(v.ended) == 0 {
		return
	}
	cookie := v.ended[v.random.IntN(len(v.ended))]
	status, text, _ := v.ask(ctx, "GET", "/allowed", "", cookie)
	if status == 200 {
		v.t.replays.Add(1)
		if text != "false" {
			v.t.fault("a cookie that was taken back counts again")
		}
	}
}

// hangUp leaves in the middle of an answer.
func (v *visitor) hangUp(ctx context.Context) {
	r, err := http.NewRequestWithContext(ctx, "GET", v.url+"/big", nil)
	if err != nil {
		return
	}
	if w, err := v.client.Do(r); err == nil {
		_, _ = io.CopyN(io.Discard, w.Body, 1000)
		_ = w.Body.Close()
		v.t.reset.Add(1)
	}
}

func (v *visitor) browse(ctx context.Context) {
	type page struct {
		path   string
		status int
		body   func(string) bool
	}
	is := func(want string) func(string) bool { return func(got string) bool { return got == want } }
	pages := []page{
		{"/?q=" + canaryToken + "&page=2", 200, is("home")},
		{"/users/" + canaryMail, 200, is("user")},
		{"/nothing/" + canaryMail, 404, func(string) bool { return true }},
		{"/stream", 200, is(streamed)},
		{"/big", 200, func(got string) bool { sum := sha256.Sum256([]byte(got)); return hex.EncodeToString(sum[:]) == bigSum }},
		{"/allowed", 200, func(got string) bool { return got == "false" || got == "true" && v.may }},
		{"/privacy/decision", 200, func(got string) bool { return v.may || !strings.Contains(got, `"analytics":"granted"`) }},
		{"/panic", 0, nil},
	}
	p := pages[v.random.IntN(len(pages))]
	status, text, h := v.ask(ctx, "GET", p.path, "", v.cookie)
	if p.status == 0 {
		if status != 0 {
			v.t.fault("a panic was answered %d", status)
		}
		return
	}
	if status == 0 {
		return
	}
	v.t.read.Add(1)
	if status != p.status || !p.body(text) {
		v.t.fault("%s was answered %d, or with another body", strings.SplitN(p.path, "?", 2)[0], status)
	}
	v.check(p.path, h)
}
