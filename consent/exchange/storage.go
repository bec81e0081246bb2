package exchange

import (
	"net/http"
	"net/textproto"
	"slices"
	"strings"
)

// storageFields make a browser keep something: cookies, and storage by other
// names (Network Error Logging, Reporting API, Client Hints).
var storageFields = [...]string{"Set-Cookie", "Nel", "Report-To", "Reporting-Endpoints", "Accept-Ch", "Critical-Ch"}

// isStorage reports whether a key of a header map is one of the storage fields.
// net/http writes keys as they stand, so case does not matter.
func isStorage(key string) bool {
	for _, f := range storageFields {
		if len(key) == len(f) && strings.EqualFold(key, f) {
			return true
		}
	}
	return false
}

// storage is the storage fields of a header map at one moment; nil when there
// were none.
type storage map[string][]string

// keepStorage copies the storage fields, values included: a handler may still
// hold the slices.
func keepStorage(h http.Header) storage {
	var s storage
	for key, values := range h {
		if isStorage(key) {
			if s == nil {
				s = storage{}
			}
			s[key] = slices.Clone(values)
		}
	}
	return s
}

// takeStorage moves the storage fields out of a header map.
func takeStorage(h http.Header) storage {
	var s storage
	for key, values := range h {
		if isStorage(key) {
			if s == nil {
				s = storage{}
			}
			s[key] = values
			delete(h, key)
		}
	}
	return s
}

func (s storage) putBack(h http.Header) {
	for key, values := range s {
		h[key] = values
	}
}

// restore puts the header map into the state in which it may be left behind.
// Some writers (http.TimeoutHandler's) copy it only now: what was added to the
// storage fields after the commit was not judged and does not go out. Of the
// trailers, those go that RFC 9110 §6.5.1 does not allow.
func (x *Exchange) restore() {
	late := false
	for key, values := range x.header {
		if isStorage(key) {
			kept, ok := x.kept[key]
			late = late || !ok || !slices.Equal(kept, values)
		} else if name, ok := strings.CutPrefix(key, http.TrailerPrefix); ok && forbiddenTrailer(name) {
			delete(x.header, key)
		}
	}
	if late && x.committed.Load() {
		takeStorage(x.header)
		x.kept.putBack(x.header)
	}
}

// dropTrailerNames takes forbidden names from the announcement of trailers, so
// that net/http does not send a header field of that name after the body.
func dropTrailerNames(h http.Header) {
	lines, ok := h["Trailer"]
	if !ok {
		return
	}
	var kept []string
	for _, line := range lines {
		for name := range strings.SplitSeq(line, ",") {
			if name = strings.Trim(name, " \t"); name != "" && !forbiddenTrailer(name) {
				kept = append(kept, name)
			}
		}
	}
	if len(kept) == 0 {
		delete(h, "Trailer")
		return
	}
	h["Trailer"] = kept
}

// forbiddenTrailer lists what may not stand in a trailer section: what is for
// framing, routing, request modifiers, authentication, content format and
// response control (RFC 9110 §6.5.1), and everything that is stored.
func forbiddenTrailer(name string) bool {
	if isStorage(name) {
		return true
	}
	switch name = textproto.CanonicalMIMEHeaderKey(name); name {
	case "Transfer-Encoding", "Content-Length", "Connection", "Keep-Alive", "Upgrade", "Te", "Trailer", // framing
		"Host", "Max-Forwards", // routing
		"Expect", "Pragma", "Range", // request modifiers
		"Authorization", "Proxy-Authorization", "Proxy-Authenticate", "Www-Authenticate", "Cookie", // authentication
		"Content-Encoding", "Content-Type", "Content-Range", "Content-Location", // content format
		"Age", "Cache-Control", "Date", "Expires", "Location", "Retry-After", "Vary", "Warning", "Clear-Site-Data": // control
		return true
	}
	return strings.HasPrefix(name, "If-")
}
