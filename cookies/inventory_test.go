package cookies_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/ledger"
	"github.com/candorhttp/candor/cookies"
)

func TestInventoryFaults(t *testing.T) {
	for _, tt := range []struct {
		name  string
		spec  cookies.Spec
		fault string
	}{
		{"no name", cookies.Spec{}, "name: is not a cookie name"},
		{"no token", cookies.Spec{Name: "a b"}, "name: is not a cookie name"},
		{"star inside", cookies.Spec{Name: "a*b"}, "name: is not a cookie name"},
		{"everything", cookies.Spec{Name: "*"}, "name: is not a cookie name"},
		{"nearly everything", cookies.Spec{Name: "_*"}, "name: the family is too wide"},
		{"the manager's", cookies.Spec{Name: "__Host-Consent"}, "belongs to the consent manager"},
		{"the manager's by family", cookies.Spec{Name: "con*"}, "belongs to the consent manager"},
		{"unknown purpose", cookies.Spec{Name: "abc", Purpose: "spying"}, `purpose: "spying" is not in the policy`},
		{"unknown recipient", cookies.Spec{Name: "abc", Recipient: "Nobody"}, "recipient: is not among the policy's"},
		{"no description", cookies.Spec{Name: "abc", Description: consent.Text{}}, `description: has no text for language "en"`},
		{"too long a life", cookies.Spec{Name: "abc", Lifetime: 401 * 24 * time.Hour}, "lifetime: is 9624h0m0s"},
		{"negative life", cookies.Spec{Name: "abc", Lifetime: -1}, "lifetime"},
		{"odd SameSite", cookies.Spec{Name: "abc", SameSite: 77}, "same-site: is unknown"},
		{"domain with a dot before it", cookies.Spec{Name: "abc", Variants: []cookies.Variant{{Domain: ".example.com"}}}, "variants[0].domain"},
		{"path without a slash", cookies.Spec{Name: "abc", Variants: []cookies.Variant{{}, {Path: "x"}}}, "variants[1].path"},
		{"path that breaks the line", cookies.Spec{Name: "abc", Variants: []cookies.Variant{{Path: "/;Domain=x"}}}, "variants[0].path"},
		{"__Host- with a domain", cookies.Spec{Name: "__HOST-a", Variants: []cookies.Variant{{Domain: "example.com"}}}, "__Host- cookie has no Domain"},
		{"variant twice", cookies.Spec{Name: "abc", Variants: []cookies.Variant{{}, {}}}, "variants[1]: is given twice"},
		{"not a stored field", cookies.Spec{Name: "Content-Type", Field: true}, "name: is not a field that stores"},
		{"a field with attributes", cookies.Spec{Name: "nel", Field: true, Lifetime: 1}, "field: lifetime, attributes"},
		{"too long a name", cookies.Spec{Name: strings.Repeat("a", 257)}, "name: is longer than 256 bytes"},
		{"a recipient of another purpose", cookies.Spec{Name: "abc", Purpose: consent.Analytics, Recipient: "Adverts Inc."}, `recipient: is not one that the policy names for purpose "analytics"`},
		{"__Http- for scripts", cookies.Spec{Name: "__http-a", ScriptReadable: true}, "script-readable: browsers refuse"},
		{"__Host-Http- for scripts", cookies.Spec{Name: "__Host-Http-a", ScriptReadable: true}, "script-readable: browsers refuse"},
		{"a cookie with groups", cookies.Spec{Name: "abc", Groups: []string{"x"}}, "groups: are for the field Report-To"},
		{"another field with groups", cookies.Spec{Name: "NEL", Field: true, Groups: []string{"x"}}, "groups: are for the field Report-To"},
		{"a group that breaks the line", cookies.Spec{Name: "Report-To", Field: true, Groups: []string{"ok", `x","max_age":9`}}, "groups[1]: is not a token"},
		{"a third-party field", cookies.Spec{Name: "NEL", Field: true, ThirdParty: true}, "third party"},
		{"a third party without a name", cookies.Spec{Name: "abc", ThirdParty: true}, "provider: of a third party's cookie is missing"},
		{"a third party that is the site", cookies.Spec{Name: "abc", ThirdParty: true, Provider: "Shop"}, "or the site itself"},
		{"a third party nobody is told of", cookies.Spec{Name: "abc", ThirdParty: true, Provider: "x"}, "recipient: is missing"},
		{"a third party nowhere", cookies.Spec{Name: "abc", ThirdParty: true}, "variants: are missing"},
		{"a third party on the site", cookies.Spec{Name: "abc", ThirdParty: true, Variants: []cookies.Variant{{Path: "/x"}}}, "variants[0].domain: is missing"},
		{"twice", cookies.Spec{Name: "sid"}, "name: is declared by specs[0] as well"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.spec.Purpose == "" {
				tt.spec.Purpose = necessary
			}
			if tt.spec.Description == nil {
				tt.spec.Description = consent.Text{"en": "-"}
			}
			_, err := cookies.NewInventory(policy(), append(specs(), tt.spec)...)
			require.ErrorContains(t, err, "cookies: inventory: specs[5]")
			require.ErrorContains(t, err, tt.fault)
		})
	}
	_, err := cookies.NewInventory(policy(), cookies.Spec{Name: "a b"}, cookies.Spec{Name: "c d"})
	require.ErrorContains(t, err, "specs[0]")
	require.ErrorContains(t, err, "specs[1]")
}

