package bench_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/candorhttp/candor/consent"
)

// floorChain is the least that line, consent and gate take together: floor,
// with one context value, one HMAC over the consent cookie, a map that says
// which cookies need consent, and the cache headers.
type floorChain struct {
	log  *floor
	next http.Handler
	macs sync.Pool // of *floorMAC
	// needs says for each declared cookie whether it needs consent.
	needs map[string]bool
}

type floorMAC struct {
	hash hash.Hash // keyed
	sum  [sha256.Size]byte
	raw  [256]byte
	text [256]byte
}

// newFloorChain verifies the cookies of a manager with these keys.
func newFloorChain(next http.Handler, out io.Writer, keys consent.Keys) *floorChain {
	key := keys.Derive("consent cookie", sha256.Size)[0]
	f := &floorChain{
		log: newFloor(nil, out), next: next,
		needs: map[string]bool{"session": false, cookieName: false, "theme": true, "lang": true, "visits": true},
	}
	f.macs.New = func() any { return &floorMAC{hash: hmac.New(sha256.New, key)} }
	return f
}

// floorKey is the key of the context value, a *floorExchange.
type floorKey struct{}

// floorExchange is the response, and what is known of the visitor.
type floorExchange struct {
	recorder
	chain *floorChain
	yes   bool
	sent  bool
}

func floorAllowed(ctx context.Context) bool {
	x, _ := ctx.Value(floorKey{}).(*floorExchange)
	return x != nil && x.yes
}

func (f *floorChain) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	x := &floorExchange{recorder: recorder{ResponseWriter: w}, chain: f, yes: f.verify(r)}
	in := r.WithContext(context.WithValue(r.Context(), floorKey{}, x))
	f.in(in, x.yes)
	f.next.ServeHTTP(x, in)
	f.log.write(r, start, x.status, x.bytes, x.yes)
}

// floorVerified is floor with the two things that no log with tiers can do without
// and floor does: what handlers ask stands in the request's context, for which the
// request is copied, and a cookie says yes only when its HMAC is right.
type floorVerified struct{ chain *floorChain }

func (f floorVerified) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	x := &floorExchange{recorder: recorder{ResponseWriter: w}, yes: f.chain.verify(r)}
	f.chain.next.ServeHTTP(&x.recorder, r.WithContext(context.WithValue(r.Context(), floorKey{}, x)))
	f.chain.log.write(r, start, x.status, x.bytes, x.yes)
}

// verify reports whether the consent cookie is the manager's own and holds a
// grant. Which purposes it names is not looked at.
func (f *floorChain) verify(r *http.Request) bool {
	value, ok := cookieValue(r.Header["Cookie"], cookieName)
	if !ok || len(value) > 256 {
		return false
	}
	m := f.macs.Get().(*floorMAC)
	defer f.macs.Put(m)
	n, err := base64.RawURLEncoding.Decode(m.raw[:], m.text[:copy(m.text[:], value)])
	if err != nil || n < 18 {
		return false
	}
	payload, tag := m.raw[:n-16], m.raw[n-16:n]
	m.hash.Reset()
	m.hash.Write(m.text[:copy(m.text[:], cookieName+"\x00")])
	m.hash.Write(payload)
	return hmac.Equal(tag, m.hash.Sum(m.sum[:0])[:16]) && payload[0] == 1 && payload[1] == 1
}

// in hides the cookies that the handler may not read. The request is its own;
// the header map is not.
func (f *floorChain) in(r *http.Request, yes bool) {
	lines := r.Header["Cookie"]
	if len(lines) != 1 {
		return
	}
	hide := false
	for pair, rest := "", lines[0]; rest != ""; {
		pair, rest, _ = strings.Cut(rest, ";")
		hide = hide || !f.passes(pair, yes)
	}
	if !hide {
		return
	}
	var b strings.Builder
	b.Grow(len(lines[0]))
	for pair, rest := "", lines[0]; rest != ""; {
		pair, rest, _ = strings.Cut(rest, ";")
		if pair = strings.TrimSpace(pair); f.passes(pair, yes) {
			if b.Len() > 0 {
				b.WriteString("; ")
			}
			b.WriteString(pair)
		}
	}
	r.Header = maps.Clone(r.Header)
	r.Header["Cookie"] = []string{b.String()}
}

func (f *floorChain) passes(pair string, yes bool) bool {
	name, _, _ := strings.Cut(strings.TrimLeft(pair, " "), "=")
	needs, declared := f.needs[name]
	return declared && (!needs || yes)
}

// out checks what is set and tells caches, once, before the header goes out.
func (x *floorExchange) out() {
	if x.sent {
		return
	}
	x.sent = true
	h := x.Header()
	lines := h["Set-Cookie"]
	kept := lines[:0]
	for _, line := range lines {
		if x.chain.passes(line, x.yes) && hardened(line) {
			kept = append(kept, line)
		}
	}
	if len(kept) == 0 {
		delete(h, "Set-Cookie")
	} else {
		h["Set-Cookie"] = kept
	}
	h["Vary"] = []string{"Cookie"}
	h["Cache-Control"] = []string{"private"}
}

// hardened reports whether a line has what it needs.
func hardened(line string) bool {
	found := 0
	for av := ""; line != ""; {
		av, line, _ = strings.Cut(line, ";")
		switch av {
		case " HttpOnly", " Secure", " SameSite=Lax":
			found++
		}
	}
	return found == 3
}

func (x *floorExchange) WriteHeader(status int) {
	x.out()
	x.recorder.WriteHeader(status)
}

func (x *floorExchange) Write(p []byte) (int, error) {
	x.out()
	return x.recorder.Write(p)
}
