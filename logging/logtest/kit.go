package logtest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// Kit is a service and what it writes to. It is copied by Run.
type Kit struct {
	// Handler is the service as it runs: with all of its middlewares. Required.
	Handler http.Handler
	// Sinks is everything that it writes to. Required.
	Sinks []Sink
	// Paths are what requests go to besides "/" and paths that nobody knows. They
	// begin with "/"; what stands in braces, as in "/users/{id}", is replaced by
	// a canary. Name at least one path for every kind of handler, and that of
	// Panic if it is mounted.
	Paths []string
	// ErrorLog is the server's (http.Server.ErrorLog), given as it is in
	// production. nil discards what net/http would write to standard error, and
	// tells nothing of it.
	ErrorLog *log.Logger

	wait patience // zero is usual
}

var usual = patience{total: 30 * time.Second, answer: 2 * time.Second, end: 2 * time.Second}

const (
	settle  = 20 * time.Millisecond
	settles = 20
)

// Run is Kit.Run with nothing but a handler and its sinks.
func Run(t testing.TB, handler http.Handler, sinks ...Sink) {
	t.Helper()
	Kit{Handler: handler, Sinks: sinks}.Run(t)
}

// Run sends canaries to the service, in every place of a request that a visitor
// can write to, over HTTP/1.1 and HTTP/2 on real servers, and then looks for
// them in all sinks, in every spelling that the package comment names. For each
// sink, field and spelling in which it finds one, t fails with a line that says
// so and does not hold the canary. It also fails where it could not look: a sink
// that stayed empty, requests that did not get out because 8 others had no
// answer within 2 seconds each or 30 seconds were over, a handler that did not
// return within 2 seconds after all that.
func (k Kit) Run(t testing.TB) {
	t.Helper()
	if err := k.check(); err != nil {
		t.Fatal(err)
	}
	if k.ErrorLog == nil {
		k.ErrorLog = log.New(io.Discard, "", 0)
	}
	if k.wait == (patience{}) {
		k.wait = usual
	}
	c := newCorpus(slices.Concat([]string{"/", "/{any}", "/{any}/{any}"}, k.Paths))
	tally, returned := c.send(k.Handler, k.ErrorLog, k.wait)
	if tally[unsent] > 0 {
		t.Errorf("logtest: %d requests did not get out after %d that were answered and %d that were not within %v; name fewer or faster paths",
			tally[unsent], tally[answered], tally[stalled], k.wait.answer)
	}
	if !returned {
		t.Errorf("logtest: a handler did not return within %v of its connection's end, and may write later; let it heed the request's context", k.wait.end)
	}
	s := newSearcher(c.canaries)
	texts := k.read()
	for i, sink := range k.Sinks {
		if len(bytes.TrimSpace(texts[i])) == 0 && !sink.MayBeEmpty {
			t.Errorf("logtest: %s: holds nothing; connect it to the service, or set MayBeEmpty", sink.Name)
		}
		for _, line := range s.report(texts[i]) {
			t.Errorf("logtest: %s: %s", sink.Name, line)
		}
	}
}

func (k Kit) check() error {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("logtest: kit: "+format, args...))
	}
	if k.Handler == nil {
		fault("Handler: is missing; give the service with all of its middlewares")
	}
	if len(k.Sinks) == 0 {
		fault("Sinks: is empty; give what the service writes to")
	}
	for i, s := range k.Sinks {
		if s.Name == "" {
			fault("Sinks[%d].Name: is missing; give a name for the report", i)
		}
		if s.Read == nil {
			fault("Sinks[%d].Read: is missing; give for example the Bytes method of a Buffer", i)
		}
	}
	for i, p := range k.Paths {
		if _, err := newDraft(p).request("http://shop.example"); err != nil || !strings.HasPrefix(p, "/") || strings.ContainsAny(p, "?#") {
			fault("Paths[%d]: is not a path; write for example \"/users/{id}\"", i)
		}
	}
	return errors.Join(faults...)
}

// read reads all sinks until they stay as they are: a server's own error lines
// and the host's queues may come a moment after the last connection is closed.
func (k Kit) read() [][]byte {
	var before [][]byte
	for range settles {
		now := make([][]byte, len(k.Sinks))
		for i, s := range k.Sinks {
			now[i] = s.Read()
		}
		if before != nil && slices.EqualFunc(before, now, bytes.Equal) {
			return now
		}
		before = now
		time.Sleep(settle)
	}
	return before
}
