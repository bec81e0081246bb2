package experiment_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/consenttest"
	"github.com/candorhttp/candor/consent/experiment"
)

// P13: without consent the control arm, no cookie, no exposure.
func TestP13ControlWithoutConsent(t *testing.T) {
	s := newSite(t, func(c *experiment.Config) {
		c.Arms = []experiment.Arm{{Name: "control"}, {Name: "large", Weight: 1_000_000}}
	})
	for name, v := range map[string]*visitor{"not asked": s.visitor(), "refused": s.visitor(), "another purpose": s.visitor()} {
		t.Run(name, func(t *testing.T) {
			switch name {
			case "refused":
				v.choose(false)
			case "another purpose":
				v.do("POST", "/privacy/decision", `{"grants":{"analytics":true}}`)
			}
			w, body := v.do("GET", "/", "")
			require.Equal(t, "control", body)
			require.Empty(t, w.Header.Values("Set-Cookie"))
			require.Equal(t, "private", w.Header.Get("Cache-Control"))
			require.Equal(t, "Cookie", w.Header.Get("Vary"))
			_, body = v.do("GET", "/buy", "")
			require.Empty(t, body)
			require.Empty(t, v.ticket())
		})
	}
	require.Empty(t, s.exposed())
	st := s.trial.Stats()
	require.EqualValues(t, 0, st.Assigned)
	require.EqualValues(t, 3, st.Control)
}

func TestStickyThenWithdrawn(t *testing.T) {
	s := newSite(t, nil)
	v := s.visitor()
	v.choose(true)
	w, arm := v.do("GET", "/", "")
	require.Len(t, w.Header.Values("Set-Cookie"), 1)
	require.Contains(t, w.Header.Get("Set-Cookie"), "exp_home=")
	first := v.ticket()
	for range 5 {
		w, body := v.do("GET", "/", "")
		require.Equal(t, arm, body)
		require.Empty(t, w.Header.Values("Set-Cookie"), "within a period nothing changes")
	}
	_, body := v.do("GET", "/buy", "")
	require.Equal(t, arm, body)
	require.Equal(t, []experiment.Exposure{{Experiment: "home", Arm: arm}}, s.exposed(), "once")

	s.clock.add(24 * time.Hour)
	require.Equal(t, arm, v.home())
	require.Len(t, s.exposed(), 2, "again in the next period")

	v.choose(false)
	require.Equal(t, "control", v.home())
	require.Len(t, s.exposed(), 2)
	// A browser that kept the cookie shows it without a yes.
	_, body = v.do("GET", "/", "", "Cookie", "exp_home="+first)
	require.Equal(t, "control", body)
	require.Len(t, s.exposed(), 2)
}

// A new yes is a new unit.
func TestNewYesNewUnit(t *testing.T) {
	units := map[string]bool{}
	s := newSite(t, func(c *experiment.Config) {
		c.Assigner = assigner(func(_ context.Context, _, unit string) (string, error) {
			require.False(t, units[unit], "never twice")
			units[unit] = true
			return "large", nil
		})
	})
	v := s.visitor()
	for range 3 {
		v.choose(true)
		require.Equal(t, "large", v.home())
		require.Equal(t, "large", v.home())
		v.choose(false)
		require.Equal(t, "control", v.home())
	}
	require.Len(t, units, 3)
}

