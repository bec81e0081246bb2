package logging

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/iputil"
	"github.com/candorhttp/candor/iputil/pseudonym"
)

// Config configures an [Access] log. It is copied by New.
type Config struct {
	// Output receives one Write for each line and is never called twice at once.
	// What it fails to take is counted, and the line of [Dropped] says so in JSON
	// once it takes some again; the traffic goes on. A retain.File keeps lines for
	// as long as they are declared to be kept, an async.Writer spares requests from
	// waiting for the disk.
	Output io.Writer
	// Format is how lines are written; default JSON.
	Format Format
	// Handler receives a record for each request in place of Output, with the
	// declared fields as attributes, the message "request" and level Info. What
	// it fails to take is counted.
	Handler slog.Handler
	// Visitors finds the visitor's address; nil believes the TCP peer alone.
	Visitors *iputil.Resolver
	// Consent knows what the visitor allowed; nil writes the strict fields only.
	Consent *consent.Manager
	// Purpose opens the granted fields; default consent.Analytics.
	Purpose consent.Purpose
	// Preset chooses the fields; default Operations.
	Preset Preset
	// Why says what Security is needed for. It stands in the manifest.
	Why string
	// Custom declares fields of the host's own.
	Custom []Custom
	// Retention is how long lines are kept, in whole days; default 30 days. It
	// is what the manifest says and logaudit checks. An Output that has a method
	// Retention, as retain.File has, must not keep them longer.
	Retention time.Duration
	// Query lists the query names that may be logged, with plain values.
	Query []string
	// Mux, given, finds the routes of the host's own pages for the referrer
	// field. Its handlers are not called.
	Mux *http.ServeMux
	// Skip lists routes without lines, such as "/healthz", unless the answer is
	// 5xx or something failed.
	Skip []string
	// Sample, greater than 1, writes one line in Sample, at random, and every
	// line whose answer is 5xx or where something failed. Each line says for how
	// many it stands.
	Sample int
	// Pseudonyms makes client.pseudonym; nil makes a keyring of the log's own,
	// with a key for each UTC day. Close destroys that one's keys.
	Pseudonyms *pseudonym.Keyring
}

// maxSample bounds the rate: rarer lines are no log.
const maxSample = 1_000_000

// check returns the fields of a line, and every fault of the configuration.
func (cfg *Config) check() ([]Field, error) {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("logging: config: "+format, args...))
	}
	switch {
	case cfg.Output == nil && cfg.Handler == nil:
		fault("Output: is missing; give a file or os.Stdout")
	case cfg.Output != nil && cfg.Handler != nil:
		fault("Handler: cannot be used with Output; drop one of them")
	}
	if cfg.Format != JSON && cfg.Format != Combined {
		fault("Format: is not known; choose JSON or Combined")
	}
	if cfg.Format != JSON && cfg.Handler != nil {
		fault("Format: is the Handler's own; leave it out")
	}
	if cfg.Purpose == "" {
		cfg.Purpose = consent.Analytics
	}
	if cfg.Consent != nil && !slices.ContainsFunc(cfg.Consent.Policy().Processing, func(p consent.Processing) bool { return p.Purpose == cfg.Purpose }) {
		fault("Purpose: is not in the policy; name the purpose that opens the granted fields")
	}
	if cfg.Preset.set() == 0 {
		fault("Preset: is not known; choose Operations, Minimal or Security")
	}
	if cfg.Preset == Security && strings.TrimSpace(cfg.Why) == "" {
		fault("Why: is missing; say what the fields of Security are needed for")
	}
	if cfg.Preset != Security && cfg.Why != "" {
		fault("Why: belongs to Security; drop it or choose that")
	}
	if cfg.Retention == 0 {
		cfg.Retention = 30 * day
	}
	if cfg.Retention < day || cfg.Retention%day != 0 {
		fault("Retention: is %v; choose whole days, or 0 for 30 days", cfg.Retention)
	} else if kept, ok := cfg.Output.(interface{ Retention() time.Duration }); ok && kept.Retention() > cfg.Retention {
		fault("Retention: is shorter than what Output keeps; declare %v or have it delete sooner", kept.Retention())
	}
	for i, name := range cfg.Query {
		if !isQueryName(name) {
			fault("Query[%d]: is not a name that can be logged; use 1 to 64 characters without spaces, '&', '=', '#'", i)
		}
		if slices.Contains(cfg.Query[:i], name) {
			fault("Query[%d]: is given twice; remove one", i)
		}
	}
	for i, route := range cfg.Skip {
		if routePath(route) != route || strings.ContainsAny(route, "?#") {
			fault("Skip[%d]: is not a route; write it as it stands in the log, for example \"/healthz\"", i)
		}
	}
	if cfg.Sample < 0 || cfg.Sample > maxSample {
		fault("Sample: is %d; choose 2 to %d, or 0 for every line", cfg.Sample, maxSample)
	}
	fields := cfg.Preset.schema(cfg.Retention, cfg.Query)
	if cfg.Sample > 1 {
		fields = append(fields, rateField(days(cfg.Retention), cfg.Sample))
	}
	fields = append(fields, compileCustom(cfg.Custom, fields, days(cfg.Retention), fault)...)
	return fields, errors.Join(faults...)
}

func isQueryName(s string) bool {
	if s == "" || len(s) > 64 || !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if r <= ' ' || r == 0x7f || r == '&' || r == '=' || r == '#' {
			return false
		}
	}
	return true
}
