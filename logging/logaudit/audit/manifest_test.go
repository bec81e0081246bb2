package audit_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/logging/logaudit/audit"
)

// whole is a whole manifest around the log's part.
func whole(t *testing.T, change func(*consent.Manifest)) string {
	var m consent.Manifest
	require.NoError(t, json.Unmarshal(manifest(t), &m))
	m.Policy.Regimes = []string{"opt-in"}
	m.Purposes = []consent.ManifestPurpose{{Purpose: consent.Analytics, Basis: consent.Consent}, {Purpose: consent.Preferences, Basis: consent.Objection}}
	m.Notes = []string{"Something else.", `Fields of tier "granted" are logged where the visitor allows the purpose "analytics".`}
	if change != nil {
		change(&m)
	}
	text, err := json.Marshal(m)
	require.NoError(t, err)
	return string(text)
}

// Saying nothing opens the granted fields only where the manifest says so.
func TestSilence(t *testing.T) {
	const unset = `{` + stamp + `,"client.address":"203.0.113.0","user_agent.version":"120","consent.state":"unset"}`
	refused := []string{"client.address bits", "user_agent.version tier"}
	for _, c := range []struct {
		name   string
		change func(*consent.Manifest)
		want   []string
	}{
		{"opt-in", nil, refused},
		{"opt-out", func(m *consent.Manifest) { m.Policy.Regimes = append(m.Policy.Regimes, consent.OptOut.String()) }, nil},
		{"a purpose that needs no yes", func(m *consent.Manifest) { m.Purposes[0].Basis = consent.Objection }, nil},
		{"another purpose that needs no yes", func(m *consent.Manifest) { m.Notes = nil }, refused},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, err := audit.New(strings.NewReader(whole(t, c.change)))
			require.NoError(t, err)
			require.Equal(t, c.want, findings(t, a, unset))
			require.Equal(t, refused, findings(t, a, strings.Replace(unset, "unset", "denied", 1)))
			require.Empty(t, findings(t, a, strings.Replace(unset, "unset", "granted", 1)))
		})
	}
}

func row(name, value string) string {
	fields := map[string]string{"name": "a", "tier": "strict", "retention": "30 days", "form": "^a$", "transform": ""}
	fields[name] = value
	text, _ := json.Marshal(fields) // strings only: cannot fail
	return string(text)
}

func TestManifestSaysTheBits(t *testing.T) {
	for _, c := range []struct {
		name, transform, address, said string
		want                           []string
	}{
		{"as declared", "truncated to 20 bits (IPv4) or 40 (IPv6), with consent to 28 or 52; absent elsewhere", "203.0.16.0", "denied", nil},
		{"beyond", "truncated to 20 bits (IPv4) or 40 (IPv6), with consent to 28 or 52", "203.0.113.0", "denied", []string{"a bits"}},
		{"with consent", "truncated to 20 bits (IPv4) or 40 (IPv6), with consent to 28 or 52", "203.0.113.16", "granted", nil},
		{"IPv6", "truncated to 20 bits (IPv4) or 40 (IPv6), with consent to 28 or 52", "2001:db8:ff00::", "denied", nil},
		{"IPv6 beyond", "truncated to 20 bits (IPv4) or 40 (IPv6), with consent to 28 or 52", "2001:db8:ff80::", "denied", []string{"a bits"}},
		{"the same with consent", "truncated to 8 bits (IPv4) or 16 (IPv6)", "203.1.0.0", "granted", []string{"a bits"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			address := strings.Replace(row("transform", c.transform), "^a$", "", 1)
			a, err := audit.New(strings.NewReader(`{"log":[` + address + `,` + strings.Replace(row("name", "consent.state"), "^a$", "", 1) + `]}`))
			require.NoError(t, err)
			require.Equal(t, c.want, findings(t, a, `{"a":"`+c.address+`","consent.state":"`+c.said+`"}`))
		})
	}
}

func TestManifestFaults(t *testing.T) {
	for _, c := range []struct{ name, manifest, want string }{
		{"nothing", "", "manifest: is not the JSON"},
		{"a page", "<html>", "manifest: is not the JSON"},
		{"no fields", `{"cookies":[]}`, "manifest: log: has 0 fields"},
		{"too many fields", `{"log":[` + strings.Repeat(row("name", "a")+",", 256) + row("name", "b") + `]}`, "manifest: log: has 257 fields"},
		{"too large", `{"x":"` + strings.Repeat("x", 1<<20) + `"}`, "manifest: is larger than 1 MiB"},
		{"no name", `{"log":[` + row("name", "") + `]}`, "log[0].name: is not 1 to 64"},
		{"a name for a terminal", `{"log":[` + row("name", "\x1b[2J") + `]}`, "log[0].name: is not 1 to 64"},
		{"twice", `{"log":[` + row("name", "a") + "," + row("name", "a") + `]}`, "log[1].name: is declared twice"},
		{"tier", `{"log":[` + row("tier", "public") + `]}`, "log[0].tier: is neither"},
		{"retention", `{"log":[` + row("retention", "for long") + `]}`, "log[0].retention: is no length of time"},
		{"no retention", `{"log":[` + row("retention", "0 days") + `]}`, "log[0].retention: is no length of time"},
		{"form", `{"log":[` + row("form", "(") + `]}`, "log[0].form: is not a regular expression"},
		{"bits", `{"log":[` + row("transform", "truncated to 33 bits (IPv4) or 32 (IPv6)") + `]}`, "log[0].transform: gives bits that no address has"},
		{"bits with consent", `{"log":[` + row("transform", "truncated to 8 bits (IPv4) or 32 (IPv6), with consent to 8 or 129") + `]}`, "log[0].transform"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := audit.New(strings.NewReader(c.manifest))
			require.ErrorContains(t, err, c.want)
			require.ErrorContains(t, err, "audit: manifest: ")
		})
	}
	_, err := audit.New(iotest.ErrReader(errors.New("broken disk")))
	require.ErrorContains(t, err, "audit: manifest: broken disk")
}

func TestEveryFaultOfAManifestIsNamed(t *testing.T) {
	_, err := audit.New(strings.NewReader(`{"log":[` + row("tier", "x") + `,` + row("form", "(") + `,` + row("retention", "") + `]}`))
	for _, want := range []string{"log[0].tier", "log[1].form", "log[1].name", "log[2].retention"} {
		require.ErrorContains(t, err, want)
	}
}

func FuzzNew(f *testing.F) {
	// Short ones: the fuzzer spends its time on making long ones shorter.
	f.Add(`{"log":[` + row("form", "^(a|b)*$") + `]}`)
	f.Add(`{"log":[` + row("transform", "truncated to 16 bits (IPv4) or 32 (IPv6), with consent to 24 or 48") + `]}`)
	f.Add(`{"granted_by":"a","purposes":[{"purpose":"a","basis":"objection"}],"log":[{"name":"a"}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		if a, err := audit.New(strings.NewReader(text)); err == nil {
			findings(t, a, `{"a":"b","client.address":"203.0.113.77"}`)
		}
	})
}
