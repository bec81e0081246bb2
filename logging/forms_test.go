package logging_test

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"slices"
	"time"
)

const (
	timeout = 5 * time.Second
	tick    = time.Millisecond
)

// forms are the spellings in which a canary could be in a log.
func forms(s string) []string {
	reversed := []byte(s)
	slices.Reverse(reversed)
	md, sh, sh2 := md5.Sum([]byte(s)), sha1.Sum([]byte(s)), sha256.Sum256([]byte(s))
	out := []string{
		s, url.QueryEscape(s), url.QueryEscape(url.QueryEscape(s)), hex.EncodeToString([]byte(s)), string(reversed),
		hex.EncodeToString(md[:]), hex.EncodeToString(sh[:]), hex.EncodeToString(sh2[:]),
	}
	// Of base64, what does not depend on the neighbours.
	for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for skip := range 3 {
			if text := e.EncodeToString([]byte(s[skip:])); len(text) > 8 {
				out = append(out, text[:len(text)-len(text)%4-2])
			}
		}
	}
	return out
}
