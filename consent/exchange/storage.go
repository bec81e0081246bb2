package exchange

import (
	"net/http"
	"net/textproto"
	"slices"
	"strings"
)

// storageFields make a browser keep something: cookies, and storage by other
// names (Network Error Logging, Reporting API, Client Hints).
var storageFields = [...]string{setCookie, "Nel", "Report-To", "Reporting-Endpoints", "Accept-Ch", "Critical-Ch"}

const setCookie = "Set-Cookie"

// isStorage reports whether a key of a header map is one of the storage fields.
// net/http writes keys as they stand, so case does not matter.
func isStorage(key string) bool {
	if key == setCookie {
		return true
	}
	switch len(key) {
	case len("Nel"), len("Report-To"), len("Set-Cookie"), len("Critical-Ch"), len("Reporting-Endpoints"):
	default:
		return false
	}
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

// seal goes through the header as it is at commit: it takes forbidden names from
// the announced trailers, keeps a copy of the storage fields where the writer
// beneath may send the map later, and returns the lines of Content-Length.
func (x *Exchange) seal() (length []string) {
	dropTrailerNames(x.header)
	if !x.has(flagNative) { // net/http's own writers take a copy in time
		for key, values := range x.header {
			if isStorage(key) {
				x.keepStorage(key, values)
			}
		}
	}
	return x.header["Content-Length"]
}

// keepStorage copies a storage field, values included: a handler may still hold
// the slice.
func (x *Exchange) keepStorage(key string, values []string) {
	if key == setCookie && len(values) == 1 {
		x.keptLine = values[0]
		x.set(flagKept)
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	more := x.overflow()
	more.kept = append(more.kept, field{key, slices.Clone(values)})
	x.set(flagKeptMore)
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

// sameStorage reports whether the storage fields of the header are those that
// were kept, of which more are all but the usual one.
func (x *Exchange) sameStorage(more []field) bool {
	n := 0
	for key, values := range x.header {
		if isStorage(key) {
			if !x.isKept(more, key, values) {
				return false
			}
			n++
		}
	}
	return n == x.keptFields(more)
}

// keptFields counts the storage fields that were kept.
func (x *Exchange) keptFields(more []field) int {
	if x.has(flagKept) {
		return len(more) + 1
	}
	return len(more)
}

func (x *Exchange) isKept(more []field, key string, values []string) bool {
	if key == setCookie && x.has(flagKept) {
		return len(values) == 1 && values[0] == x.keptLine
	}
	return slices.ContainsFunc(more, func(f field) bool { return f.key == key && slices.Equal(f.values, values) })
}

// restore puts the header map into the state in which it may be left behind.
// Some writers (http.TimeoutHandler's) copy it only now: what was changed in
// the storage fields after the commit was not judged and does not go out. Of
// the trailers, those go that RFC 9110 §6.5.1 does not allow.
func (x *Exchange) restore() {
	native := x.has(flagNative) // of which nothing was kept, see seal
	same, n, more := true, 0, x.moreStorage()
	for key, values := range x.header {
		switch {
		case len(key) > len(http.TrailerPrefix) && key[0] == http.TrailerPrefix[0]:
			if name, ok := strings.CutPrefix(key, http.TrailerPrefix); ok && forbiddenTrailer(strings.TrimSpace(name)) {
				delete(x.header, key)
			}
		case !native && isStorage(key):
			same, n = same && x.isKept(more, key, values), n+1
		}
	}
	if !same || n != x.keptFields(more) {
		x.putStorageBack(more)
	}
}

// openBody is called before anything of the body is handed on: the header is
// final now. Not every writer sends it when it is told to: gin's waits for the
// first byte, a compressing one until it knows whether to compress, and then
// they send the map as it is. What came into the storage fields since the commit
// was judged by nobody. What was flushed is out.
func (x *Exchange) openBody() {
	if x.commitImplied() || x.has(flagNative|flagHeaderOut) {
		return
	}
	x.committing.Lock()
	defer x.committing.Unlock()
	if more := x.moreStorage(); !x.sameStorage(more) {
		x.putStorageBack(more)
	}
}

// moreStorage returns the storage fields as they were at commit, all but the
// usual one.
func (x *Exchange) moreStorage() []field {
	if !x.has(flagKeptMore) {
		return nil
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.more.kept
}

// putStorageBack is called only where something changed, so that the map is not
// written to otherwise: a handler's goroutine may be reading it.
func (x *Exchange) putStorageBack(more []field) {
	if !x.has(flagCommitted) {
		return
	}
	takeStorage(x.header)
	if x.has(flagKept) {
		x.header[setCookie] = []string{x.keptLine}
	}
	for _, f := range more {
		// Copied: the handler can reach what is in the map.
		x.header[f.key] = slices.Clone(f.values)
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
