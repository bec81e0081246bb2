package banner

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
)

//go:embed assets/pages.html
var pagesHTML string

//go:embed assets/candor.css
var styleCSS string

//go:embed assets/candor.js
var scriptJS string

// asset is a file that is the same for everybody. Its path holds its hash, so it
// is kept for ever; a second path without the hash is for pages that are written
// by hand.
type asset struct {
	path, plain string
	contentType string
	body, small []byte // small is gzipped
	tag         string
}

func newAsset(prefix, extension, contentType, text string) *asset {
	body := []byte(shrink(text))
	sum := sha256.Sum256(body)
	hash := hex.EncodeToString(sum[:6])
	var small bytes.Buffer
	z, _ := gzip.NewWriterLevel(&small, gzip.BestCompression)
	_, _ = z.Write(body)
	_ = z.Close()
	return &asset{
		path: prefix + "candor." + hash + "." + extension, plain: prefix + "candor." + extension,
		contentType: contentType, body: body, small: small.Bytes(), tag: `"` + hash + `"`,
	}
}

// shrink takes indents and comments out of the sources of this package, where
// each comment has lines of its own and no text goes over a line's end.
func shrink(text string) string {
	var b strings.Builder
	comment := false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case comment:
			comment = !strings.HasSuffix(line, "*/")
		case line == "", strings.HasPrefix(line, "//"):
		case strings.HasPrefix(line, "/*"):
			comment = !strings.HasSuffix(line, "*/")
		default:
			b.WriteString(line + "\n")
		}
	}
	return b.String()
}

// ServeHTTP implements http.Handler.
func (a *asset) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	if !reads(w, r) {
		return
	}
	body := a.body
	h.Set("Content-Type", a.contentType)
	h.Set("X-Content-Type-Options", "nosniff")
	// Pages of other origins that were trusted with choices load it too.
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	if r.URL.Path == a.plain {
		h.Set("Cache-Control", "public, max-age=3600")
		h.Set("ETag", "W/"+a.tag)
		if strings.Contains(r.Header.Get("If-None-Match"), a.tag) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	h.Add("Vary", "Accept-Encoding")
	if acceptsGzip(r) {
		h.Set("Content-Encoding", "gzip")
		body = a.small
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body)
}

// acceptsGzip reports whether gzip is named without q=0 (RFC 9110 §12.5.3).
func acceptsGzip(r *http.Request) bool {
	for _, line := range r.Header["Accept-Encoding"] {
		for part := range strings.SplitSeq(line, ",") {
			coding, q, _ := strings.Cut(part, ";")
			if strings.EqualFold(strings.TrimSpace(coding), "gzip") {
				q = strings.TrimLeft(strings.ReplaceAll(q, " ", ""), "qQ=")
				return q == "" || strings.Trim(q, "0.") != ""
			}
		}
	}
	return false
}

// reads reports whether the request only reads, and answers it if not.
func reads(w http.ResponseWriter, r *http.Request) bool {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return true
	}
	w.Header().Set("Allow", "GET, HEAD")
	http.Error(w, "this address takes GET, HEAD", http.StatusMethodNotAllowed)
	return false
}
