package exchange

import (
	"net/http"
	"net/textproto"
	"reflect"
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

// field is one entry of a header map.
type field struct {
	key    string
	values []string
}

// keepStorage copies the storage fields, values included: a handler may still
// hold the slices. The usual one or two cookies need no allocation.
func (x *Exchange) keepStorage() {
	x.kept = x.keptArray[:0]
	room := x.keptValues[:0]
	for key, values := range x.header {
		if isStorage(key) {
			if len(values) > cap(room) {
				room = make([]string, 0, len(values))
			}
			copied := append(room, values...)
			x.kept = append(x.kept, field{key, copied})
			room = nil
		}
	}
}

// takeStorage moves the storage fields out of a header map.
func takeStorage(h http.Header) []field {
	var taken []field
	for key, values := range h {
		if isStorage(key) {
			taken = append(taken, field{key, values})
			delete(h, key)
		}
	}
	return taken
}

func putBack(h http.Header, fields []field) {
	for _, f := range fields {
		h[f.key] = f.values
	}
}

// sameStorage reports whether the storage fields of h are those kept.
func sameStorage(h http.Header, kept []field) bool {
	n := 0
	for key := range h {
		if isStorage(key) {
			n++
		}
	}
	return n == len(kept) && !slices.ContainsFunc(kept, func(f field) bool { return !slices.Equal(h[f.key], f.values) })
}

// restore puts the header map into the state in which it may be left behind.
// Some writers (http.TimeoutHandler's) copy it only now: what was changed in
// the storage fields after the commit was not judged and does not go out. Of
// the trailers, those go that RFC 9110 §6.5.1 does not allow.
func (x *Exchange) restore() {
	for key := range x.header {
		if name, ok := strings.CutPrefix(key, http.TrailerPrefix); ok && forbiddenTrailer(strings.TrimSpace(name)) {
			delete(x.header, key)
		}
	}
	x.putStorageBack()
}

// holdStorage is called before anything of the body is handed on. Not every
// writer sends the header when it is told to: gin's waits for the first byte, a
// compressing one until it knows whether to compress, and then they send the
// map as it is. What came into the storage fields since the commit was judged by
// nobody. net/http's own take a copy in time, and are left alone; so is what
// was flushed.
func (x *Exchange) holdStorage() {
	if x.has(flagHeaderOut) {
		return
	}
	switch reflect.TypeOf(x.beneath).String() {
	case "*http.response", "*http.http2responseWriter":
		x.set(flagHeaderOut)
		return
	}
	x.committing.Lock()
	defer x.committing.Unlock()
	x.putStorageBack()
}

func (x *Exchange) putStorageBack() {
	// Compared first, so that the map is not written to where nothing changed:
	// a handler's goroutine may be reading it.
	if x.committed.Load() && !sameStorage(x.header, x.kept) {
		takeStorage(x.header)
		for _, f := range x.kept {
			// Copied: the handler can reach what is in the map.
			x.header[f.key] = slices.Clone(f.values)
		}
	}
}

// dropTrailerNames takes forbidden names from the announcement of trailers, so
// that net/http does not send a header field of that name after the body.
// Announcements without one stay as they are.
func dropTrailerNames(h http.Header) {
	lines := h["Trailer"]
	var kept []string
	dropped := false
	for _, line := range lines {
		for name := range strings.SplitSeq(line, ",") {
			if name = strings.TrimSpace(name); forbiddenTrailer(name) {
				dropped = true
			} else if name != "" {
				kept = append(kept, name)
			}
		}
	}
	switch {
	case !dropped:
	case len(kept) == 0:
		delete(h, "Trailer")
	default:
		h["Trailer"] = kept
	}
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
