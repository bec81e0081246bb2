package bench_test

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"
)

// floor is the least that the line takes: written straight for one
// configuration, with nothing declared, tested or bounded that this request
// does not need.
type floor struct {
	next    http.Handler
	mu      sync.Mutex
	out     io.Writer
	scratch sync.Pool // of *floorScratch
}

// floorScratch is what a line is made in.
type floorScratch struct {
	hash hash.Hash // keyed
	line []byte
	sum  [sha256.Size]byte
	id   [16]byte
	addr [16]byte
}

func newFloor(next http.Handler, out io.Writer) *floor {
	var key [32]byte
	rand.Read(key[:])
	f := &floor{next: next, out: out}
	f.scratch.New = func() any {
		return &floorScratch{hash: hmac.New(sha256.New, key[:]), line: make([]byte, 0, 1024)}
	}
	return f
}

// recorder learns what was answered.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

func (f *floor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	rec := recorder{ResponseWriter: w}
	f.next.ServeHTTP(&rec, r)
	_, yes := cookieValue(r.Header["Cookie"], cookieName)
	f.write(r, start, rec.status, rec.bytes, yes)
}

// write is the line: fourteen fields with consent, eleven without.
func (f *floor) write(r *http.Request, start time.Time, status int, size int64, yes bool) {
	s := f.scratch.Get().(*floorScratch)
	client := visitor(r)
	name, version, device := family(first(r.Header["User-Agent"]))
	b := append(s.line[:0], `{"time":"`...)
	when := len(b)
	b = start.UTC().AppendFormat(b, time.RFC3339)
	b = append(b, `","http.request.method":`...)
	b = appendQuoted(b, r.Method)
	b = append(b, `,"url.query":`...)
	b = appendPage(b, r.URL.RawQuery)
	b = append(b, `,"http.response.status_code":`...)
	b = strconv.AppendInt(b, int64(status), 10)
	b = append(b, `,"http.response.body.size":`...)
	b = strconv.AppendInt(b, size, 10)
	b = append(b, `,"http.server.request.duration":`...)
	b = appendSeconds(b, time.Since(start))
	bits := 16
	if yes {
		bits = 24
	}
	kept, _ := client.Prefix(bits)
	b = append(b, `,"client.address":"`...)
	b = kept.Addr().AppendTo(b)
	if yes {
		s.addr = client.As16()
		s.hash.Reset()
		s.hash.Write(s.addr[:])
		b = append(b, `","client.pseudonym":"p1:`...)
		b = append(b, b[when:when+4]...)
		b = append(b, b[when+5:when+7]...)
		b = append(b, b[when+8:when+10]...)
		b = append(b, ':')
		b = hex.AppendEncode(b, s.hash.Sum(s.sum[:0])[:16])
		b = append(b, `","user_agent.version":`...)
		b = appendQuoted(b, version)
		b = append(b, `,"http.request.referrer":"`...)
		b = appendOrigin(b, first(r.Header["Referer"]))
	}
	b = append(b, `","user_agent.name":`...)
	b = appendQuoted(b, name)
	b = append(b, `,"user_agent.device":`...)
	b = appendQuoted(b, device)
	if yes {
		b = append(b, `,"consent.state":"granted","request.id":"`...)
	} else {
		b = append(b, `,"consent.state":"unset","request.id":"`...)
	}
	rand.Read(s.id[:])
	s.id[6], s.id[8] = s.id[6]&0x0f|0x40, s.id[8]&0x3f|0x80
	b = append(hex.AppendEncode(b, s.id[:4]), '-')
	b = append(hex.AppendEncode(b, s.id[4:6]), '-')
	b = append(hex.AppendEncode(b, s.id[6:8]), '-')
	b = append(hex.AppendEncode(b, s.id[8:10]), '-')
	b = append(hex.AppendEncode(b, s.id[10:]), "\"}\n"...)
	f.mu.Lock()
	_, _ = f.out.Write(b)
	f.mu.Unlock()
	s.line = b
	f.scratch.Put(s)
}

// appendSeconds appends seconds with three decimals, as far as they say anything.
func appendSeconds(b []byte, d time.Duration) []byte {
	ms := d.Round(time.Millisecond).Milliseconds()
	b = strconv.AppendInt(b, ms/1000, 10)
	if ms %= 1000; ms == 0 {
		return b
	}
	b = append(b, '.', byte('0'+ms/100))
	if ms %= 100; ms != 0 {
		b = append(b, byte('0'+ms/10))
	}
	if ms %= 10; ms != 0 {
		b = append(b, byte('0'+ms))
	}
	return b
}

