package banner

import (
	"net/http"
	"strconv"
	"strings"
)

// maxRanges bounds how many language ranges of a request are looked at.
const maxRanges = 32

// negotiate returns the one of the offered languages that the request likes
// best (RFC 9110 §12.5.4, basic filtering of RFC 4647 in both directions), or
// the first offered.
func negotiate(r *http.Request, offered []string) string {
	best, bestQ := offered[0], 0.0
	ranges := 0
	for _, line := range r.Header["Accept-Language"] {
		for part := range strings.SplitSeq(line, ",") {
			if ranges++; ranges > maxRanges {
				return best
			}
			tag, params, _ := strings.Cut(part, ";")
			tag = strings.Trim(tag, " \t")
			q := 1.0
			if value, ok := strings.CutPrefix(strings.Trim(params, " \t"), "q="); ok {
				var err error
				if q, err = strconv.ParseFloat(value, 64); err != nil || q < 0 || q > 1 {
					continue
				}
			}
			if q <= bestQ {
				continue
			}
			for _, o := range offered {
				if matches(tag, o) {
					best, bestQ = o, q
					break
				}
			}
		}
	}
	return best
}

// matches reports whether one tag is the other or a prefix of it by subtags.
func matches(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	return a != "" && strings.EqualFold(a, b[:len(a)]) && (len(a) == len(b) || b[len(a)] == '-')
}

// speak returns the language to answer a request in.
func (p *Pages) speak(r *http.Request) string {
	if p.language != nil {
		if l := p.known(p.language(r)); l != "" {
			return l
		}
	}
	return negotiate(r, p.languages)
}

// known returns the language of the policy that a tag names, or "".
func (p *Pages) known(tag string) string {
	for _, l := range p.languages {
		if strings.EqualFold(l, tag) {
			return l
		}
	}
	for _, l := range p.languages {
		if matches(tag, l) {
			return l
		}
	}
	return ""
}