func TestWhatCountsAsAnExposure(t *testing.T) {
	show := func(s *site, after func(http.ResponseWriter, *http.Request)) {
		s.page = func(w http.ResponseWriter, r *http.Request) {
			s.trial.Show(w, r)
			s.trial.Show(w, r)
			after(w, r)
		}
	}
	for _, tt := range []struct {
		name   string
		method string
		header []string
		after  func(http.ResponseWriter, *http.Request)
		want   int
	}{
		{"a page", "GET", nil, func(http.ResponseWriter, *http.Request) {}, 1},
		{"a page that is posted", "POST", nil, func(http.ResponseWriter, *http.Request) {}, 1},
		{"no body", "HEAD", nil, func(http.ResponseWriter, *http.Request) {}, 0},
		{"an error", "GET", nil, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", 500) }, 0},
		{"a redirect", "GET", nil, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/buy", http.StatusSeeOther) }, 0},
		{"nothing new", "GET", nil, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(304) }, 0},
		{"fetched ahead", "GET", []string{"Sec-Purpose", "prefetch;prerender"}, func(http.ResponseWriter, *http.Request) {}, 0},
		{"fetched ahead, an older way", "GET", []string{"X-Moz", "prefetch"}, func(http.ResponseWriter, *http.Request) {}, 0},
		{"cut off", "GET", nil, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "9")
			_, _ = w.Write([]byte("short"))
		}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t, nil)
			show(s, tt.after)
			v := s.visitor()
			v.choose(true)
			v.do(tt.method, "/", "", tt.header...)
			require.Len(t, s.exposed(), tt.want)
			require.NotEmpty(t, v.ticket(), "assigned in any case")
			require.EqualValues(t, 1, s.trial.Stats().Assigned, "two calls, one visitor")
		})
	}
	t.Run("withdrawn while it was made", func(t *testing.T) {
		s := newSite(t, nil)
		v := s.visitor()
		v.choose(true)
		kept := v.client.Jar
		show(s, func(http.ResponseWriter, *http.Request) {
			other := s.visitor()
			other.client.Jar = kept
			other.choose(false)
		})
		v.do("GET", "/", "")
		require.Empty(t, s.exposed())
	})
	t.Run("fetched ahead, then seen", func(t *testing.T) {
		s := newSite(t, nil)
		v := s.visitor()
		v.choose(true)
		arm := v.home("Purpose", "prefetch")
		require.Equal(t, arm, v.home())
		require.Len(t, s.exposed(), 1)
	})
}

type assigner func(ctx context.Context, experiment, unit string) (string, error)

func (a assigner) Assign(ctx context.Context, experiment, unit string) (string, error) {
	return a(ctx, experiment, unit)
}

func TestAssignerOfTheHost(t *testing.T) {
	for _, tt := range []struct {
		name  string
		serve assigner
		want  string
		in    uint64
	}{
		{"answers", func(context.Context, string, string) (string, error) { return "large", nil }, "large", 1},
		{"gives control", func(context.Context, string, string) (string, error) { return "control", nil }, "control", 1},
		{"fails", func(context.Context, string, string) (string, error) { return "large", errors.New("down") }, "control", 0},
		{"knows another arm", func(context.Context, string, string) (string, error) { return "purple", nil }, "control", 0},
		{"does not answer", func(ctx context.Context, _, _ string) (string, error) { <-ctx.Done(); return "", ctx.Err() }, "control", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t, func(c *experiment.Config) { c.Assigner = tt.serve })
			v := s.visitor()
			v.choose(true)
			require.Equal(t, tt.want, v.home())
			require.Equal(t, tt.in, s.trial.Stats().Assigned)
			require.Equal(t, 1-tt.in, s.trial.Stats().Failed)
			require.Len(t, s.exposed(), int(tt.in))
			require.Equal(t, tt.in == 1, v.ticket() != "")
		})
	}
}

// memory is a cookie in a map, for what a real one cannot show.
type memory struct {
	text string
	fail error
}

func (m *memory) Get(*http.Request) (string, error) {
	if m.text == "" {
		return "", errors.New("absent")
	}
	return m.text, nil
}

func (m *memory) Set(_ http.ResponseWriter, _ *http.Request, text string) error {
	if m.fail == nil {
		m.text = text
	}
	return m.fail
}

func newTrial(t testing.TB, keys consent.Keys, c experiment.Cookie, change func(*experiment.Config)) *experiment.Experiment {
	t.Helper()
	cfg := experiment.Config{
		Name: "home", Arms: []experiment.Arm{{Name: "control"}, {Name: "large"}}, Keys: keys, Cookie: c,
		Now: func() time.Time { return time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC) },
	}
	if change != nil {
		change(&cfg)
	}
	e, err := experiment.New(cfg)
	require.NoError(t, err)
	return e
}

func newKeys(t testing.TB) consent.Keys {
	t.Helper()
	keys, err := consent.ParseKeys(consent.GenerateKey())
	require.NoError(t, err)
	return keys
}

func granted(t testing.TB) *http.Request {
	ctx := consenttest.With(t.Context(), consenttest.Granted(consent.Experiments))
	return httptest.NewRequestWithContext(ctx, "GET", "/", nil)
}

func TestNotKeptIsNotBegun(t *testing.T) {
	m := &memory{fail: errors.New("too late")}
	e := newTrial(t, newKeys(t), m, func(c *experiment.Config) {
		c.Assigner = assigner(func(context.Context, string, string) (string, error) { return "large", nil })
	})
	require.Equal(t, "control", e.Show(httptest.NewRecorder(), granted(t)))
	require.Equal(t, experiment.Stats{
		Arms: []experiment.ArmCount{{Arm: "control", Weight: 1}, {Arm: "large", Weight: 1}}, Failed: 1, SampleRatio: 1,
	}, e.Stats())
}

