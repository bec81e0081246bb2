package logging

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/candorhttp/candor/consent/exchange"
)

// Custom is a field of the host's own: an [Enum], a [Count], a [Bucket] or an
// [UnsafeString]. It is declared in Config.Custom, and set for a request with
// its Set method; set and not declared, it is written nowhere. Lines of privacy
// endpoints never have one.
type Custom interface {
	// compile returns the field, and what is wrong with its declaration.
	compile() (Field, []string)
}

// Declaration says what a custom field is. All of it stands in the manifest.
type Declaration struct {
	// Name is the key: lower-case words with dots, such as "shop.basket.size".
	Name string
	// Kind says what sort of data it holds.
	Kind Kind
	// Purpose says what it is for, in words.
	Purpose string
	// Tier says when it is written; empty means Granted.
	Tier Tier
}

var namePattern = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}(\.[a-z][a-z0-9_]{0,31}){1,4}$`)

func (d Declaration) compile(transform, form string) (Field, []string) {
	var faults []string
	if !namePattern.MatchString(d.Name) {
		faults = append(faults, `Name: is not a key; write lower-case words with dots, for example "shop.basket.size"`)
	}
	if !slices.Contains([]Kind{None, Technical, Indirect, Pseudonymous, Direct}, d.Kind) {
		faults = append(faults, "Kind: is missing; say what sort of data the field holds")
	}
	if strings.TrimSpace(d.Purpose) == "" {
		faults = append(faults, "Purpose: is missing; say what the field is for")
	}
	if d.Tier == "" {
		d.Tier = Granted
	}
	if d.Tier != Granted && d.Tier != Strict {
		faults = append(faults, "Tier: is neither Strict nor Granted; choose one")
	}
	return Field{Name: d.Name, Kind: d.Kind, Transform: transform, Purpose: d.Purpose, Tier: d.Tier, Form: form}, faults
}

// Enum is a field whose value is one of a list of words.
type Enum struct {
	Declaration
	Words []string // of letters, digits, '.', '_' and '-', at most 32 characters each
}

// Set gives the field its value for this request; the last one counts. A word
// that is not in the list becomes "_OTHER".
func (e *Enum) Set(ctx context.Context, word string) { set(ctx, e, customValue{text: word}) }

var wordPattern = regexp.MustCompile(`^[A-Za-z0-9._-]{1,32}$`)

func (e *Enum) compile() (Field, []string) {
	allowed := slices.Clone(e.Words)
	quoted := make([]string, 0, len(allowed)+1)
	for _, w := range allowed {
		quoted = append(quoted, regexp.QuoteMeta(w))
	}
	f, faults := e.Declaration.compile("one of a list of words, else _OTHER", "^("+strings.Join(append(quoted, "_OTHER"), "|")+")$")
	if len(allowed) == 0 || len(allowed) > 256 {
		faults = append(faults, "Words: are none or more than 256; list what may be written")
	}
	for i, w := range allowed {
		if !wordPattern.MatchString(w) {
			faults = append(faults, fmt.Sprintf("Words[%d]: is not a word; use 1 to 32 letters, digits, '.', '_' and '-'", i))
		}
	}
	f.value = func(dst []byte, r *record) []byte {
		v, ok := r.custom(e)
		if !ok {
			return dst
		}
		if !slices.Contains(allowed, v.text) {
			return appendString(dst, "_OTHER")
		}
		return appendString(dst, v.text)
	}
	return f, faults
}

// Count is a field whose value is a whole number from 0 to Max.
type Count struct {
	Declaration
	Max int64 // greater numbers are written as this one; 1 to 10,000,000
}

// Set gives the field its value for this request; the last one counts. A
// negative number is none.
func (c *Count) Set(ctx context.Context, n int64) { set(ctx, c, customValue{number: float64(n)}) }

// maxCount keeps a number from being long enough to name an account.
const maxCount = 10_000_000

func (c *Count) compile() (Field, []string) {
	most := c.Max
	f, faults := c.Declaration.compile(fmt.Sprintf("a whole number, at most %d", most), fmt.Sprintf(`^\d{1,%d}$`, len(strconv.FormatInt(max(most, 1), 10))))
	if most < 1 || most > maxCount {
		faults = append(faults, fmt.Sprintf("Max: is %d; choose 1 to %d", most, maxCount))
	}
	f.value = func(dst []byte, r *record) []byte {
		v, ok := r.custom(c)
		if !ok || v.number < 0 {
			return dst
		}
		return strconv.AppendInt(dst, min(int64(v.number), most), 10)
	}
	return f, faults
}

// Bucket is a field whose value is the upper bound of the range that a number
// falls into, so that the number itself is not kept.
type Bucket struct {
	Declaration
	Unit   string    // for the manifest, such as "EUR" or "ms"
	Bounds []float64 // ascending, at most 64
}

// Set gives the field its value for this request; the last one counts. What is
// greater than the last bound is written as -1, what is no number not at all.
func (b *Bucket) Set(ctx context.Context, value float64) { set(ctx, b, customValue{number: value}) }

func (b *Bucket) compile() (Field, []string) {
	bounds := slices.Clone(b.Bounds)
	texts := make([]string, 0, len(bounds)+1)
	for _, bound := range bounds {
		texts = append(texts, regexp.QuoteMeta(strconv.FormatFloat(bound, 'f', -1, 64)))
	}
	f, faults := b.Declaration.compile(strings.TrimSpace("upper bound of the range it falls into, -1 above all; "+b.Unit), "^("+strings.Join(append(texts, "-1"), "|")+")$")
	if len(bounds) == 0 || len(bounds) > 64 || !slices.IsSorted(bounds) || slices.ContainsFunc(bounds, func(x float64) bool { return x != x || x-x != 0 }) {
		faults = append(faults, "Bounds: are none, more than 64, not ascending or not finite; list the ranges' upper bounds")
	}
	f.value = func(dst []byte, r *record) []byte {
		v, ok := r.custom(b)
		if !ok || v.number != v.number {
			return dst
		}
		for _, bound := range bounds {
			if v.number <= bound {
				return strconv.AppendFloat(dst, bound, 'f', -1, 64)
			}
		}
		return append(dst, "-1"...)
	}
	return f, faults
}

// UnsafeString is a field of free text, which nobody can say what it holds. Its
// name must say so, with the word "unsafe" in it.
type UnsafeString struct {
	Declaration
	Max int // bytes, of which the rest is cut; 1 to 1,024
}

// Set gives the field its value for this request; the last one counts.
func (u *UnsafeString) Set(ctx context.Context, text string) { set(ctx, u, customValue{text: text}) }

func (u *UnsafeString) compile() (Field, []string) {
	most := u.Max
	f, faults := u.Declaration.compile(fmt.Sprintf("free text, cut to %d bytes: nothing is known of what it holds", most), `^[\s\S]*$`)
	if !strings.Contains(u.Name, "unsafe") {
		faults = append(faults, `Name: must say "unsafe", as nothing is known of the text`)
	}
	if most < 1 || most > 1024 {
		faults = append(faults, fmt.Sprintf("Max: is %d; choose 1 to 1024 bytes", most))
	}
	f.value = func(dst []byte, r *record) []byte {
		v, ok := r.custom(u)
		if !ok {
			return dst
		}
		return appendString(dst, v.text[:min(len(v.text), max(most, 0))])
	}
	return f, faults
}

// customValue is what a handler set.
type customValue struct {
	field  Custom
	text   string
	number float64
}

// customValues are those of one exchange.
type customValues struct {
	mu     sync.Mutex
	values []customValue
}

// customs is their place in an exchange. Its address is a key; it holds nothing.
var customs exchange.Slot[customValues]

// maxCustom bounds how many fields of one request are kept.
const maxCustom = 64

func set(ctx context.Context, field Custom, v customValue) {
	x := exchange.From(ctx)
	if x == nil {
		return
	}
	all := customs.Get(x)
	if all == nil {
		return // no log in this exchange has custom fields
	}
	v.field = field
	all.mu.Lock()
	defer all.mu.Unlock()
	for i := range all.values {
		if all.values[i].field == field {
			all.values[i] = v
			return
		}
	}
	if len(all.values) < maxCustom {
		all.values = append(all.values, v)
	}
}

// custom returns what was set for a field.
func (r *record) custom(field Custom) (customValue, bool) {
	if r.privacy {
		return customValue{}, false
	}
	all := customs.Get(r.x)
	if all == nil {
		return customValue{}, false
	}
	all.mu.Lock()
	defer all.mu.Unlock()
	for _, v := range all.values {
		if v.field == field {
			return v, true
		}
	}
	return customValue{}, false
}

// compileCustom returns the fields of declarations that have no fault.
func compileCustom(custom []Custom, known []Field, kept string, fault func(string, ...any)) (out []Field) {
	for i, c := range custom {
		if c == nil {
			fault("Custom[%d]: is nil; give a field or drop it", i)
			continue
		}
		f, faults := c.compile()
		for _, text := range faults {
			fault("Custom[%d]: %s", i, text)
		}
		same := func(k Field) bool { return k.Name == f.Name }
		if slices.ContainsFunc(known, same) || slices.ContainsFunc(out, same) || slices.ContainsFunc(declared(), same) {
			fault("Custom[%d]: Name: is another field's; choose one of your own", i)
		}
		f.Retention = kept
		out = append(out, f)
	}
	return out
}
