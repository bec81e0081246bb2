package experiment_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/experiment"
)

// fixedKeys are the same in every run, so that a test of chance does not fail by
// chance.
func fixedKeys(t *testing.T, text ...string) consent.Keys {
	t.Helper()
	list := ""
	for _, s := range text {
		list += fmt.Sprintf("ck1_%s%s\n", s, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"[:43-len(s)])
	}
	keys, err := consent.ParseKeys(list)
	require.NoError(t, err)
	return keys
}

func TestAssignmentFollowsTheWeights(t *testing.T) {
	arms := []experiment.Arm{{Name: "control", Weight: 700_000}, {Name: "small", Weight: 200_000}, {Name: "large", Weight: 99_999}, {Name: "rare", Weight: 1}}
	keys := fixedKeys(t, "one")
	home, again := experiment.NewWeighted(keys, "home", arms), experiment.NewWeighted(keys, "home", arms)
	cart := experiment.NewWeighted(keys, "cart", arms)
	rotated := experiment.NewWeighted(fixedKeys(t, "two", "one"), "home", arms)
	index := map[string]int{"control": 0, "small": 1, "large": 2, "rare": 3}
	var counts [4]uint64
	var joint [9]uint64
	same := 0
	const n = 50_000
	for i := range n {
		unit := fmt.Sprintf("unit-%d", i)
		arm, err := home.Assign(t.Context(), "home", unit)
		require.NoError(t, err)
		second, _ := again.Assign(t.Context(), "home", unit)
		require.Equal(t, arm, second, "the same unit, the same arm")
		other, _ := cart.Assign(t.Context(), "cart", unit)
		third, _ := rotated.Assign(t.Context(), "home", unit)
		if third == arm {
			same++
		}
		counts[index[arm]]++
		if a, b := index[arm], index[other]; a < 3 && b < 3 {
			joint[3*a+b]++
		}
	}
	require.LessOrEqual(t, counts[3], uint64(3), "one in a million")
	require.Greater(t, experiment.SampleRatio(counts[:3], []int{700_000, 200_000, 99_999}), 0.01)
	require.Greater(t, experiment.SampleRatio(joint[:], []int{49, 14, 7, 14, 4, 2, 7, 2, 1}), 0.01, "two experiments split independently")
	// 0.7² + 0.2² + 0.1² of them meet by chance.
	require.InDelta(t, 0.54, float64(same)/n, 0.01, "another key, another split")
}

// reference is Q(k/2, x/2) by the recurrence Q(a+1, x) = Q(a, x) + x^a e^-x / Γ(a+1)
// (DLMF 8.8.6) from Q(1/2, x) = erfc(√x) and Q(1, x) = e^-x.
func reference(degrees int, x float64) float64 {
	x /= 2
	a, q := 0.5, math.Erfc(math.Sqrt(x))
	if degrees%2 == 0 {
		a, q = 1, math.Exp(-x)
	}
	for ; 2*a < float64(degrees); a++ {
		q += math.Pow(x, a) * math.Exp(-x) / math.Gamma(a+1)
	}
	return q
}

func TestSampleRatio(t *testing.T) {
	for arms := 2; arms <= 8; arms++ {
		weights := make([]int, arms)
		for i := range weights {
			weights[i] = 1
		}
		for d := range 100 {
			counts := make([]uint64, arms)
			for i := range counts {
				counts[i] = 1000
			}
			counts[0], counts[1] = 1000+uint64(d)*3, 1000-uint64(d)*3
			x := 2 * float64(d*3) * float64(d*3) / 1000
			require.InDelta(t, reference(arms-1, x), experiment.SampleRatio(counts, weights), 1e-12, "%d arms, %d", arms, d)
		}
	}
	for _, tt := range []struct {
		name    string
		counts  []uint64
		weights []int
		want    float64
	}{
		{"even", []uint64{500, 500}, []int{1, 1}, 1},
		{"a table's value", []uint64{60, 40}, []int{1, 1}, 0.0455002639},
		{"as weighted", []uint64{900, 100}, []int{9, 1}, 1},
		{"far off", []uint64{5000, 4000}, []int{1, 1}, 5.5e-26},
		{"too few to say", []uint64{9, 0}, []int{1, 1}, 1},
		{"nobody", []uint64{0, 0}, []int{1, 1}, 1},
		{"other lengths", []uint64{1, 2}, []int{1}, 1},
		{"one arm", []uint64{100}, []int{1}, 1},
		{"no weight", []uint64{100, 100}, []int{1, 0}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			require.InDelta(t, tt.want, experiment.SampleRatio(tt.counts, tt.weights), 1e-9)
		})
	}
	require.Less(t, experiment.SampleRatio([]uint64{math.MaxUint64 / 2, 1}, []int{1, 1}), 1e-300)
}

// A visitor lost in one arm alone is found.
func TestMismatchIsSeen(t *testing.T) {
	s := newSite(t, func(c *experiment.Config) {
		next := 0
		c.Assigner = assigner(func(context.Context, string, string) (string, error) {
			next++
			return []string{"control", "large"}[next%2], nil
		})
	})
	lost := 0
	s.page = func(w http.ResponseWriter, r *http.Request) {
		// Half of those who get the large arm get an error instead.
		if s.trial.Show(w, r) == "large" {
			if lost++; lost%2 == 0 {
				w.WriteHeader(500)
			}
		}
	}
	for range 200 {
		v := s.visitor()
		v.choose(true)
		v.home()
	}
	st := s.trial.Stats()
	require.EqualValues(t, 100, st.Arms[0].Exposures)
	require.InDelta(t, 50, st.Arms[1].Exposures, 1)
	require.True(t, st.Mismatch, "p = %g", st.SampleRatio)
}

// lockedMemory is a cookie that many share, as no two visitors would.
type lockedMemory struct {
	mu   sync.Mutex
	text string
}

func (m *lockedMemory) Get(*http.Request) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.text == "" {
		return "", errors.New("absent")
	}
	return m.text, nil
}

func (m *lockedMemory) Set(_ http.ResponseWriter, _ *http.Request, text string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.text = text
	return nil
}

func TestShowIsSafeForConcurrentUse(t *testing.T) {
	e := newTrial(t, newKeys(t), &lockedMemory{}, nil)
	r := granted(t)
	arm := e.Show(httptest.NewRecorder(), r)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				if e.Show(httptest.NewRecorder(), r) != arm || e.Arm(r) != arm {
					t.Error("another arm within one exchange")
				}
				e.Show(httptest.NewRecorder(), granted(t))
				e.Stats()
			}
		})
	}
	wg.Wait()
}

// Whatever a cookie says, the arm is one that was declared, and what is kept can
// be read again.
func FuzzCookie(f *testing.F) {
	f.Add("1.AAECAwQFBgcICQoLDA0ODw.large.20777.-1")
	f.Add("1.AAECAwQFBgcICQoLDA0ODw.large.9223372036854775807.20777")
	f.Add("1....")
	ctx := granted(f).Context()
	keys := newKeys(f)
	f.Fuzz(func(t *testing.T, text string) {
		m := &memory{text: text}
		e := newTrial(t, keys, m, nil)
		r := httptest.NewRequestWithContext(ctx, "GET", "/", nil)
		arm := e.Show(httptest.NewRecorder(), r)
		require.Contains(t, []string{"control", "large"}, arm)
		again := newTrial(t, keys, m, nil)
		require.Equal(t, arm, again.Show(httptest.NewRecorder(), r))
		require.EqualValues(t, 0, again.Stats().Assigned, "read again")
	})
}
