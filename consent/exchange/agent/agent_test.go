package agent_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent/exchange/agent"
)

func load(t testing.TB) []agentCase {
	t.Helper()
	text, err := os.ReadFile("testdata/useragents.json")
	require.NoError(t, err)
	var file struct{ Cases []agentCase }
	require.NoError(t, json.Unmarshal(text, &file))
	require.NotEmpty(t, file.Cases)
	return file.Cases
}

type agentCase struct {
	ID, UA, Family, Major, Device, OS string
	AcceptFamily                      []string `json:"accept_family"`
	AcceptMajor                       []string `json:"accept_major"`
	AcceptDevice                      []string `json:"accept_device"`
	AcceptOS                          []string `json:"accept_os"`
}

func TestAgentVectors(t *testing.T) {
	cases := load(t)
	wrong := 0
	for _, c := range cases {
		a := agent.Parse(c.UA)
		ok := (a.Name == c.Family || slices.Contains(c.AcceptFamily, a.Name)) &&
			(a.Version == c.Major || slices.Contains(c.AcceptMajor, a.Version)) &&
			(a.Device == c.Device || slices.Contains(c.AcceptDevice, a.Device)) &&
			(c.Device == "bot" || c.Device == "other" || a.OS == c.OS || slices.Contains(c.AcceptOS, a.OS))
		if !ok {
			wrong++
			t.Logf("%s: %+v, want %s %s %s %s: %s", c.ID, a, c.Family, c.Major, c.Device, c.OS, c.UA)
		}
	}
	require.LessOrEqual(t, wrong*100, len(cases)*3, "%d of %d are wrong", wrong, len(cases))
}

// Whatever the field holds, only words from the lists get out.
func FuzzAgent(f *testing.F) {
	for _, c := range load(f) {
		f.Add(c.UA)
	}
	names := agent.Names()
	version := regexp.MustCompile(`^[0-9]{0,4}$`)
	f.Fuzz(func(t *testing.T, ua string) {
		a := agent.Parse(ua)
		if !slices.Contains(names, a.Name) || !version.MatchString(a.Version) ||
			!slices.Contains([]string{"desktop", "mobile", "tablet", "bot", "other"}, a.Device) ||
			!slices.Contains([]string{"", "Windows", "Windows Phone", "macOS", "iOS", "Android", "Linux", "ChromeOS", "FreeBSD", "Symbian", "Firefox OS"}, a.OS) {
			t.Fatalf("%q gives %+v", ua, a)
		}
	})
}

// A rule beyond the bits of a word would never be met.
func TestRulesFitAWord(t *testing.T) {
	for _, n := range agent.Rules() {
		require.LessOrEqual(t, n, 64)
	}
}
