package sink

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"

	"github.com/candorhttp/candor/consent/analytics"
)

// Path returns the route of an event as the path of a page, "/(none)" where
// there is no route.
func Path(d analytics.Delivery) string {
	if d.Route == "" {
		return "/(none)"
	}
	return d.Route
}

// PageURL returns the address of the page on a site, which is an address that
// [ParseEndpoint] accepts.
func PageURL(site *url.URL, d analytics.Delivery) string {
	return (&url.URL{Scheme: site.Scheme, Host: site.Host, Path: Path(d)}).String()
}

// Visitor returns n bytes that stand for an event's pseudonym and nothing else,
// as hexadecimal digits, for destinations that want an identifier of a form of
// their own; "" for one without a pseudonym. At most 32.
func Visitor(d analytics.Delivery, n int) string {
	if d.Pseudonym == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(d.Pseudonym))
	return hex.EncodeToString(sum[:n])
}
