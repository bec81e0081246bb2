package cookies

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/securecookie"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/exchange"
)

var (
	// ErrNoConsent is returned by Set when the cookie's purpose is not allowed.
	// Nothing was set.
	ErrNoConsent = errors.New("no consent")
	// ErrAbsent is returned by Get when the browser sent no such cookie.
	ErrAbsent = errors.New("no such cookie")
	// ErrHidden is returned by Get when the browser sent one, and its purpose is
	// not allowed.
	ErrHidden = errors.New("the cookie may not be read")
	// ErrExpired is returned by Get for a value older than the declared lifetime.
	ErrExpired = errors.New("the cookie has expired")
	// ErrTampered is returned by Get for a value that this site did not make
	// under this name, or made with a key or a codec it no longer has.
	ErrTampered = errors.New("the cookie cannot be believed")
	// ErrTooLarge is returned by Set for a line that browsers would drop. Nothing
	// was set.
	ErrTooLarge = errors.New("the cookie is too large")
	// ErrLate is returned by Set and Clear when the header was already sent.
	ErrLate = errors.New("the response has begun")
)

const (
	// maxLine is the size that every browser takes, name and attributes included.
	maxLine = 4096
	// maxCandidates bounds how many cookies of one name Get tries. Browsers send
	// one for each Domain and Path that it lies on; what else comes is forged.
	maxCandidates = 8
)

// Sealed is a cookie whose value is encrypted (AES-256-CTR) and authenticated
// (HMAC-SHA256) by gorilla/securecookie: nobody but this site reads it. Make it
// with NewSealed. It is safe for concurrent use.
type Sealed[T any] struct{ typed[T] }

// Signed is a cookie whose value anybody can read and only this site can make.
// Make it with NewSigned. It is safe for concurrent use.
type Signed[T any] struct{ typed[T] }

// NewSealed returns the sealed cookie of a declared name, its value encoded as
// JSON. Keys of its own are derived from keys; the newest seals, all open.
func NewSealed[T any](g *Gate, keys consent.Keys, name string) (*Sealed[T], error) {
	return NewSealedWith[T](g, keys, name, nil)
}

// NewSealedWith is NewSealed with another encoding of the value, such as
// [securecookie.GobEncoder]; nil means JSON.
func NewSealedWith[T any](g *Gate, keys consent.Keys, name string, codec securecookie.Serializer) (*Sealed[T], error) {
	t, err := newTyped[T](g, keys, name, codec, true)
	if err != nil {
		return nil, err
	}
	return &Sealed[T]{t}, nil
}

// NewSigned returns the signed cookie of a declared name, its value encoded as
// JSON. Keys of its own are derived from keys; the newest signs, all verify.
func NewSigned[T any](g *Gate, keys consent.Keys, name string) (*Signed[T], error) {
	return NewSignedWith[T](g, keys, name, nil)
}

// NewSignedWith is NewSigned with another encoding of the value, such as
// [securecookie.GobEncoder]; nil means JSON.
func NewSignedWith[T any](g *Gate, keys consent.Keys, name string, codec securecookie.Serializer) (*Signed[T], error) {
	t, err := newTyped[T](g, keys, name, codec, false)
	if err != nil {
		return nil, err
	}
	return &Signed[T]{t}, nil
}

type typed[T any] struct {
	gate    *Gate
	spec    *entry
	name    string
	codecs  []securecookie.Codec
	ageless []securecookie.Codec // the same, to tell old from forged
}

func newTyped[T any](g *Gate, keys consent.Keys, name string, serializer securecookie.Serializer, sealed bool) (t typed[T], err error) {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("cookies: typed cookie %s: "+format, append([]any{quoteName(name)}, args...)...))
	}
	if g == nil {
		fault("gate: is missing; make one with cookies.NewGate")
	} else if t.spec = g.inventory.lookup(name); t.spec == nil || strings.Contains(name, "*") {
		fault("name: is not declared; add a Spec to the inventory")
	}
	if keys.IsZero() {
		fault("keys: no key; read them with consent.KeysFromEnv or make one with consent.GenerateKey")
	}
	if err := errors.Join(faults...); err != nil {
		return t, err
	}
	t.gate, t.name = g, name
	if serializer == nil {
		serializer = securecookie.JSONEncoder{}
	}
	age := MaxLifetime
	if t.spec.Lifetime > 0 {
		age = t.spec.Lifetime
	}
	signing := keys.Derive("signed cookie/"+name, 32)
	var sealing [][]byte
	if sealed {
		signing, sealing = keys.Derive("sealed cookie/"+name+"/sign", 32), keys.Derive("sealed cookie/"+name+"/seal", 32)
	}
	for i := range signing {
		var block []byte
		if sealed {
			block = sealing[i]
		}
		codec := func(age int) securecookie.Codec {
			return securecookie.New(signing[i], block).SetSerializer(serializer).MaxAge(age).MaxLength(0)
		}
		t.codecs = append(t.codecs, codec(int(age/time.Second)))
		t.ageless = append(t.ageless, codec(0))
	}
	return t, nil
}