// An exposure that cannot be remembered would be counted at every visit.
func TestNotRememberedIsNotCounted(t *testing.T) {
	s := newSite(t, func(c *experiment.Config) {
		c.Cookie = &memory{text: "1.AAECAwQFBgcICQoLDA0ODw.large.20777.-1", fail: errors.New("too late")}
	})
	v := s.visitor()
	v.choose(true)
	require.Equal(t, "large", v.home(), "the arm stays")
	require.Empty(t, s.exposed())
	require.EqualValues(t, 1, s.trial.Stats().Failed)
}

// What the cookie says stays, whatever the weights and the keys are now; what it
// cannot say any more is assigned anew.
func TestWhatACookieIsWorth(t *testing.T) {
	const unit = "AAECAwQFBgcICQoLDA0ODw"
	for _, tt := range []struct {
		name, text string
		kept       bool
	}{
		{"today", "1." + unit + ".large.20777.-1", true},
		{"29 days ago", "1." + unit + ".large.20748.-1", true},
		{"30 days ago", "1." + unit + ".large.20747.-1", false},
		{"tomorrow, by another server's clock", "1." + unit + ".large.20778.-1", true},
		{"the day after tomorrow", "1." + unit + ".large.20779.-1", false},
		{"an arm that was removed", "1." + unit + ".purple.20777.-1", false},
		{"another format", "2." + unit + ".large.20777.-1", false},
		{"a short unit", "1.AAEC.large.20777.-1", false},
		{"cut", "1." + unit + ".large.20777", false},
		{"another spelling of a number", "1." + unit + ".large.+20777.-1", false},
		{"not a number", "1." + unit + ".large.soon.-1", false},
		{"nothing like it", "hello", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := &memory{text: tt.text}
			e := newTrial(t, newKeys(t), m, func(c *experiment.Config) {
				c.Assigner = assigner(func(context.Context, string, string) (string, error) { return "control", nil })
			})
			want := "control"
			if tt.kept {
				want = "large"
			}
			require.Equal(t, want, e.Show(httptest.NewRecorder(), granted(t)))
			require.Equal(t, tt.kept, strings.Contains(m.text, unit))
		})
	}
}

func TestNewFaults(t *testing.T) {
	_, err := experiment.New(experiment.Config{
		Name: "Home Page", Arms: []experiment.Arm{{Name: "a"}, {Name: "a"}, {Name: "", Weight: -1}},
		Period: time.Second, Keep: time.Hour,
	})
	require.EqualError(t, err, strings.Join([]string{
		`experiment: config: Name: is not a name; write 1 to 32 lower-case letters, digits, '_' and '-', beginning with a letter`,
		`experiment: config: Arms[1]: Name: is there twice; drop one`,
		`experiment: config: Arms[2]: Name: is not a name; write 1 to 32 lower-case letters, digits, '_' and '-', beginning with a letter`,
		`experiment: config: Arms[2]: Weight: is -1; choose 1 to 1000000, or 0 for 1`,
		`experiment: config: Keys: no key; read them with consent.KeysFromEnv or make one with consent.GenerateKey`,
		`experiment: config: Cookie: is missing; make one with cookies.NewSealed`,
		`experiment: config: Keep: is 1h0m0s; choose a day to 400 days, or 0 for 30 days`,
		`experiment: config: Period: is 1s; choose a minute to Keep, or 0 for a day`,
	}, "\n"))
}

func TestZeroShowsNothing(t *testing.T) {
	var none *experiment.Experiment
	for _, e := range []*experiment.Experiment{none, {}} {
		require.Empty(t, e.Show(httptest.NewRecorder(), granted(t)))
		require.Empty(t, e.Arm(granted(t)))
		require.Equal(t, experiment.Stats{}, e.Stats())
		e.Describe(&consent.Manifest{})
	}
}

func TestManifest(t *testing.T) {
	s := newSite(t, nil)
	_, body := s.visitor().do("GET", "/privacy/manifest.json", "")
	var m consent.Manifest
	require.NoError(t, json.Unmarshal([]byte(body), &m))
	require.Equal(t, []consent.ManifestExperiment{{
		Name: "home", Purpose: consent.Experiments, PeriodSeconds: 86400, KeepDays: 30,
		Arms: []consent.ManifestArm{{Name: "control", Weight: 1}, {Name: "large", Weight: 1}},
	}}, m.Experiments)
}
