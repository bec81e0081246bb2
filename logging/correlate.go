package logging

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/candorhttp/candor/consent/exchange"
	"github.com/candorhttp/candor/iputil"
)

// Correlate returns a handler for the host's own records. It adds request.id to
// those whose context is a request's inside the access log, so that they are
// found from the line, and trace_id where a trusted proxy sent a valid W3C
// traceparent. Records of privacy endpoints get neither.
//
//	logger := slog.New(logging.Correlate(slog.NewJSONHandler(os.Stdout, nil)))
//	logger.ErrorContext(r.Context(), "no stock left")
//
// What else stands in such a record is the host's to answer for.
func Correlate(inner slog.Handler) slog.Handler { return correlated{inner} }

type correlated struct{ inner slog.Handler }

func (c correlated) Enabled(ctx context.Context, level slog.Level) bool {
	return c.inner.Enabled(ctx, level)
}

func (c correlated) Handle(ctx context.Context, r slog.Record) error {
	if x := exchange.From(ctx); x != nil {
		if log, id, ok := told(x); ok {
			r = r.Clone()
			r.AddAttrs(slog.String("request.id", id.String()))
			if trace := traceID(log.visitors, x.Request()); trace != "" {
				r.AddAttrs(slog.String("trace_id", trace))
			}
		}
	}
	return c.inner.Handle(ctx, r)
}

func (c correlated) WithAttrs(attrs []slog.Attr) slog.Handler {
	return correlated{c.inner.WithAttrs(attrs)}
}

func (c correlated) WithGroup(name string) slog.Handler { return correlated{c.inner.WithGroup(name)} }

// traceID returns the trace id of a traceparent that a trusted proxy sent (W3C
// Trace Context §3.2), or "". Anybody else's is a number of their choosing.
func traceID(visitors *iputil.Resolver, r *http.Request) string {
	lines := r.Header["Traceparent"]
	if len(lines) != 1 || !visitors.TrustedPeer(r) {
		return ""
	}
	s := lines[0]
	if len(s) < 55 || s[2] != '-' || s[35] != '-' || s[52] != '-' {
		return ""
	}
	version, trace, parent, flags := s[:2], s[3:35], s[36:52], s[53:55]
	// Version ff is invalid; 00 ends here, later ones may go on after a dash.
	if version == "ff" || version == "00" && len(s) != 55 || len(s) > 55 && s[55] != '-' {
		return ""
	}
	if !isHex(version) || !isHex(trace) || !isHex(parent) || !isHex(flags) || isZeros(trace) || isZeros(parent) {
		return ""
	}
	return trace
}

// isHex reports lower-case hexadecimal digits.
func isHex(s string) bool {
	for i := range len(s) {
		if (s[i] < '0' || s[i] > '9') && (s[i] < 'a' || s[i] > 'f') {
			return false
		}
	}
	return true
}

func isZeros(s string) bool {
	for i := range len(s) {
		if s[i] != '0' {
			return false
		}
	}
	return true
}