// Set puts the cookie into the response, in place of one of the same name that
// was put there before. It fails with ErrNoConsent, ErrTooLarge or ErrLate, and
// then nothing is set. For a purpose that needs consent, the response is marked
// as dependent on it.
func (t *typed[T]) Set(w http.ResponseWriter, r *http.Request, v T) error {
	if t.gate == nil {
		return fmt.Errorf("cookies: set: %w", ErrNoConsent)
	}
	if !t.allowed(r) {
		return fmt.Errorf("cookies: set %s: %w", quoteName(t.name), ErrNoConsent)
	}
	value, err := securecookie.EncodeMulti(t.name, v, t.codecs[0])
	if err != nil {
		// Not wrapped: the encoder's error may hold the value.
		return fmt.Errorf("cookies: set %s: the value cannot be encoded; choose a type or a codec that can", quoteName(t.name))
	}
	variant := t.spec.Variants[0]
	line := t.name + "=" + value + "; Path=" + variant.Path
	if variant.Domain != "" {
		line += "; Domain=" + variant.Domain
	}
	if t.spec.Lifetime > 0 {
		line += "; Max-Age=" + strconv.FormatInt(int64(t.spec.Lifetime/time.Second), 10)
	}
	if t.spec.SameSite == http.SameSiteNoneMode {
		line += "; SameSite=None"
	}
	var c setCookie
	if parseSetCookie(&c, line) != passed || !c.read(c.rest) {
		return fmt.Errorf("cookies: set %s: %w", quoteName(t.name), ErrTooLarge)
	}
	line = t.gate.harden(&judge{gate: t.gate}, &c, t.spec)
	if len(line) > maxLine {
		return fmt.Errorf("cookies: set %s: %w", quoteName(t.name), ErrTooLarge)
	}
	return t.put(w, r, line)
}

// Clear removes the cookie from the browser, on every variant it is declared
// with. It needs no consent.
func (t *typed[T]) Clear(w http.ResponseWriter, r *http.Request) error {
	if t.gate == nil {
		return nil
	}
	lines := make([]string, 0, len(t.spec.Variants))
	for _, v := range t.spec.Variants {
		lines = append(lines, t.gate.expiry(t.name, &t.spec.Spec, v))
	}
	return t.put(w, r, lines...)
}

func (t *typed[T]) put(w http.ResponseWriter, r *http.Request, lines ...string) error {
	if x := exchange.From(r.Context()); x != nil && x.Committed() {
		return fmt.Errorf("cookies: set %s: %w", quoteName(t.name), ErrLate)
	}
	h := w.Header()
	kept := make([]string, 0, len(h["Set-Cookie"])+len(lines))
	for _, line := range h["Set-Cookie"] {
		if _, name, _ := cutPair(line); name != t.name {
			kept = append(kept, line)
		}
	}
	h["Set-Cookie"] = append(kept, lines...)
	return nil
}

// allowed reports whether the purpose of the cookie is allowed for the visitor,
// also where the handler stands outside the gate, and marks the response as
// dependent on it.
func (t *typed[T]) allowed(r *http.Request) bool {
	if t.spec.essential {
		return true
	}
	x := exchange.From(r.Context())
	if x == nil {
		return false
	}
	j := judge{gate: t.gate, x: x}
	allowed := j.allows(t.spec)
	consent.Allowed(r.Context(), t.spec.Purpose)
	return allowed
}

// Get returns the value that the visitor's browser sent. It fails with
// ErrAbsent, ErrHidden, ErrExpired or ErrTampered, which a visitor should not be
// able to tell apart. For a purpose that needs consent, the response is marked
// as dependent on it.
func (t *typed[T]) Get(r *http.Request) (T, error) {
	var zero T
	if t.gate == nil {
		return zero, fmt.Errorf("cookies: get: %w", ErrAbsent)
	}
	if !t.allowed(r) {
		why := ErrAbsent
		if t.sent(r) {
			why = ErrHidden
		}
		return zero, fmt.Errorf("cookies: get %s: %w", quoteName(t.name), why)
	}
	why, tried := ErrAbsent, 0
	// Several of one name may come from several paths; the first good one counts.
	for _, line := range r.Header["Cookie"] {
		for line != "" && tried < maxCandidates {
			var pair, name string
			pair, name, line = cutPair(line)
			if name != t.name {
				continue
			}
			tried++
			v, err := t.decode(pair)
			if err == nil {
				return v, nil
			}
			if !errors.Is(why, ErrExpired) {
				why = err
			}
		}
	}
	return zero, fmt.Errorf("cookies: get %s: %w", quoteName(t.name), why)
}

// sent reports whether the browser sent the cookie, shown or not.
func (t *typed[T]) sent(r *http.Request) bool {
	lines := r.Header["Cookie"]
	if x := exchange.From(r.Context()); x != nil {
		lines = x.CookieLines()
	}
	for _, line := range lines {
		for line != "" {
			var name string
			if _, name, line = cutPair(line); name == t.name {
				return true
			}
		}
	}
	return false
}

// decode opens one cookie, and says whether it is old or was never good.
func (t *typed[T]) decode(pair string) (T, error) {
	var v, old T
	_, value, _ := strings.Cut(pair, "=")
	if len(value) > maxLine { // longer than Set ever sends
		return old, ErrTampered
	}
	// By hand, because DecodeMulti makes a list of every error.
	for _, codec := range t.codecs {
		if codec.Decode(t.name, value, &v) == nil {
			return v, nil
		}
	}
	for _, codec := range t.ageless {
		if codec.Decode(t.name, value, &v) == nil {
			return old, ErrExpired
		}
	}
	return old, ErrTampered
}
