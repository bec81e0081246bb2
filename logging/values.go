package logging

import (
	"net/http"
	"strconv"
	"time"

	"github.com/candorhttp/candor/iputil"
)

// Each function appends one field's value as JSON, or nothing where there is
// none. What a visitor sent passes only through a list, a truncation or a
// strict form.

func putTime(dst []byte, r *record) []byte { return r.scratch.appendSecond(dst, r.x.Start()) }

func putFineTime(dst []byte, r *record) []byte {
	if r.privacy {
		return putTime(dst, r)
	}
	dst = append(dst, '"')
	dst = r.x.Start().UTC().AppendFormat(dst, "2006-01-02T15:04:05.000Z")
	return append(dst, '"')
}

func putMethod(dst []byte, r *record) []byte {
	switch r.req.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodConnect, http.MethodOptions, http.MethodTrace:
		return appendWord(dst, r.req.Method)
	}
	return appendWord(dst, "_OTHER")
}

func putRoute(dst []byte, r *record) []byte {
	if route := routePath(r.x.Route()); route != "" {
		return appendString(dst, route)
	}
	return dst
}

func putScheme(dst []byte, r *record) []byte {
	if r.access.visitors.HTTPS(r.req) {
		return appendWord(dst, "https")
	}
	return appendWord(dst, "http")
}

func putQuery(dst []byte, r *record) []byte {
	if len(r.access.query) == 0 || r.req.URL == nil || r.req.URL.RawQuery == "" {
		return dst
	}
	begin := len(dst)
	dst = appendQuery(append(dst, '"'), r.req.URL.RawQuery, r.access.query)
	if len(dst) == begin+1 {
		return dst[:begin]
	}
	return append(dst, '"')
}

func putStatus(dst []byte, r *record) []byte {
	if r.outcome.Status == 0 {
		return dst
	}
	return strconv.AppendInt(dst, int64(r.outcome.Status), 10)
}

func putSize(dst []byte, r *record) []byte { return strconv.AppendInt(dst, r.outcome.Bytes, 10) }

func putDuration(dst []byte, r *record) []byte {
	ms := max(0, r.outcome.Duration.Round(time.Millisecond).Milliseconds())
	dst = strconv.AppendInt(dst, ms/1000, 10)
	if ms %= 1000; ms == 0 {
		return dst
	}
	dst = append(dst, '.', byte('0'+ms/100))
	if ms %= 100; ms != 0 {
		dst = append(dst, byte('0'+ms/10))
	}
	if ms %= 10; ms != 0 {
		dst = append(dst, byte('0'+ms))
	}
	return dst
}

func putProtocol(dst []byte, r *record) []byte {
	switch {
	case r.req.ProtoMajor == 1 && r.req.ProtoMinor == 1:
		return appendWord(dst, "1.1")
	case r.req.ProtoMajor == 2:
		return appendWord(dst, "2")
	case r.req.ProtoMajor == 1 && r.req.ProtoMinor == 0:
		return appendWord(dst, "1.0")
	case r.req.ProtoMajor == 3:
		return appendWord(dst, "3")
	}
	return appendWord(dst, "_OTHER")
}

func putAddress(dst []byte, r *record) []byte {
	if !r.client.IsValid() {
		return dst
	}
	cut := iputil.HideNetwork
	if r.granted {
		cut = iputil.HideSite
	}
	dst = append(dst, '"')
	dst = iputil.Truncate(r.client, cut).AppendTo(dst)
	return append(dst, '"')
}

func putPort(dst []byte, r *record) []byte {
	if r.privacy {
		return dst
	}
	if port := r.access.visitors.Port(r.req); port != 0 {
		return strconv.AppendUint(dst, uint64(port), 10)
	}
	return dst
}

func putPseudonym(dst []byte, r *record) []byte {
	if !r.client.IsValid() {
		return dst
	}
	text := r.client.As16()
	out, err := r.access.pseudonyms.AppendAt(append(dst, '"'), r.x.Start(), "log", text[:])
	if err != nil {
		r.access.counters.noPseudonym.Add(1)
		return dst
	}
	return append(out, '"')
}

func putAgentName(dst []byte, r *record) []byte { return appendWord(dst, r.agent.Name) }

func putAgentVersion(dst []byte, r *record) []byte { return appendWord(dst, r.agent.Version) }

func putAgentOS(dst []byte, r *record) []byte { return appendWord(dst, r.agent.OS) }

func putAgentDevice(dst []byte, r *record) []byte { return appendWord(dst, r.agent.Device) }

// appendWord appends a word from a list, which needs no escapes, or nothing for
// the empty one.
func appendWord(dst []byte, word string) []byte {
	if word == "" {
		return dst
	}
	dst = append(dst, '"')
	dst = append(dst, word...)
	return append(dst, '"')
}

func putReferrer(dst []byte, r *record) []byte {
	lines := r.req.Header["Referer"]
	if len(lines) != 1 {
		return dst
	}
	if route := r.access.ownRoute(r.req, lines[0]); route != "" {
		return appendString(dst, route)
	}
	begin := len(dst)
	dst = appendOrigin(append(dst, '"'), lines[0])
	if len(dst) == begin+1 {
		return dst[:begin]
	}
	return append(dst, '"')
}

func putState(dst []byte, r *record) []byte {
	if r.privacy || r.access.consent == nil {
		return dst
	}
	return appendWord(dst, r.said.String())
}

func putID(dst []byte, r *record) []byte {
	if r.privacy {
		return dst
	}
	return appendID(dst, r.access.id(r.x, r.scratch))
}

// putNothing is of a field that no request's line has.
func putNothing(dst []byte, _ *record) []byte { return dst }

// putFailure names the first of what went wrong that explains the others.
func putFailure(dst []byte, r *record) []byte {
	o := &r.outcome
	switch {
	case o.Panicked:
		return appendWord(dst, "panic")
	case o.Superseded:
		return appendWord(dst, "superseded")
	case o.ClientGone:
		return appendWord(dst, "client_gone")
	case o.WriteError:
		return appendWord(dst, "write_error")
	case o.Aborted:
		return appendWord(dst, "abort")
	}
	return dst
}
