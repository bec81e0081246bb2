package banner_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"regexp"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/banner"
)

func TestAssetsAreKeptForEver(t *testing.T) {
	s := newSite(t)
	_, page := s.do("GET", "/", "")
	for extension, contentType := range map[string]string{"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8"} {
		path := regexp.MustCompile(`/privacy/candor\.[0-9a-f]{12}\.` + extension).FindString(page)
		require.NotEmpty(t, path)
		w, plain := s.do("GET", path, "", "Accept-Encoding", "identity")
		require.Equal(t, 200, w.StatusCode)
		require.Equal(t, contentType, w.Header.Get("Content-Type"))
		require.Equal(t, "public, max-age=31536000, immutable", w.Header.Get("Cache-Control"))
		require.Equal(t, []string{"Accept-Encoding"}, w.Header.Values("Vary"))
		require.Equal(t, strconv.Itoa(len(plain)), w.Header.Get("Content-Length"))

		w, small := s.do("GET", path, "", "Accept-Encoding", "br, gzip")
		require.Equal(t, "gzip", w.Header.Get("Content-Encoding"))
		z, err := gzip.NewReader(bytes.NewReader([]byte(small)))
		require.NoError(t, err)
		text, err := io.ReadAll(z)
		require.NoError(t, err)
		require.Equal(t, plain, string(text))
		w, _ = s.do("GET", path, "", "Accept-Encoding", "gzip;q=0")
		require.Empty(t, w.Header.Get("Content-Encoding"))

		w, body := s.do("GET", "/privacy/candor."+extension, "", "Accept-Encoding", "identity")
		require.Equal(t, plain, body, "the same without the hash, for pages written by hand")
		require.Equal(t, "public, max-age=3600", w.Header.Get("Cache-Control"))
		w, body = s.do("GET", "/privacy/candor."+extension, "", "If-None-Match", w.Header.Get("ETag"))
		require.Equal(t, 304, w.StatusCode)
		require.Empty(t, body)
		w, _ = s.do("GET", "/privacy/candor.000000000000."+extension, "")
		require.Equal(t, 404, w.StatusCode, "another version")
	}
}

// What a page takes because of the banner, in every language: its HTML, the
// style sheet and the script, gzipped.
func TestBannerIsSmall(t *testing.T) {
	const most = 8 << 10
	gzipped := func(text string) int {
		var b bytes.Buffer
		z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
		require.NoError(t, err)
		_, _ = z.Write([]byte(text))
		require.NoError(t, z.Close())
		return b.Len()
	}
	s := newSite(t, inEveryLanguage)
	_, css := s.do("GET", "/privacy/candor.css", "")
	_, js := s.do("GET", "/privacy/candor.js", "")
	require.NotContains(t, js, "\n//", "served without its comments")
	require.NotContains(t, css, "/*")
	for _, language := range everyLanguage {
		_, html := s.do("GET", "/", "", "Accept-Language", language, "Sec-GPC", "1")
		all := gzipped(html) + gzipped(css) + gzipped(js)
		t.Logf("%s: html %d + css %d + js %d = %d", language, gzipped(html), gzipped(css), gzipped(js), all)
		require.LessOrEqual(t, all, most, language)
	}
}

var everyLanguage = []string{"en", "de", "fr", "es", "it", "nl", "pl", "pt", "ar"}

// inEveryLanguage gives the policy texts, of a sentence's length, in all of them.
func inEveryLanguage(c *consent.Config, _ *banner.Options) {
	c.Policy.Languages = everyLanguage
	for i := range c.Policy.Processing {
		p := &c.Policy.Processing[i]
		p.Title, p.Text, p.Retention = consent.Text{}, consent.Text{}, consent.Text{}
		for _, l := range everyLanguage {
			p.Title[l], p.Text[l], p.Retention[l] = string(p.Purpose), "A sentence about "+string(p.Purpose)+" in "+l+", of the usual length for such a thing.", "6 months"
		}
	}
	for _, l := range everyLanguage {
		c.Policy.Changes[0].Summary[l] = "Changed."
	}
}
