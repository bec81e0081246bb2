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
	// ErrAbsent is returned by Get when there is no such cookie, or it is hidden.
	ErrAbsent = errors.New("no such cookie")
	// ErrExpired is returned by Get for a value older than the declared lifetime.
	ErrExpired = errors.New("the cookie has expired")
	// ErrTampered is returned by Get for a value that this site did not make
	// under this name, or made with a key it no longer has.
	ErrTampered = errors.New("the cookie cannot be believed")
	// ErrTooLarge is returned by Set for a line that browsers would drop. Nothing
	// was set.
	ErrTooLarge = errors.New("the cookie is too large")
	// ErrLate is returned by Set and Clear when the header was already sent.
	ErrLate = errors.New("the response has begun")
)

// maxLine is the size that every browser takes, name and attributes included.
const maxLine = 4096

// Sealed is a cookie whose value is encrypted (AES-CTR) and authenticated
// (HMAC-SHA256) by gorilla/securecookie: nobody but this site reads it. Make it
// with NewSealed. It is safe for concurrent use.
type Sealed[T any] struct{ typed[T] }

// Signed is a cookie whose value anybody can read and only this site can make.
// Make it with NewSigned. It is safe for concurrent use.
type Signed[T any] struct{ typed[T] }

// NewSealed returns the sealed cookie of a declared name. Keys of its own are
// derived from keys; the newest seals, all open.
func NewSealed[T any](g *Gate, keys consent.Keys, name string) (*Sealed[T], error) {
	t, err := newTyped[T](g, keys, name, true)
	if err != nil {
		return nil, err
	}
	return &Sealed[T]{t}, nil
}

// NewSigned returns the signed cookie of a declared name. Keys of its own are
// derived from keys; the newest signs, all verify.
func NewSigned[T any](g *Gate, keys consent.Keys, name string) (*Signed[T], error) {
	t, err := newTyped[T](g, keys, name, false)
	if err != nil {
		return nil, err
	}
	return &Signed[T]{t}, nil
}

type typed[T any] struct {
	gate    *Gate
	spec    *Spec
	name    string
	codecs  []securecookie.Codec
	ageless []securecookie.Codec // the same, to tell old from forged
}

func newTyped[T any](g *Gate, keys consent.Keys, name string, sealed bool) (t typed[T], err error) {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("cookies: typed cookie %s: "+format, append([]any{quoteName(name)}, args...)...))
	}
	if g == nil {
		fault("gate: is missing; make one with cookies.NewGate")
	} else if t.spec = g.inventory.lookup(name); t.spec == nil || t.spec.Field {
		fault("name: is not declared; add a Spec to the inventory")
	}
	if keys.IsZero() {
		fault("keys: no key; read them with consent.KeysFromEnv or make one with consent.GenerateKey")
	}
	if err := errors.Join(faults...); err != nil {
		return t, err
	}
	t.gate, t.name = g, name
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
			return securecookie.New(signing[i], block).SetSerializer(securecookie.JSONEncoder{}).MaxAge(age).MaxLength(0)
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
	if t.gate.inventory.basis[t.spec.Purpose] != consent.Essential && !consent.Allowed(r.Context(), t.spec.Purpose) {
		return fmt.Errorf("cookies: set %s: %w", quoteName(t.name), ErrNoConsent)
	}
	value, err := securecookie.EncodeMulti(t.name, v, t.codecs[0])
	if err != nil {
		// Not wrapped: the encoder's error may hold the value.
		return fmt.Errorf("cookies: set %s: the value cannot be encoded as JSON", quoteName(t.name))
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
	now := t.gate.now()
	c, ok := parseSetCookie(line, now)
	if !ok {
		return fmt.Errorf("cookies: set %s: %w", quoteName(t.name), ErrTooLarge)
	}
	line = t.gate.harden(&c, t.spec, now)
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
		lines = append(lines, t.gate.expiry(t.name, t.spec, v))
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

// Get returns the value that the visitor's browser sent. It fails with
// ErrAbsent, ErrExpired or ErrTampered, which a visitor should not be able to
// tell apart.
func (t *typed[T]) Get(r *http.Request) (T, error) {
	var zero T
	if t.gate == nil {
		return zero, fmt.Errorf("cookies: get: %w", ErrAbsent)
	}
	why := ErrAbsent
	// Several of one name may come from several paths; the first good one counts.
	for _, line := range r.Header["Cookie"] {
		for line != "" {
			var pair, name string
			pair, name, line = cutPair(line)
			if name != t.name {
				continue
			}
			_, value, _ := strings.Cut(pair, "=")
			if len(value) > maxLine {
				value = "" // longer than Set ever sends
			}
			var v T
			if securecookie.DecodeMulti(t.name, value, &v, t.codecs...) == nil {
				return v, nil
			}
			var old T
			if securecookie.DecodeMulti(t.name, value, &old, t.ageless...) == nil {
				why = ErrExpired
			} else if !errors.Is(why, ErrExpired) {
				why = ErrTampered
			}
		}
	}
	return zero, fmt.Errorf("cookies: get %s: %w", quoteName(t.name), why)
}
