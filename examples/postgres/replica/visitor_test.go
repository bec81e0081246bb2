package main

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/candorhttp/candor/consent"
)

// promised is how soon every replica has heard of a choice.
const promised = 2 * time.Second

// truth is what visitors were told, and what they saw that must not be.
type truth struct {
	slack func() time.Duration

	mu       sync.Mutex
	kept     map[change]consent.EntryKind // acknowledged choices of subjects
	refusals int                          // acknowledged, of nobody
	unknown  int                          // choices that were not answered
	subjects map[consent.Subject]bool
	ended    map[consent.Subject]time.Time // when the withdrawal was acknowledged
	pages    int
	failed   int           // requests for pages without an answer
	replayed int           // superseded cookies that were shown again
	latest   time.Duration // the oldest superseded cookie that still counted
	wrong    []string
}

type change struct {
	subject  consent.Subject
	revision uint64
}

func (told *truth) accuse(format string, args ...any) {
	if len(told.wrong) < 20 {
		told.wrong = append(told.wrong, fmt.Sprintf(format, args...))
	}
}

// visitor is a browser that keeps the cookies it had before.
type visitor struct {
	*truth
	client *http.Client
	url    string
	cookie string
	now    change // what the cookie says; nobody where nothing is granted
	old    []superseded
}

type superseded struct {
	cookie string
	at     time.Time // when the answer of the choice that replaced it was here
}

// live chooses, looks around and withdraws until ctx ends.
func (v *visitor) live(ctx context.Context) {
	pause := func() bool {
		select {
		case <-ctx.Done():
			return false
		case <-time.After(20*time.Millisecond + rand.N(120*time.Millisecond)):
			return true
		}
	}
	around := func(pages int) {
		for range pages {
			if pause() {
				v.browse()
				v.replay()
			}
		}
	}
	for pause() {
		if rand.N(5) == 0 {
			v.choose("/privacy/decision", `{"grants":{"analytics":false,"preferences":false}}`)
			continue
		}
		if !v.choose("/privacy/decision", `{"grants":{"analytics":true,"preferences":false}}`) {
			continue
		}
		around(2 + rand.N(6))
		if rand.N(2) == 0 {
			// The old cookie is superseded, the yes stands.
			if !v.choose("/privacy/decision", `{"grants":{"preferences":true}}`) {
				continue
			}
			around(1 + rand.N(3))
		}
		if !pause() || !v.choose("/privacy/withdraw", `{}`) {
			continue
		}
		around(1 + rand.N(5))
	}
	v.client.CloseIdleConnections()
}

// ask sends a request with a cookie, if any.
func (v *visitor) ask(method, path, body, cookie string) (*http.Response, string, error) {
	r, err := http.NewRequest(method, v.url+path, strings.NewReader(body))
	if err != nil {
		return nil, "", err
	}
	r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0")
	r.Header.Set("Accept", "text/html")
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if cookie != "" {
		r.Header.Set("Cookie", "consent="+cookie)
	}
	w, err := v.client.Do(r)
	if err != nil {
		return nil, "", err
	}
	defer w.Body.Close()
	text, err := io.ReadAll(w.Body)
	return w, string(text), err
}

// choose posts a choice and notes what was acknowledged. One that was not leaves
// the visitor without a cookie: nothing is known of it.
func (v *visitor) choose(path, body string) bool {
	w, text, err := v.ask("POST", path, body, v.cookie)
	at := time.Now()
	var answer struct{ Recorded bool }
	if err == nil && w.StatusCode == http.StatusOK {
		err = json.Unmarshal([]byte(text), &answer)
	}
	cookie := ""
	if w != nil {
		cookie = value(w, "consent")
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if err != nil || !answer.Recorded || cookie == "" {
		if w != nil && w.StatusCode < 500 && w.StatusCode != http.StatusOK {
			v.accuse("a choice was answered %d: %s", w.StatusCode, text)
		}
		v.unknown++
		v.cookie, v.now = "", change{}
		return false
	}
	before, now := v.now, read(cookie)
	if v.cookie != "" && before.revision > 0 {
		v.old = append(v.old, superseded{v.cookie, at})
	}
	v.cookie, v.now = cookie, now
	known := before.revision > 0
	switch {
	case now.revision > 0 && known && now != change{before.subject, before.revision + 1}:
		v.accuse("a choice was taken for somebody else's, revision %d after %d", now.revision, before.revision)
	case now.revision > 0:
		v.kept[now], v.subjects[now.subject] = consent.EntryGrant, true
	case known:
		v.kept[change{before.subject, before.revision + 1}] = consent.EntryWithdrawal
		v.ended[before.subject] = at
	default:
		v.refusals++
	}
	return true
}

// browse looks at a page. A yes counts at every replica at once, and where there
// is none the cookie that needs one is withheld.
func (v *visitor) browse() {
	w, _, err := v.ask("GET", []string{"/", "/goods/1", "/goods/2"}[rand.N(3)], "", v.cookie)
	v.mu.Lock()
	defer v.mu.Unlock()
	if err != nil || w.StatusCode != http.StatusOK {
		v.failed++
		return
	}
	v.pages++
	if counted := value(w, "visits") != ""; counted != (v.now.revision > 0) {
		v.accuse("with a yes: %v; counted at replica %s: %v", v.now.revision > 0, w.Header.Get("X-Replica"), counted)
	}
}

// replay shows a cookie that was superseded, a moment or long ago.
func (v *visitor) replay() {
	if n := len(v.old); n > 0 {
		if rand.N(2) == 0 {
			v.show(v.old[n-1])
		} else {
			v.show(v.old[rand.N(n)])
		}
	}
}

func (v *visitor) show(s superseded) {
	begun := time.Now()
	w, _, err := v.ask("GET", "/goods/1", "", s.cookie)
	v.mu.Lock()
	defer v.mu.Unlock()
	if err != nil || w.StatusCode != http.StatusOK {
		v.failed++
		return
	}
	v.replayed++
	if value(w, "visits") == "" {
		return
	}
	age := begun.Sub(s.at)
	v.latest = max(v.latest, age)
	if age > promised+v.slack() {
		v.accuse("a cookie counted at replica %s %v after it was superseded", w.Header.Get("X-Replica"), age)
	}
}

// value returns the value of a cookie that a response sets.
func value(w *http.Response, name string) string {
	for _, c := range w.Cookies() {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// read returns who a consent cookie is of, in the format that consent/cookie.go
// describes; nothing for a refusal.
func read(cookie string) (c change) {
	raw, err := base64.RawURLEncoding.DecodeString(cookie)
	if err != nil || len(raw) < 20 || raw[0] != 1 || raw[1] != 1 {
		return change{}
	}
	copy(c.subject[:], raw[2:])
	c.revision, _ = binary.Uvarint(raw[2+len(c.subject):])
	return c
}
