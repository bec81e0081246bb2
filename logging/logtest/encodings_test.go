package logtest_test

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"math/big"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// encoding is a way in which a service could write a value, made without the
// package's own functions, and the name by which it must be reported.
type encoding struct {
	name, want string
	encode     func(string) string
}

// encodings are those of any text.
var encodings = slices.Concat([]encoding{
	{"plain", "plain", func(s string) string { return s }},
	{"amid other text", "plain", func(s string) string { return "user" + s + "0" }},
	{"upper case", "plain", strings.ToUpper},
	{"lower case", "plain", strings.ToLower},
	{"reversed", "reversed", backwards},
	{"query escaped", "plain", url.QueryEscape},
	{"query escaped with %20", "plain", func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }},
	{"path escaped", "plain", url.PathEscape},
	{"every byte URL-escaped, upper", "plain, URL-escaped", each("%%%02X")},
	{"every byte URL-escaped, lower", "plain, URL-escaped", each("%%%02x")},
	{"URL-escaped twice", "plain, URL-escaped t", func(s string) string { return url.QueryEscape(each("%%%02X")(s)) }},
	{"query escaped twice", "plain", func(s string) string { return url.QueryEscape(url.QueryEscape(s)) }},
	{"base64 in a URL", "base64", func(s string) string { return url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(s))) }},
	{"JSON", "plain", func(s string) string { b, _ := json.Marshal(s); return string(b) }},
	{"every byte JSON-escaped, upper", "plain, JSON-escaped", each(`\u%04X`)},
	{"every byte JSON-escaped, lower", "plain, JSON-escaped", each(`\u%04x`)},
	{"JSON in JSON", "plain, JSON-escaped twice", func(s string) string { b, _ := json.Marshal(each(`\u%04x`)(s)); return string(b) }},
	{"some bytes JSON-escaped", "plain, JSON-escaped", func(s string) string { return s[:2] + fmt.Sprintf(`\u%04x`, s[2]) + each(`\u%04x`)(s[3:]) }},
	{"every byte escaped as by nginx", "plain, JSON-escaped", each(`\x%02X`)},
	{"HTML", "plain", html.EscapeString},
	{"every byte HTML-escaped", "plain, HTML-escaped", each("&#%d;")},
	{"every byte HTML-escaped, hex", "plain, HTML-escaped", each("&#x%X;")},
	{"hex", "hex", func(s string) string { return hex.EncodeToString([]byte(s)) }},
	{"upper hex", "hex", func(s string) string { return strings.ToUpper(hex.EncodeToString([]byte(s))) }},
	{"hex of lower case", "hex", func(s string) string { return hex.EncodeToString([]byte(strings.ToLower(s))) }},
	{"base64 of lower case", "base64", func(s string) string { return base64.StdEncoding.EncodeToString([]byte(strings.ToLower(s))) }},
}, base64s(), hashed())

func each(verb string) func(string) string {
	return func(s string) string {
		var b strings.Builder
		for i := range len(s) {
			fmt.Fprintf(&b, verb, s[i])
		}
		return b.String()
	}
}

func backwards(s string) string {
	b := []byte(s)
	slices.Reverse(b)
	return string(b)
}

// base64s are both alphabets, with and without padding, at every distance from
// the beginning of a group.
func base64s() (out []encoding) {
	for name, e := range map[string]*base64.Encoding{"std": base64.StdEncoding, "raw std": base64.RawStdEncoding, "url": base64.URLEncoding, "raw url": base64.RawURLEncoding} {
		for _, before := range []string{"", "?", "?~"} {
			out = append(out, encoding{fmt.Sprintf("base64 %s at %d", name, len(before)), "base64", func(s string) string {
				return e.EncodeToString([]byte(before + s + "~"))
			}})
		}
	}
	return out
}

func hashed() (out []encoding) {
	for name, sum := range map[string]func(string) []byte{
		"MD5":     func(s string) []byte { h := md5.Sum([]byte(s)); return h[:] },
		"SHA-1":   func(s string) []byte { h := sha1.Sum([]byte(s)); return h[:] },
		"SHA-256": func(s string) []byte { h := sha256.Sum256([]byte(s)); return h[:] },
		"SHA-512": func(s string) []byte { h := sha512.Sum512([]byte(s)); return h[:] },
	} {
		out = append(out,
			encoding{name, name, func(s string) string { return hex.EncodeToString(sum(s)) }},
			encoding{name + " of 16 digits, upper", name, func(s string) string { return strings.ToUpper(hex.EncodeToString(sum(s)))[:16] }},
			encoding{name + " in base64", name + " in base64", func(s string) string { return base64.StdEncoding.EncodeToString(sum(s)) }},
			encoding{name + " in base64 for URLs", name + " in base64", func(s string) string { return base64.RawURLEncoding.EncodeToString(sum(s)) }},
			encoding{name + " in base64, 8 bytes", name + " in base64", func(s string) string { return base64.RawStdEncoding.EncodeToString(sum(s)[:8]) }},
		)
	}
	return out
}

// addressEncoding is a way to write an address. Where a kind of address has no
// such form, it is "".
type addressEncoding struct {
	name, want string
	encode     func(netip.Addr) string
}