func TestGateFaults(t *testing.T) {
	_, err := cookies.NewGate(cookies.GateConfig{Mode: 7})
	require.ErrorContains(t, err, "Inventory: is missing")
	require.ErrorContains(t, err, "Mode: is 7")
}

// The manager decides by its own policy; what is essential to the inventory
// alone would pass unasked.
func TestGateWantsOnePolicy(t *testing.T) {
	keys, err := consent.ParseKeys(consent.GenerateKey())
	require.NoError(t, err)
	manager, err := consent.New(consent.Config{Policy: policy(), Keys: keys, Ledger: ledger.Memory()})
	require.NoError(t, err)
	other := policy()
	other.Processing[2].Basis = consent.Essential
	inventory, err := cookies.NewInventory(other, specs()...)
	require.NoError(t, err)
	_, err = cookies.NewGate(cookies.GateConfig{Inventory: inventory, Consent: manager})
	require.ErrorContains(t, err, `Consent: its policy and the inventory's differ on purpose "analytics"; give both the same policy`)
	require.Equal(t, 1, strings.Count(err.Error(), "differ"), "once, however many cookies have it")
}

// One name may be the site's own, a third party's, and another third party's.
func TestThirdPartyCookies(t *testing.T) {
	third := spec("fbp", consent.Marketing)
	third.ThirdParty, third.Provider, third.Recipient = true, "Adverts Inc.", "Adverts Inc."
	third.Variants = []cookies.Variant{{Domain: "adverts.example"}}
	pixel := third
	pixel.Name = "pixel"
	all := append(specs(), third, pixel)
	_, err := cookies.NewInventory(policy(), append(all, third)...)
	require.ErrorContains(t, err, "specs[7] (\"fbp\"): name: is declared by specs[5] as well")

	inventory, err := cookies.NewInventory(policy(), all...)
	require.NoError(t, err)
	var m consent.Manifest
	inventory.Describe(&m)
	require.Equal(t, consent.ManifestCookie{
		Name: "pixel", Purpose: consent.Marketing, Basis: consent.Consent, Provider: "Adverts Inc.", Recipient: "Adverts Inc.",
		Description: consent.Text{"en": "-"}, HTTPOnly: true, Secure: true, SameSite: "Lax", ThirdParty: true,
		Variants: []consent.ManifestVariant{{Domain: "adverts.example", Path: "/"}},
	}, m.Cookies[6])

	// The site's own server has no business setting or reading it.
	s := newSite(t, options{specs: all}, func(w http.ResponseWriter, r *http.Request) {
		sets("pixel=1", "fbp=2")(w, r)
		shows(w, r)
	})
	granted := s.choose("", `{"marketing":true}`)
	w, body := s.get("/", granted+"; pixel=1; fbp=2")
	require.Equal(t, []string{"fbp"}, names(set(w)))
	require.NotContains(t, body, "pixel")
}

func TestInventoryWarnings(t *testing.T) {
	ga, stay := spec("_ga", necessary), spec("stay", necessary)
	stay.Lifetime = year
	inventory, err := cookies.NewInventory(policy(), ga, stay, spec("sid", necessary), spec("cart_*", necessary),
		spec("cart_size", necessary), spec("cart_ad_*", consent.Marketing), spec("cart_ad_x", consent.Marketing))
	require.NoError(t, err)
	require.Len(t, inventory.Warnings(), 3)
	require.Contains(t, inventory.Warnings()[2], "specs[5]: cart_ad_* lies within cart_*, which is for another purpose")
	require.Contains(t, inventory.Warnings()[0], "_ga is a tracking cookie")
	require.Contains(t, inventory.Warnings()[1], "stay is essential and kept for more than a month")
}

