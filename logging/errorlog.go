package logging

import (
	"bytes"
	"log"
	"log/slog"
)

// serverMessages are the beginnings of what net/http and its HTTP/2 server say,
// and what is kept of them.
var serverMessages = []struct{ begins, kept string }{
	{"http: panic serving", "http: panic serving"},
	{"http2: panic serving", "http2: panic serving"},
	{"http: TLS handshake error", "http: TLS handshake error"},
	{"http: Accept error", "http: Accept error"},
	{"http: superfluous response.WriteHeader call", "http: superfluous response.WriteHeader call"},
	{"http: response.WriteHeader on hijacked connection", "http: response.WriteHeader on hijacked connection"},
	{"http: response.Write on hijacked connection", "http: response.Write on hijacked connection"},
	{"http: invalid Content-Length", "http: invalid Content-Length"},
	{"http: proxy error", "http: proxy error"},
	{"http: URL query contains semicolon", "http: URL query contains semicolon"},
	{"http: Request.ParseForm", "http: form error"},
	{"http: multiple response.WriteHeader calls", "http: superfluous response.WriteHeader call"},
	{"httputil: ReverseProxy", "httputil: ReverseProxy error"},
	{"suppressing panic", "httputil: suppressed panic"},
	{"http2: server: error reading preface", "http2: error reading preface"},
	{"http2: server connection error", "http2: server connection error"},
	{"http2: stream error", "http2: stream error"},
	{"http2: ", "http2: other"},
	{"http: ", "http: other"},
}

// ErrorLog returns a logger for http.Server.ErrorLog that hands on what kind of
// message it was, from a list, and nothing of its text: net/http writes the
// visitor's address, the value of a panic and the stack into it. out receives
// one record of level Error for each message; nil discards them.
func ErrorLog(out *slog.Logger) *log.Logger {
	if out == nil {
		out = slog.New(slog.DiscardHandler)
	}
	return log.New(scrubber{out}, "", 0)
}

type scrubber struct{ out *slog.Logger }

// Write implements io.Writer. log.Logger calls it once for each message.
func (s scrubber) Write(p []byte) (int, error) {
	for _, m := range serverMessages {
		if bytes.HasPrefix(p, []byte(m.begins)) {
			s.out.Error(m.kept)
			return len(p), nil
		}
	}
	s.out.Error("server: other")
	return len(p), nil
}
