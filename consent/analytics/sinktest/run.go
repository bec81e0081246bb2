package sinktest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/candorhttp/candor/consent/analytics"
)

// Harness is a sink over HTTP with the stand-in of its destination.
type Harness struct {
	// Stub starts the stand-in.
	Stub func(t testing.TB) *Stub
	// New makes the sink for a server's address, that of the stub or another one.
	New func(server string) (analytics.Sink, error)
	// Secrets are the texts that may go to the destination and nowhere else.
	Secrets []string
}

// patience is how long a sink is given where it should answer at once.
const patience = 5 * time.Second

// Run tests a sink.
func Run(t *testing.T, h Harness) {
	t.Run("destination", h.destination)
	t.Run("addresses", h.addresses)
	t.Run("events", h.events)
	t.Run("cancelled", h.cancelled)
	t.Run("nobody there", h.nobodyThere)
	for _, f := range Faults() {
		t.Run(f.String(), func(t *testing.T) { h.fault(t, f) })
	}
}

func (h Harness) make(t *testing.T, server string) analytics.Sink {
	t.Helper()
	s, err := h.New(server)
	if err != nil {
		t.Fatalf("the sink is not made for %s: %v", server, err)
	}
	return s
}

var destinationName = regexp.MustCompile(`^[a-z][a-z0-9_.-]{0,31}$`)

func (h Harness) destination(t *testing.T) {
	stub := h.Stub(t)
	s := h.make(t, stub.URL)
	d := s.Destination()
	if d != s.Destination() {
		t.Error("the destination changes")
	}
	if !destinationName.MatchString(d.Name) {
		t.Errorf("the name %q is not one", d.Name)
	}
	if !strings.HasPrefix(d.Endpoint, stub.URL) {
		t.Errorf("the endpoint %s is not on the server", d.Endpoint)
	}
	if d.MaxEvents < 0 || d.MaxEvents > 10_000 {
		t.Errorf("MaxEvents is %d", d.MaxEvents)
	}
	h.clean(t, "the destination", fmt.Sprintf("%+v", d))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		h.clean(t, "the sink printed with "+verb, fmt.Sprintf(verb, s))
	}
	if text, err := json.Marshal(s); err == nil {
		h.clean(t, "the sink as JSON", string(text))
	}
}

// addresses are refused at construction: events do not go over open lines.
func (h Harness) addresses(t *testing.T) {
	for _, bad := range []string{
		"", "http://stats.example", "http://192.0.2.1", "ftp://stats.example", "stats.example", "https://", "//stats.example",
		"https://canary:canary-password@stats.example", "https://stats.example/?token=canary-password", "https://stats.example/#canary-password",
		"http://localhost.example", "http://127.0.0.1.example", "unix:///run/canary-password",
	} {
		s, err := h.New(bad)
		if err == nil {
			t.Errorf("a sink is made for %q: %v", bad, s)
		} else if strings.Contains(err.Error(), "canary") {
			t.Errorf("the error for %q repeats it", bad)
		}
	}
	for _, good := range []string{"https://stats.example", "http://127.0.0.1:8000", "http://localhost:8000", "http://[::1]:8000", "https://stats.example:8443/below"} {
		if _, err := h.New(good); err != nil {
			t.Errorf("no sink is made for %q: %v", good, err)
		}
	}
}

// events of every kind arrive, once, in full batches, and are not changed.
func (h Harness) events(t *testing.T) {
	stub := h.Stub(t)
	s := h.make(t, stub.URL)
	most := max(s.Destination().MaxEvents, 1)
	all := Deliveries(2*most + 10)
	before := fmt.Sprintf("%#v", all)
	for batch := range slices.Chunk(all, most) {
		if err := s.Send(t.Context(), batch); err != nil {
			t.Fatalf("%d events: %v", len(batch), err)
		}
	}
	if stub.Taken() != len(all) {
		t.Errorf("%d events were taken of %d", stub.Taken(), len(all))
	}
	if fmt.Sprintf("%#v", all) != before {
		t.Error("the events were changed")
	}
	for _, r := range stub.Requests() {
		if strings.Contains(fmt.Sprint(r.Header)+string(r.Body), pseudonymOf(0)) {
			t.Error("a pseudonym is sent as it is; send something made of it")
		}
	}
}

// cancelled sends nothing.
func (h Harness) cancelled(t *testing.T) {
	stub := h.Stub(t)
	s := h.make(t, stub.URL)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := s.Send(ctx, Deliveries(1))
	f := failed(t, err)
	if f != nil && f.Kind == analytics.Permanent {
		t.Errorf("a cancelled attempt is %v", err)
	}
	if stub.Taken() != 0 {
		t.Error("something was sent")
	}
	h.clean(t, "the error", fmt.Sprint(err))
}

