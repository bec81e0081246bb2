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
	scheme, rest, ok := strings.Cut(referrer, "://")
	switch {
	case !ok:
		return dst
	case strings.EqualFold(scheme, "https"):
		dst = append(dst, "https://"...)
	case strings.EqualFold(scheme, "http"):
		dst = append(dst, "http://"...)
	default:
		return dst
	}
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		rest = rest[:i]
	}
	host, port, hasPort := strings.Cut(rest, ":")
	if !isHostname(host) || hasPort && !isPort(port) {
		return dst[:start]
	}
	for i := range len(host) {
		c := host[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	if hasPort {
		dst = append(dst, ':')
		dst = append(dst, port...)
	}
	return dst
}

// isHostname reports whether s is a name of letter-digit-hyphen labels (RFC 1123
// §2.1) whose last label is not a number, so that it is no address in any of
// its spellings.
func isHostname(s string) bool {
	if len(s) > 253 || s == "" {
		return false
	}
	last := ""
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := range len(label) {
			c := label[i]
			if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' {
				return false
			}
		}
		last = label
	}
	return last[0] < '0' || last[0] > '9'
}

func isPort(s string) bool {
	return len(s) >= 1 && len(s) <= 5 && strings.Trim(s, "0123456789") == ""
}
