package migrate_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/examples/migrate/roastery"
	"github.com/candorhttp/candor/logging/logtest"
)

// The leak kit at every step: it finds the old log's leaks, none in the new one,
// and at the last step none in what the statistics are told either.
func TestLeaksEndWithTheFirstStep(t *testing.T) {
	for _, s := range steps {
		t.Run(s.name, func(t *testing.T) {
			var lines, told logtest.Buffer
			collect := func(v roastery.View) { fmt.Fprintln(&told, v.Visitor, v.Address, v.Page, v.Browser) }
			kit := logtest.Kit{
				Handler: s.make(t, &lines, collect),
				Sinks:   []logtest.Sink{lines.Sink("access log")},
				Paths:   []string{"/orders/{id}", "/login", "/logout", "/roast"},
			}
			if s.name == "events" {
				sink := told.Sink("statistics")
				sink.MayBeEmpty = true // the kit's visitors agreed to nothing
				kit.Sinks = append(kit.Sinks, sink)
			}
			if s.name != "before" {
				kit.Run(t)
				return
			}
			found := &faults{TB: t}
			kit.Run(found)
			for _, kind := range []string{"full IPv4 address", "full IPv6 address", "e-mail address", "token", "user agent"} {
				require.Regexp(t, `access log: line \d+: `+kind, found.text())
			}
		})
	}
}

// faults keeps what the kit finds.
type faults struct {
	testing.TB
	mu   sync.Mutex
	said []string
}

func (f *faults) Errorf(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.said = append(f.said, fmt.Sprintf(format, args...))
}

func (f *faults) text() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.said, "\n")
}
