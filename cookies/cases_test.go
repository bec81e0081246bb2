package cookies_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// gatingCases says which test holds each of the gating cases that concern the
// gate: what a peer's test, an issue, a specification or a probe once taught.
// Those about the decision and the endpoints are in package consent.
var gatingCases = []struct {
	number int
	what   string
	tests  []string // of this package, or of another after its directory
}{
	{1, "undecided: essential cookies alone", []string{"TestCookiesByConsent"}},
	{2, "not declared: withheld and told of", []string{"TestCookiesByConsent", "TestWithheldCookiesAreNamedOnce", "TestFindingsAreTold"}},
	{3, "one purpose of several", []string{"TestCookiesByConsent"}},
	{18, "yes and a cookie in one response", []string{"TestChoiceAndCookiesInOneResponse"}},
	{22, "a withdrawal expires the purpose's cookies, of a family those seen", []string{"TestChoiceAndCookiesInOneResponse", "TestJarFollowsTheChoice"}},
	{23, "one deletion for each place", []string{"TestChoiceAndCookiesInOneResponse", "TestJarFollowsTheChoice", "TestRefusalReachesOtherPaths", "TestUndeclaredPlaces"}},
	{24, "deletions that browsers heed", []string{"TestExpiryAsBrowsersRequire"}},
	{25, "cookies that no script can remove", []string{"TestJarFollowsTheChoice", "TestRefusedCookiesAreExpiredWhenSeen"}},
	{26, "withdrawing what was not given", []string{"TestWithdrawWithoutConsent"}},
	{27, "a choice after the first byte", []string{"TestChoiceAfterTheFirstByte"}},
	{28, "deletions pass", []string{"TestDeletions"}},
	{36, "raw header lines", []string{"TestEveryWayOut"}},
	{40, "nothing written", []string{"TestEveryWayOut"}},
	{41, "statuses, redirects, errors, HEAD", []string{"TestEveryWayOut"}},
	{42, "a panic", []string{"TestPanicLeavesNothingToARecoverer"}},
	{43, "copies, ranges, events, timeouts", []string{"TestEveryWayOut", "TestBodiesPassWhole", "TestEventsStreamThroughTheGate", "TestTimeouts"}},
	{44, "a reverse proxy, 1xx included", []string{"TestReverseProxy", "../examples/routers TestNginx", "../examples/routers TestEarlyHintsOfAnUpstream"}},
	{45, "upgrades", []string{"TestUpgrades", "../examples/routers TestWebsocket"}},
	{47, "white space around names", []string{"TestEveryWayOut", "TestHandlersSeeWhatMayBeRead"}},
	{48, "case of names and of prefixes", []string{"TestCookiesByConsent", "TestInventoryFaults", "TestConsentCookieIsReserved", "TestHardening"}},
	{49, "families", []string{"TestCookiesByConsent"}},
	{50, "allowed lines byte for byte", []string{"TestHardening", "TestReverseProxy"}},
	{51, "trailers", []string{"TestEveryWayOut", "TestReverseProxy"}},
	{52, "a hundred visitors at once", []string{"TestVisitorsDoNotMix"}},
	{53, "what the writer can do", []string{"TestTheWritersAbilitiesStay"}},
	{54, "hidden from handlers", []string{"TestHandlersSeeWhatMayBeRead"}},
	{56, "several Cookie lines", []string{"TestSeveralCookieLines"}},
	{58, "the caller's request stays", []string{"TestTheCallersRequestStays"}},
	{66, "a page for everybody stays one", []string{"TestCachesDoNotShareCookies"}},
	{70, "the consent cookie", []string{"TestTheConsentCookieItself", "../consent TestCookieName"}},
	{71, "behind a proxy, on plain http", []string{"TestTheConsentCookieItself", "../consent TestCookieBehindAProxy"}},
	{72, "attributes are raised, never lowered", []string{"TestHardening"}},
	{73, "lifetimes, in both attributes", []string{"TestHardening"}},
	{74, "forty purposes", []string{"TestTheConsentCookieItself", "../consent TestCookieOfManyPurposes"}},
	{75, "faults at construction", []string{"TestInventoryFaults", "TestGateFaults", "TestGateWantsOnePolicy", "TestTypedCookieFaults", "../consent TestConfigFaults"}},
	{85, "the 24 orders", []string{"../examples/quickstart TestMountOrders"}},
	{86, "a recoverer outside the chain", []string{"TestPanicLeavesNothingToARecoverer"}},
	{87, "gin wrapped from outside", []string{"../examples/routers TestCookieBetweenHeaderAndBody", "../examples/routers/gin TestSite"}},
}

// The list above names tests that there are.
func TestEveryGatingCaseHasItsTest(t *testing.T) {
	known := map[string]map[string]bool{}
	for _, c := range gatingCases {
		require.NotEmpty(t, c.tests, c.number)
		for _, test := range c.tests {
			dir, name := ".", test
			if d, n, ok := strings.Cut(test, " "); ok {
				dir, name = d, n
			}
			if known[dir] == nil {
				known[dir] = testsIn(t, dir)
			}
			require.True(t, known[dir][name], "case %d: %s is not in %s", c.number, name, dir)
		}
	}
}

func testsIn(t *testing.T, dir string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	require.NoError(t, err)
	require.NotEmpty(t, files, fs.ErrNotExist)
	out := map[string]bool{}
	for _, path := range files {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				out[f.Name.Name] = true
			}
		}
	}
	return out
}
