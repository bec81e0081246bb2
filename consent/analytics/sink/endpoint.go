package sink

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"net/url"
	"strings"
)

// errEndpoint says what a destination's address must look like. It does not
// repeat the address, which may hold a password.
var errEndpoint = errors.New(`is not an https address; write for example "https://stats.example", without user, query or fragment (http is for loopback alone)`)

// ParseEndpoint reads the address of a destination: https with a host, or http
// with a loopback host. It fails on user information, a query or a fragment,
// without repeating the text.
func ParseEndpoint(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Hostname() == "" || u.User != nil || u.Opaque != "" ||
		strings.ContainsAny(text, "?#") || len(text) > 1<<10 {
		return nil, errEndpoint
	}
	if u.Scheme != "https" && !(u.Scheme == "http" && isLoopback(u.Hostname())) {
		return nil, errEndpoint
	}
	return u, nil
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.Unmap().IsLoopback()
}

// Secret is a token or key of a destination. It prints as "(secret)" with every
// verb and in every log; convert it to a string to use it.
type Secret string

// String says that it is a secret, or that there is none.
func (s Secret) String() string {
	if s == "" {
		return "(none)"
	}
	return "(secret)"
}

// Format implements fmt.Formatter so that no verb prints it.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue implements slog.LogValuer so that no log holds it.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText implements encoding.TextMarshaler so that no encoder writes it.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Usable reports whether it can stand in a header field: 1 to 512 printable
// ASCII characters without spaces.
func (s Secret) Usable() bool {
	if s == "" || len(s) > 512 {
		return false
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
