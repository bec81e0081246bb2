package sinktest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent/analytics"
	"github.com/candorhttp/candor/consent/analytics/sink"
	"github.com/candorhttp/candor/consent/analytics/sinktest"
)

const token = "token-that-nobody-should-see"

// own is a protocol of a destination of the test's own: a list of names, in JSON.
func own(t testing.TB) *sinktest.Stub {
	return sinktest.Serve(t, sinktest.Protocol{
		Take: func(r *http.Request, body []byte) (int, error) {
			var names []string
			if err := json.Unmarshal(body, &names); err != nil {
				return 0, err
			}
			if r.Header.Get("Authorization") != token {
				return 0, errors.New("another token")
			}
			return len(names), nil
		},
		Accept: func(w http.ResponseWriter, _ int) { _, _ = io.WriteString(w, "taken") },
		Refuse: func(w http.ResponseWriter, _ int, _ []int) { _, _ = io.WriteString(w, "first refused") },
	})
}

// mySink is a sink that does everything right, but for one thing.
type mySink struct {
	Token  string
	client *sink.Client
	plain  string
	broken string
}

func newMySink(server, broken string) (analytics.Sink, error) {
	if broken == "any address" && strings.HasPrefix(server, "http://stats") {
		return &mySink{plain: server, broken: broken}, nil
	}
	client, err := sink.NewClient(server)
	if err != nil && broken == "repeats the address" {
		return nil, errors.New("not good: " + server)
	}
	if err != nil {
		return nil, err
	}
	return &mySink{client: client, plain: server, broken: broken}, nil
}

func (s *mySink) String() string { return "mySink" }

func (s *mySink) GoString() string {
	if s.broken == "prints the token" {
		return s.Token + token
	}
	return "mySink"
}

func (s *mySink) Destination() analytics.Destination {
	return analytics.Destination{Name: "mine", Endpoint: s.plain, MaxEvents: 10}
}

func (s *mySink) Send(ctx context.Context, batch []analytics.Delivery) error {
	names := []string{}
	for i := range batch {
		names = append(names, batch[i].Name)
		switch s.broken {
		case "sends pseudonyms":
			names[i] = batch[i].Pseudonym
		case "changes the events":
			batch[i].Route = "/changed"
		}
	}
	if s.broken == "loses one" {
		names = names[1:]
	}
	body, _ := json.Marshal(names)
	if s.broken == "malformed" {
		body = []byte("names=1")
	}
	header := http.Header{"Content-Type": {"application/json"}, "Authorization": {token}}
	switch s.broken {
	case "any client":
		return s.anyClient(ctx, header, body)
	case "no deadline":
		ctx = context.WithoutCancel(ctx)
	}
	a, err := s.client.Post(ctx, header, body)
	var f *analytics.Failed
	if errors.As(err, &f) {
		switch {
		case s.broken == "tries again" && f.Kind == analytics.Temporary:
			_, err = s.client.Post(ctx, header, body)
		case s.broken == "ambiguous as temporary" && f.Kind == analytics.Ambiguous:
			f.Kind = analytics.Temporary
		case s.broken == "permanent as temporary" && f.Kind == analytics.Permanent:
			f.Kind = analytics.Temporary
		case s.broken == "impatient":
			f.After = 0
		case s.broken == "repeats the answer":
			f.Reason = string(a.Body)
		case s.broken == "fails in its own way":
			return errors.New("down")
		}
	}
	if err != nil {
		return err
	}
	switch string(a.Body) {
	case "taken":
		return nil
	case "first refused":
		if s.broken == "does not read" {
			return nil
		}
		return &analytics.Rejected{Indexes: []int{0}, Reason: "refused"}
	}
	return &analytics.Failed{Reason: "not understood"}
}

// anyClient sends as one would without thinking.
func (s *mySink) anyClient(ctx context.Context, header http.Header, body []byte) error {
	r, err := http.NewRequestWithContext(ctx, "POST", s.plain, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header = header
	w, err := http.DefaultClient.Do(r)
	if err != nil {
		return &analytics.Failed{Reason: err.Error()}
	}
	defer w.Body.Close()
	text, _ := io.ReadAll(w.Body)
	if w.StatusCode == 200 && string(text) == "taken" {
		return nil
	}
	return &analytics.Failed{Reason: w.Status}
}

func run(t *testing.T, broken string) {
	sinktest.Run(t, sinktest.Harness{
		Stub: own, New: func(server string) (analytics.Sink, error) { return newMySink(server, broken) }, Secrets: []string{token},
	})
}

func TestRunPassesWhatIsRight(t *testing.T) { run(t, "") }

// brokenName is the variable by which the test below tells its child what to break.
const brokenName = "CANDOR_TEST_BROKEN_SINK"

func TestBroken(t *testing.T) {
	if broken := os.Getenv(brokenName); broken != "" {
		run(t, broken)
	}
}

// Each of these is found, and told in words.
func TestRunFindsWhatIsBroken(t *testing.T) {
	self, err := os.Executable()
	require.NoError(t, err)
	for broken, told := range map[string]string{
		"any address":            `a sink is made for "http://stats.example"`,
		"repeats the address":    "repeats it",
		"prints the token":       "holds a secret",
		"sends pseudonyms":       "a pseudonym is sent as it is",
		"changes the events":     "the events were changed",
		"loses one":              "events were taken of",
		"malformed":              "invalid character",
		"any client":             "a redirect to another host was followed",
		"no deadline":            "it took",
		"tries again":            "2 requests were made for one attempt",
		"ambiguous as temporary": "the answer is temporary",
		"permanent as temporary": "the answer is temporary",
		"impatient":              "it asks to be left alone for 0s",
		"repeats the answer":     "canary-of-an-answer",
		"fails in its own way":   "not a *analytics.Failed",
		"does not read":          "the answer is nil",
	} {
		t.Run(broken, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			child := exec.CommandContext(ctx, self, "-test.run=^TestBroken$")
			child.Env = append(os.Environ(), brokenName+"="+broken)
			out, err := child.CombinedOutput()
			require.Error(t, err, "the test passes: %s", out)
			require.Contains(t, string(out), told)
		})
	}
}
