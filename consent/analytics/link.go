package analytics

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/exchange"
)

const (
	maxTarget = 2048 // bytes of a link's target
	// linkDays is how long a link is good: from this many days to twice as many.
	// It says only which of these periods it was made in, so that pages stay the
	// same for everybody and from one visit to the next.
	linkDays = 30
	tagBytes = 16 // of HMAC-SHA256, cut (RFC 2104 §5)
)

// ErrTarget is returned by Link for what is not a plain http or https URL of
// another site.
var ErrTarget = errors.New("analytics: link: is not a plain http or https URL")

// ErrNoLinks is returned by Link when Config.Keys is empty.
var ErrNoLinks = errors.New("analytics: link: there are no keys; give Config.Keys")

// links signs outbound links and believes what it signed.
type links struct{ keys [][]byte }

func newLinks(keys consent.Keys) *links {
	return &links{keys.Derive("analytics/link", sha256.Size)}
}

// Link returns the address, below Config.Prefix, of a redirect to target that
// captures OutboundLink when the visitor said yes. Without a yes the visitor is
// redirected as well and nothing is recorded, not even counted. The address is
// signed, so that nobody can make the site redirect elsewhere, good for 30 to
// 60 days, and the same for everybody.
//
// It fails with ErrTarget for anything but an absolute http or https URL of at
// most 2,048 bytes without user information, backslashes and control
// characters.
func (p *Pipeline) Link(target string) (string, error) {
	if len(p.links.keys) == 0 {
		return "", ErrNoLinks
	}
	if !isTarget(target) {
		return "", ErrTarget
	}
	period := time.Now().Unix()/(linkDays*86400) + 1
	return p.prefix + "out?" + linkQuery(target, period, sign(p.links.keys[0], target, period)), nil
}

func linkQuery(target string, period int64, tag string) string {
	return "u=" + url.QueryEscape(target) + "&p=" + strconv.FormatInt(period, 10) + "&s=" + tag
}

// sign returns the text of the tag over a target and the last period that the
// link is good in.
func sign(key []byte, target string, period int64) string {
	m := hmac.New(sha256.New, key)
	m.Write(strconv.AppendInt(nil, period, 10))
	m.Write([]byte{0})
	m.Write([]byte(target))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil)[:tagBytes])
}

// open returns the target of a link's query, if it was signed here and is still
// good.
func (l *links) open(query string, now time.Time) (string, bool) {
	if len(query) > 4*maxTarget {
		return "", false
	}
	values, err := url.ParseQuery(query)
	if err != nil || len(values) != 3 || len(values["u"]) != 1 || len(values["p"]) != 1 || len(values["s"]) != 1 {
		return "", false
	}
	target, tag := values["u"][0], values["s"][0]
	period, err := strconv.ParseInt(values["p"][0], 10, 64)
	if err != nil || now.Unix()/(linkDays*86400) > period {
		return "", false
	}
	for _, key := range l.keys {
		if hmac.Equal([]byte(sign(key, target, period)), []byte(tag)) {
			// Looked at again: what was let pass once may be known better now.
			return target, isTarget(target)
		}
	}
	return "", false
}

// isTarget reports whether a link may lead there.
func isTarget(target string) bool {
	if len(target) > maxTarget || strings.ContainsFunc(target, func(r rune) bool { return r <= ' ' || r == '\\' || r == 0x7f || r == '\uFFFD' }) {
		return false
	}
	u, err := url.Parse(target)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Opaque == "" && u.User == nil && u.Hostname() != "" &&
		(strings.HasPrefix(target, "https://") || strings.HasPrefix(target, "http://"))
}

// serveLink redirects, and captures the click where the visitor said yes.
func (p *Pipeline) serveLink(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	target, ok := p.links.open(r.URL.RawQuery, time.Now())
	if !ok {
		http.Error(w, "this link is not from this site, or it is too old", http.StatusBadRequest)
		return
	}
	if s := p.specs[OutboundLink]; s != nil && r.Method == http.MethodGet {
		x, _, _ := exchange.Begin(w, r)
		var d draft
		u, _ := url.Parse(target) // isTarget parsed it
		s.fill(&d, []Property{Enum("host", strings.ToLower(u.Hostname()))})
		p.capture(x, s, &d, p.pageRoute(r))
	}
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Location", target)
	w.WriteHeader(http.StatusFound)
}
