package main

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent/experiment"
)

var goodsClass = regexp.MustCompile(`<ul class="goods (\w+)">`)

// P13: the list for everybody who did not agree; an arm that stays for those who
// did, and ends with the answer that takes it back.
func TestP13Experiment(t *testing.T) {
	s := start(t, newKeys(t))
	arm := func(v *visitor) string {
		found := goodsClass.FindStringSubmatch(v.get("/").body)
		require.Len(t, found, 2)
		return found[1]
	}
	exposures := func(st experiment.Stats) uint64 { return st.Arms[0].Exposures + st.Arms[1].Exposures }

	stranger := s.visitor()
	require.Equal(t, "list", arm(stranger))
	stranger.form("/privacy/decision", "action=save&purpose=analytics")
	require.Equal(t, "list", arm(stranger))
	require.NotContains(t, stranger.held(), "exp_goods")
	require.EqualValues(t, 0, exposures(s.site.goods.Stats()))

	seen := map[string]bool{}
	const visitors = 24 // all in one arm: once in eight million
	for range visitors {
		v := s.visitor()
		v.form("/privacy/decision", "action=save&purpose=experiments")
		first := arm(v)
		require.Equal(t, first, arm(v), "it stays")
		require.NotContains(t, v.held()["exp_goods"], first, "sealed")
		seen[first] = true

		kept := v.held()["exp_goods"]
		a := v.form("/privacy/withdraw", "purpose=experiments")
		require.ElementsMatch(t, []string{"consent", "exp_goods"}, a.names())
		require.NotContains(t, v.held(), "exp_goods")
		require.Equal(t, "list", arm(v))

		v.form("/privacy/decision", "action=save&purpose=experiments")
		arm(v)
		require.NotEqual(t, kept, v.held()["exp_goods"])
	}
	require.Len(t, seen, 2, "both arms are shown to somebody")
	st := s.site.goods.Stats()
	require.EqualValues(t, 2*visitors, st.Assigned, "a new yes, a new unit")
	require.EqualValues(t, 2*visitors, exposures(st))
	require.False(t, st.Mismatch)
}