func first(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return lines[0]
}

// visitor walks the proxies from right to left.
func visitor(r *http.Request) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	client := peer.Addr().Unmap()
	if err != nil || !networks[0].Contains(client) {
		return client
	}
	for rest, more := first(r.Header["X-Forwarded-For"]), true; more; {
		element := rest
		i := strings.LastIndexByte(rest, ',')
		if more = i >= 0; more {
			rest, element = rest[:i], rest[i+1:]
		}
		hop, err := netip.ParseAddr(strings.TrimSpace(element))
		if err != nil {
			break
		}
		if client = hop.Unmap(); !networks[0].Contains(client) {
			break
		}
	}
	return client
}

// rank says which product of a user agent names the browser: all of them also
// call themselves the ones they imitate.
var rank = map[string]struct {
	order int
	name  string
}{
	"Safari": {1, "Safari"}, "Chrome": {2, "Chrome"}, "Firefox": {2, "Firefox"}, "CriOS": {3, "Chrome"}, "FxiOS": {3, "Firefox"},
	"Edg": {3, "Edge"}, "EdgA": {3, "Edge"}, "EdgiOS": {3, "Edge"}, "OPR": {3, "Opera"}, "Vivaldi": {3, "Vivaldi"},
	"SamsungBrowser": {3, "Samsung Internet"}, "YaBrowser": {3, "Yandex Browser"}, "DuckDuckGo": {3, "DuckDuckGo"},
	"Googlebot": {9, "Googlebot"}, "bingbot": {9, "bingbot"}, "GPTBot": {9, "GPTBot"}, "ClaudeBot": {9, "ClaudeBot"},
	"Applebot": {9, "Applebot"}, "AhrefsBot": {9, "AhrefsBot"}, "SemrushBot": {9, "SemrushBot"}, "YandexBot": {9, "YandexBot"},
}

// family looks up each product of a user agent once.
func family(agent string) (name, version, device string) {
	name, device = "Other", "desktop"
	best := 0
	for word, rest := "", agent; rest != ""; {
		word, rest, _ = strings.Cut(rest, " ")
		slash := strings.IndexByte(word, '/')
		if slash < 0 {
			if strings.HasPrefix(word, "Mobile") || strings.HasPrefix(word, "Android") || strings.HasPrefix(word, "(iPhone") {
				device = "mobile"
			}
			continue
		}
		if p, ok := rank[word[:slash]]; ok && p.order > best {
			best, name, version = p.order, p.name, word[slash+1:]
		}
	}
	n := 0
	for n < len(version) && n < 4 && version[n] >= '0' && version[n] <= '9' {
		n++
	}
	version = version[:n]
	if best == 9 {
		device = "bot"
	}
	return name, version, device
}

// appendPage appends the one query value that may be logged.
func appendPage(b []byte, query string) []byte {
	for pair := ""; query != ""; {
		pair, query, _ = strings.Cut(query, "&")
		if name, value, _ := strings.Cut(pair, "="); name == "page" && len(value) <= 8 {
			b = append(b, `"page=`...)
			for i := range len(value) {
				if value[i] < '0' || value[i] > '9' {
					return append(b, `-"`...)
				}
			}
			b = append(b, value...)
			return append(b, '"')
		}
	}
	return append(b, `""`...)
}

// appendOrigin appends scheme and host name of a referrer.
func appendOrigin(b []byte, referrer string) []byte {
	scheme, rest, ok := strings.Cut(referrer, "://")
	if !ok || scheme != "https" && scheme != "http" {
		return b
	}
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		rest = rest[:i]
	}
	for i := range len(rest) {
		c := rest[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '.' && c != ':' {
			return b
		}
	}
	b = append(b, scheme...)
	b = append(b, "://"...)
	return append(b, rest...)
}

// appendQuoted appends a word that needs no escapes, and nothing of others.
func appendQuoted(b []byte, s string) []byte {
	b = append(b, '"')
	for i := range len(s) {
		if c := s[i]; c >= ' ' && c <= '~' && c != '"' && c != '\\' {
			b = append(b, c)
		}
	}
	return append(b, '"')
}

// cookieValue finds a cookie of the request.
func cookieValue(lines []string, name string) (string, bool) {
	for _, line := range lines {
		for pair := ""; line != ""; {
			pair, line, _ = strings.Cut(line, ";")
			if n, value, _ := strings.Cut(strings.TrimLeft(pair, " "), "="); n == name {
				return value, true
			}
		}
	}
	return "", false
}
