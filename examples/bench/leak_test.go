package bench_test

import (
	"testing"

	"github.com/candorhttp/candor/logging/logtest"
)

// What is measured is the log that leaks nothing.
func TestNothingLeaks(t *testing.T) {
	var lines logtest.Buffer
	s := newSite(t, &lines)
	logtest.Run(t, s.chain(asking(allowed)), lines.Sink("access log"))
}