// nobodyThere is a failure that may be tried again.
func (h Harness) nobodyThere(t *testing.T) {
	stub := h.Stub(t)
	stub.server.Close()
	err := h.make(t, stub.URL).Send(t.Context(), Deliveries(1))
	if f := failed(t, err); f == nil || f.Kind != analytics.Temporary {
		t.Errorf("nobody listens, and the answer is %v", err)
	}
	h.clean(t, "the error", fmt.Sprint(err))
}

// outcomes are the answers that are right for a fault: nil, temporary,
// permanent, ambiguous, rejected.
var outcomes = map[Fault][]string{
	Slow: {"nil"}, Hang: {"ambiguous"},
	BadRequest: {"permanent"}, Unauthorized: {"permanent"}, Forbidden: {"permanent"}, TooLarge: {"permanent"},
	TooMany: {"temporary"}, Unavailable: {"temporary"},
	ServerError: {"ambiguous"}, BadGateway: {"ambiguous"}, Reset: {"ambiguous"}, LongHeader: {"ambiguous"},
	// A success may be known by its status alone.
	CutAnswer: {"ambiguous", "nil"}, LongAnswer: {"ambiguous", "nil"}, Nonsense: {"ambiguous", "nil"},
	Redirect: {"permanent"}, Loop: {"permanent"}, Refuse: {"rejected"},
}

func (h Harness) fault(t *testing.T, f Fault) {
	stub := h.Stub(t)
	if f == Refuse && stub.protocol.Refuse == nil {
		return // this destination cannot say so
	}
	s := h.make(t, stub.URL)
	batch := Deliveries(min(max(s.Destination().MaxEvents, 1), 3))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	if f == Hang {
		ctx, cancel = context.WithTimeout(t.Context(), 200*time.Millisecond)
	}
	defer cancel()
	stub.Fail(f)
	began := time.Now()
	err := s.Send(ctx, batch)
	if took := time.Since(began); took > patience+time.Second {
		t.Errorf("it took %v", took)
	}
	got := outcome(err)
	if !slices.Contains(outcomes[f], got) {
		t.Errorf("the answer is %s (%v), not %s", got, err, strings.Join(outcomes[f], " or "))
	}
	h.clean(t, "the error", fmt.Sprintf("%v %+v %#v", err, err, err))
	h.account(t, stub, err, len(batch))
	if f == TooMany || f == Unavailable {
		if e := failed(t, err); e != nil && (e.After < retryAfter-time.Second || e.After > retryAfter+2*time.Second) {
			t.Errorf("it asks to be left alone for %v, the destination for %v", e.After, retryAfter)
		}
	}
	if n := len(stub.Requests()); n != 1 {
		t.Errorf("%d requests were made for one attempt", n)
	}
	if stub.Led() != 0 {
		t.Error("a redirect to another host was followed")
	}
	// What sockets keep is a few megabytes at most.
	if n := stub.poured.Load(); n > endless/8 {
		t.Errorf("%d bytes of an answer were read", n)
	}
	if err := s.Send(t.Context(), Deliveries(1)); err != nil {
		t.Errorf("afterwards all is well, and the answer is %v", err)
	}
}

// account holds an answer against what became of the batch.
func (h Harness) account(t *testing.T, stub *Stub, err error, n int) {
	t.Helper()
	want := n
	var r *analytics.Rejected
	switch {
	case err == nil:
	case errors.As(err, &r):
		want = n - len(r.Indexes)
		if len(r.Indexes) == 0 || !slices.IsSorted(r.Indexes) || r.Indexes[0] < 0 || r.Indexes[len(r.Indexes)-1] >= n ||
			len(slices.Compact(slices.Clone(r.Indexes))) != len(r.Indexes) {
			t.Errorf("the indexes %v are not of a batch of %d", r.Indexes, n)
		}
	default:
		f := failed(t, err)
		if f == nil || f.Kind == analytics.Ambiguous {
			return
		}
		want = 0
	}
	if got := stub.Taken(); got != want {
		t.Errorf("by the answer (%v) %d of %d events were taken; the destination took %d", err, want, n, got)
	}
}

func outcome(err error) string {
	var f *analytics.Failed
	var r *analytics.Rejected
	switch {
	case err == nil:
		return "nil"
	case errors.As(err, &r):
		return "rejected"
	case errors.As(err, &f):
		return f.Kind.String()
	}
	return "an error of another kind"
}

func failed(t *testing.T, err error) *analytics.Failed {
	t.Helper()
	var f *analytics.Failed
	if !errors.As(err, &f) {
		t.Errorf("the answer is %v and not a *analytics.Failed", err)
		return nil
	}
	return f
}

// clean fails when a text holds what it must not.
func (h Harness) clean(t *testing.T, what, text string) {
	t.Helper()
	for _, secret := range h.Secrets {
		if strings.Contains(text, secret) {
			t.Errorf("%s holds a secret", what)
		}
	}
	for _, canary := range []string{answerCanary, "127.0.0.1:", "2f5c", "canary", "/basket"} {
		if what != "the destination" && !strings.HasPrefix(what, "the sink") && strings.Contains(text, canary) {
			t.Errorf("%s holds %q: %s", what, canary, text)
		}
	}
}