func TestInventoryInTheManifest(t *testing.T) {
	fields := cookies.Spec{Name: "NEL", Field: true, Purpose: consent.Analytics, Description: consent.Text{"en": "-"}}
	third := spec("fb_*", consent.Marketing)
	third.Provider, third.Recipient, third.SameSite, third.Partitioned, third.ScriptReadable = "Adverts Inc.", "Adverts Inc.", http.SameSiteNoneMode, true, true
	inventory, err := cookies.NewInventory(policy(), append(specs(), fields, third)...)
	require.NoError(t, err)
	var m consent.Manifest
	inventory.Describe(&m)
	require.Equal(t, []consent.ManifestStorage{{
		Field: "NEL", Purpose: consent.Analytics, Provider: "Shop", Description: consent.Text{"en": "-"},
	}}, m.Storage)
	require.Len(t, m.Cookies, 6)
	require.Equal(t, consent.ManifestCookie{
		Name: "_ga", Purpose: consent.Analytics, Basis: consent.Consent, Provider: "Shop", Description: consent.Text{"en": "-"},
		LifetimeDays: 395, HTTPOnly: true, Secure: true, SameSite: "Lax",
		Variants: []consent.ManifestVariant{{Path: "/"}, {Domain: "example.com", Path: "/"}, {Domain: "www.example.com", Path: "/"}},
	}, m.Cookies[2])
	require.Equal(t, consent.ManifestCookie{
		Name: "fb_*", Purpose: consent.Marketing, Basis: consent.Consent, Provider: "Adverts Inc.", Recipient: "Adverts Inc.",
		Description: consent.Text{"en": "-"}, Secure: true, SameSite: "None", Partitioned: true, Variants: []consent.ManifestVariant{{Path: "/"}},
	}, m.Cookies[5])
}

// Who reads the manifest learns where the gate does less than it says.
func TestGateInTheManifest(t *testing.T) {
	inventory, err := cookies.NewInventory(policy(), specs()...)
	require.NoError(t, err)
	for _, tt := range []struct {
		cfg  cookies.GateConfig
		want []string
	}{
		{cookies.GateConfig{}, nil},
		{cookies.GateConfig{Mode: cookies.Report}, []string{"report mode"}},
		{cookies.GateConfig{Mode: cookies.Report, Insecure: true}, []string{"report mode", "plain http"}},
	} {
		tt.cfg.Inventory = inventory
		gate, err := cookies.NewGate(tt.cfg)
		require.NoError(t, err)
		var m consent.Manifest
		gate.Describe(&m)
		require.Len(t, m.Notes, len(tt.want))
		for i, want := range tt.want {
			require.Contains(t, m.Notes[i], want)
		}
		require.Empty(t, m.Cookies)
	}
}

// Few names and many are found alike: an exact one before the family that it is
// in, and nothing that is not declared.
func TestNamesAreFoundAmongFewAndMany(t *testing.T) {
	for _, many := range []int{1, 12, 13, 40} {
		declared := []cookies.Spec{spec("shop_*", consent.Analytics)}
		for i := range many {
			declared = append(declared, spec(fmt.Sprintf("shop_%d", i), necessary))
		}
		inventory, err := cookies.NewInventory(policy(), declared...)
		require.NoError(t, err)
		gate, err := cookies.NewGate(cookies.GateConfig{Inventory: inventory})
		require.NoError(t, err)
		var shown []*http.Cookie
		h := gate.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { shown = r.Cookies() }))
		r := httptest.NewRequest("GET", "/", nil)
		for i := range many {
			r.AddCookie(&http.Cookie{Name: fmt.Sprintf("shop_%d", i), Value: "1"})
		}
		r.AddCookie(&http.Cookie{Name: "shop_of_the_family", Value: "1"})
		r.AddCookie(&http.Cookie{Name: "unknown", Value: "1"})
		h.ServeHTTP(httptest.NewRecorder(), r)
		require.Len(t, shown, many, "the exact ones need no consent, the family does")
	}
}