func only4(encode func(b [4]byte) string) func(netip.Addr) string {
	return func(a netip.Addr) string {
		if !a.Is4() {
			return ""
		}
		return encode(a.As4())
	}
}

func only6(encode func(a netip.Addr) string) func(netip.Addr) string {
	return func(a netip.Addr) string {
		if !a.Is6() {
			return ""
		}
		return encode(a)
	}
}

var addressEncodings = []addressEncoding{
	{"integer", "integer", func(a netip.Addr) string { return new(big.Int).SetBytes(a.AsSlice()).String() }},
	{"hex integer", "hex integer", func(a netip.Addr) string { return hex.EncodeToString(a.AsSlice()) }},
	{"0x integer", "hex integer", func(a netip.Addr) string { return "0x" + strings.ToUpper(hex.EncodeToString(a.AsSlice())) }},
	{"octal integer", "octal integer", only4(func(b [4]byte) string { return fmt.Sprintf("%#o", binary.BigEndian.Uint32(b[:])) })},
	{"dotted hex", "dotted hex", only4(func(b [4]byte) string { return fmt.Sprintf("0x%x.0x%x.0x%x.0x%x", b[0], b[1], b[2], b[3]) })},
	{"dotted octal", "dotted octal", only4(func(b [4]byte) string { return fmt.Sprintf("0%o.0%o.0%o.0%o", b[0], b[1], b[2], b[3]) })},
	{"dotted octal of 4 digits", "dotted octal", only4(func(b [4]byte) string { return fmt.Sprintf("%04o.%04o.%04o.%04o", b[0], b[1], b[2], b[3]) })},
	{"padded", "", only4(func(b [4]byte) string { return fmt.Sprintf("%03d.%03d.%03d.%03d", b[0], b[1], b[2], b[3]) })},
	{"with a port", "plain", func(a netip.Addr) string { return netip.AddrPortFrom(a, 4711).String() }},
	{"with a length", "plain", func(a netip.Addr) string { return netip.PrefixFrom(a, a.BitLen()).String() }},
	{"host name", "with hyphens", func(a netip.Addr) string {
		return "ip-" + strings.NewReplacer(".", "-", ":", "-").Replace(a.String()) + ".internal"
	}},
	{"in-addr.arpa", "in-addr.arpa", only4(func(b [4]byte) string { return fmt.Sprintf("%d.%d.%d.%d.in-addr.arpa", b[3], b[2], b[1], b[0]) })},
	{"mapped", "plain", only4(func(b [4]byte) string { return "::ffff:" + netip.AddrFrom4(b).String() })},
	{"mapped in hex", "IPv4 in IPv6", only4(func(b [4]byte) string { return fmt.Sprintf("::ffff:%02x%02x:%02x%02x", b[0], b[1], b[2], b[3]) })},
	{"mapped, expanded", "IPv4 in IPv6", only4(func(b [4]byte) string {
		return fmt.Sprintf("0000:0000:0000:0000:0000:FFFF:%02X%02X:%02X%02X", b[0], b[1], b[2], b[3])
	})},
	{"6to4", "IPv4 in IPv6", only4(func(b [4]byte) string { return fmt.Sprintf("2002:%02x%02x:%02x%02x::1", b[0], b[1], b[2], b[3]) })},
	{"expanded", "expanded", only6(netip.Addr.StringExpanded)},
	{"expanded, upper", "expanded", only6(func(a netip.Addr) string { return strings.ToUpper(a.StringExpanded()) })},
	{"without compression", "expanded", only6(func(a netip.Addr) string {
		b := a.As16()
		parts := make([]string, 8)
		for i := range parts {
			parts[i] = fmt.Sprintf("%x", binary.BigEndian.Uint16(b[2*i:]))
		}
		return strings.Join(parts, ":")
	})},
	{"ip6.arpa", "ip6.arpa", only6(func(a netip.Addr) string {
		b := a.As16()
		text := backwards(hex.EncodeToString(b[:]))
		return strings.Join(strings.Split(text, ""), ".") + ".ip6.arpa"
	})},
	{"IPv4 tail", "IPv6 with an IPv4 tail", only6(func(a netip.Addr) string {
		b := a.As16()
		return fmt.Sprintf("2001:db8:%x:%x::%d.%d.%d.%d", b[4:6], b[6:8], b[12], b[13], b[14], b[15])
	})},
	{"base64 of the bytes", "base64 of the bytes", func(a netip.Addr) string { return base64.StdEncoding.EncodeToString(a.AsSlice()) }},
	{"base64 of 16 bytes", "base64 of the bytes", func(a netip.Addr) string { b := a.As16(); return base64.RawURLEncoding.EncodeToString(b[:]) }},
	{"SHA-256 of the bytes", "SHA-256", func(a netip.Addr) string { return fmt.Sprintf("%x", sha256.Sum256(a.AsSlice())) }},
	{"SHA-256 of 16 bytes", "SHA-256", func(a netip.Addr) string { b := a.As16(); return fmt.Sprintf("%x", sha256.Sum256(b[:])) }},
	{"MD5 of the expanded form", "MD5", func(a netip.Addr) string { return fmt.Sprintf("%x", md5.Sum([]byte(a.StringExpanded()))) }},
}
