package logging

import (
	"net/http"
	"net/url"
	"strings"
)

// ownRoute returns the route of the page that a visitor came from, if it is one
// of the host's own and the mux knows it.
func (a *Access) ownRoute(req *http.Request, referrer string) string {
	if a.mux == nil || len(referrer) > maxReferrer {
		return ""
	}
	_, rest, ok := strings.Cut(referrer, "://")
	if !ok || len(rest) < len(req.Host) || !strings.EqualFold(rest[:len(req.Host)], req.Host) || !strings.HasPrefix(rest[len(req.Host):], "/") {
		return ""
	}
	u, err := url.ParseRequestURI(rest[len(req.Host):])
	if err != nil {
		return ""
	}
	// Pages are got. Whatever is not a pattern of the mux's is no route.
	_, pattern := a.mux.Handler(&http.Request{Method: http.MethodGet, Host: req.Host, URL: u})
	return routePath(pattern)
}

// maxReferrer bounds what is looked up; browsers cut theirs at 4,096 characters
// (Referrer Policy §8.3).
const maxReferrer = 4096

// appendOrigin appends the origin of a Referer field, or nothing. Only plain
// host names pass: user information, addresses and everything behind the host
// stay out, and what cannot be read is nothing.
func appendOrigin(dst []byte, referrer string) []byte {
	start := len(dst)
	var rest string
	switch {
	// The first is how browsers write it.
	case strings.HasPrefix(referrer, "https://"), len(referrer) > 8 && strings.EqualFold(referrer[:8], "https://"):
		dst, rest = append(dst, "https://"...), referrer[8:]
	case len(referrer) > 7 && strings.EqualFold(referrer[:7], "http://"):
		dst, rest = append(dst, "http://"...), referrer[7:]
	default:
		return dst
	}
	// The host in lower case, until something else begins.
	host, end := len(dst), len(rest)
	for i := range len(rest) {
		c := rest[i]
		if c == ':' || c == '/' || c == '?' || c == '#' {
			end = i
			break
		}
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	if !isHostname(dst[host:]) {
		return dst[:start]
	}
	if rest = rest[end:]; rest == "" || rest[0] != ':' {
		return dst
	}
	port := rest[1:]
	if i := strings.IndexAny(port, "/?#"); i >= 0 {
		port = port[:i]
	}
	if !isPort(port) {
		return dst[:start]
	}
	dst = append(dst, ':')
	return append(dst, port...)
}

// isHostname reports whether s, in lower case, is a name of letter-digit-hyphen
// labels (RFC 1123 §2.1) whose last label does not begin with a digit, so that
// it is no address in any of its spellings.
func isHostname(s []byte) bool {
	if len(s) > 253 || len(s) == 0 {
		return false
	}
	label := 0 // where it begins
	for i, c := range s {
		switch {
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9':
		case c == '-' && i > label:
		case c == '.' && i > label && s[i-1] != '-':
			label = i + 1
		default:
			return false
		}
		if i-label >= 63 {
			return false
		}
	}
	return label < len(s) && s[len(s)-1] != '-' && (s[label] < '0' || s[label] > '9')
}

func isPort(s string) bool {
	return len(s) >= 1 && len(s) <= 5 && strings.Trim(s, "0123456789") == ""
}
