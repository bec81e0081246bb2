package logtest

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/big"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// form is one spelling of a canary that is looked for.
type form struct {
	canary   *canary
	encoding string
	text     string
	// alone asks for a neighbourhood of neither letter, digit nor hyphen, for
	// texts so short that a longer number or a UUID could hold them by chance.
	alone bool
}

// minForm is the shortest text that is looked for, in bytes.
const minForm = 8

// forms returns every spelling of a canary that is looked for as such. Escapes
// and the case of letters are not among them: the searcher undoes those.
func (c *canary) forms() []form {
	var out []form
	add := func(encoding string, texts ...string) {
		for _, text := range texts {
			out = append(out, form{canary: c, encoding: encoding, text: text})
		}
	}
	for _, core := range c.cores {
		add("plain", core)
		// The colons of an address are escaped in a query, and a whole query may be
		// encoded again.
		written := []string{core, url.QueryEscape(core)}
		for _, text := range slices.Compact(written) {
			add("reversed", reverse(text))
			for _, cased := range inCases(text) {
				add("base64", base64Forms(cased)...)
				add("hex", hex.EncodeToString([]byte(cased)))
			}
		}
	}
	hashed := slices.Concat(inCases(c.value), c.wholes, c.cores)
	if c.addr.IsValid() {
		out = append(out, c.addressForms()...)
		b := c.addr.As16()
		hashed = append(hashed, string(b[:]), string(c.addr.AsSlice()), "::ffff:"+c.value, c.addr.StringExpanded())
	}
	slices.Sort(hashed)
	for _, text := range slices.Compact(hashed) {
		for _, h := range hashes {
			sum := h.sum([]byte(text))
			add(h.name, hex.EncodeToString(sum[:8]))
			// 10 digits of base64 say nothing of what was cut off behind them.
			short := base64.RawStdEncoding.EncodeToString(sum[:8])[:10]
			add(h.name+" in base64", short, urlAlphabet(short))
		}
	}
	return out
}

// hashes are those that need no key, so that whoever has a list of addresses or
// of e-mail addresses turns them back.
var hashes = []struct {
	name string
	sum  func([]byte) []byte
}{
	{"MD5", func(b []byte) []byte { s := md5.Sum(b); return s[:] }},
	{"SHA-1", func(b []byte) []byte { s := sha1.Sum(b); return s[:] }},
	{"SHA-256", func(b []byte) []byte { s := sha256.Sum256(b); return s[:] }},
	{"SHA-512", func(b []byte) []byte { s := sha512.Sum512(b); return s[:] }},
}

func (c *canary) addressForms() []form {
	var out []form
	add := func(encoding, text string) {
		out = append(out, form{canary: c, encoding: encoding, text: text})
	}
	alone := func(encoding, text string) {
		out = append(out, form{canary: c, encoding: encoding, text: text, alone: true})
	}
	raw := c.addr.AsSlice()
	number := new(big.Int).SetBytes(raw)
	alone("integer", number.String())
	alone("hex integer", number.Text(16))
	alone("hex integer", "0x"+number.Text(16))
	alone("octal integer", "0"+number.Text(8))
	// Of the last of 22 digits some bits are padding.
	wide := c.addr.As16()
	long := base64.RawStdEncoding.EncodeToString(wide[:])[:21]
	add("base64 of the bytes", long)
	add("base64 of the bytes", urlAlphabet(long))
	add("with hyphens", strings.NewReplacer(".", "-", ":", "-").Replace(c.value))
	if c.addr.Is4() {
		add("dotted hex", dotted("%#02x", raw))
		add("dotted octal", dotted("%04o", raw))
		add("dotted octal", dotted("%#o", raw))
		add("dotted octal", dotted("%o", raw))
		add("padded with zeros", dotted("%03d", raw))
		reversed := slices.Clone(raw)
		slices.Reverse(reversed)
		add("in-addr.arpa", dotted("%d", reversed))
		// Behind ::ffff:, 64:ff9b::, 2002: and the like.
		alone("IPv4 in IPv6", hex.EncodeToString(raw[:2])+":"+hex.EncodeToString(raw[2:]))
		// With the padding it is just long enough.
		short := base64.StdEncoding.EncodeToString(raw)
		alone("base64 of the bytes", short)
		alone("base64 of the bytes", urlAlphabet(short))
		return out
	}
	add("expanded", c.addr.StringExpanded())
	groups := strings.Split(c.addr.StringExpanded(), ":")
	for i, g := range groups {
		n, _ := strconv.ParseUint(g, 16, 16)
		groups[i] = strconv.FormatUint(n, 16)
	}
	add("expanded", strings.Join(groups, ":"))
	add("IPv6 with an IPv4 tail", strings.Join(groups[:4], ":")+"::"+dotted("%d", raw[12:]))
	nibbles := strings.Split(reverse(hex.EncodeToString(raw)), "")
	add("ip6.arpa", strings.Join(nibbles, "."))
	return out
}

func dotted(verb string, octets []byte) string {
	parts := make([]string, len(octets))
	for i, o := range octets {
		parts[i] = fmt.Sprintf(verb, o)
	}
	return strings.Join(parts, ".")
}

// base64Forms returns what stands in every base64 text of anything that holds s,
// wherever s begins in a group of three bytes and whatever its neighbours are.
func base64Forms(s string) []string {
	var out []string
	for skip := range 3 {
		part := s[skip:]
		text := base64.RawStdEncoding.EncodeToString([]byte(part))
		if len(part)%3 != 0 {
			text = text[:len(text)-1] // shares its bits with the neighbour
		}
		out = append(out, text, urlAlphabet(text))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func urlAlphabet(s string) string { return strings.NewReplacer("+", "-", "/", "_").Replace(s) }

// inCases returns s as it is, in lower and upper case, and as in the canonical
// name of a header field.
func inCases(s string) []string {
	lower := strings.ToLower(s)
	out := []string{s, lower, strings.ToUpper(s), strings.ToUpper(lower[:1]) + lower[1:]}
	slices.Sort(out)
	return slices.Compact(out)
}

func reverse(s string) string {
	b := []byte(s)
	slices.Reverse(b)
	return string(b)
}
