package browser_test

import (
	"context"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/cookies"
)

// kept is a cookie as the browser keeps it, all but its value.
type kept struct {
	Name, Domain, Path string
	Secure, HTTPOnly   bool
	SameSite           string
	Days               int    // rounded; -1 until the browser closes
	Partition          string // top-level site that it is kept apart for
}

func sorted(jar []kept) []kept {
	slices.SortFunc(jar, func(a, b kept) int {
		return strings.Compare(strings.Join([]string{a.Name, a.Domain, a.Path, a.Partition}, " "), strings.Join([]string{b.Name, b.Domain, b.Path, b.Partition}, " "))
	})
	return jar
}

// wholeJar returns everything that the browser keeps, for whatever site.
func (b browser) wholeJar() []kept {
	b.t.Helper()
	held := run(b, func(ctx context.Context, t *chromedp.Target) (storage.GetCookiesResult, error) {
		return chromedp.Call(ctx, storage.GetCookies, storage.GetCookiesParams{})
	})
	jar := []kept{}
	for _, c := range held.Cookies {
		k := kept{Name: c.Name, Domain: c.Domain, Path: c.Path, Secure: c.Secure, HTTPOnly: c.HTTPOnly, SameSite: string(c.SameSite), Days: -1}
		if !c.Session {
			k.Days = int(math.Round(time.Until(time.UnixMilli(int64(c.Expires*1000))).Hours() / 24))
		}
		if c.PartitionKey != nil {
			k.Partition = c.PartitionKey.TopLevelSite
		}
		jar = append(jar, k)
	}
	return sorted(jar)
}

// promised is what the inventory says that a browser on www.shop.example keeps
// when these purposes are allowed: nothing else, and nothing less.
func promised(purposes ...consent.Purpose) []kept {
	jar := []kept{}
	for _, spec := range inventory() {
		if !slices.Contains(purposes, spec.Purpose) {
			continue
		}
		variants := spec.Variants
		if len(variants) == 0 {
			variants = []cookies.Variant{{}}
		}
		for _, v := range variants {
			k := kept{
				Name: strings.ReplaceAll(spec.Name, "*", "X"), Domain: shopHost, Path: "/", Secure: true, HTTPOnly: !spec.ScriptReadable,
				SameSite: string(network.CookieSameSiteLax), Days: -1,
			}
			if v.Domain != "" {
				k.Domain = "." + v.Domain
			}
			if v.Path != "" {
				k.Path = v.Path
			}
			switch spec.SameSite {
			case http.SameSiteStrictMode:
				k.SameSite = string(network.CookieSameSiteStrict)
			case http.SameSiteNoneMode:
				k.SameSite = string(network.CookieSameSiteNone)
			}
			if spec.Lifetime > 0 {
				k.Days = int(math.Round(spec.Lifetime.Hours() / 24))
			}
			if spec.Partitioned {
				k.Partition = "https://shop.example"
			}
			jar = append(jar, k)
		}
	}
	return jar
}

// choice is the consent cookie as documented, for a choice that was made.
func choice(days int) kept {
	return kept{Name: "__Host-consent", Domain: shopHost, Path: "/", Secure: true, HTTPOnly: true, SameSite: "Lax", Days: days}
}

const grantDays = 180

// daysOfRefusal is how long a refusal is kept: until the same day for everybody
// who refused in this month.
func (b browser) daysOfRefusal() int {
	b.t.Helper()
	for _, k := range b.wholeJar() {
		if k.Name == "__Host-consent" {
			require.GreaterOrEqual(b.t, k.Days, grantDays)
			require.LessOrEqual(b.t, k.Days, grantDays+31)
			return k.Days
		}
	}
	b.t.Fatal("no consent cookie")
	return 0
}

var all = []consent.Purpose{consent.Authentication, consent.Preferences, consent.Analytics}

// Before a choice, after a yes to all, and after it was taken back, the jar
// holds exactly what the inventory says.
func TestJarAcceptThenWithdraw(t *testing.T) {
	b, s := visitorOf(t), newShop(t)
	b.open(s.url(shopHost, "/"))
	require.Equal(t, sorted(promised(consent.Authentication)), b.wholeJar(), "before a choice")

	b.press(accept)
	require.Equal(t, sorted(append(promised(all...), choice(grantDays))), b.wholeJar(), "after a yes")
	b.open(s.url(shopHost, "/"))
	require.Equal(t, "__Host-chips __Host-consent __Host-last __Host-seat __Host-session __Secure-theme _ga _ga_X short xsrf", b.text("#seen"))

	b.open(s.url(shopHost, "/privacy/"))
	b.press(withdraw)
	after := b.wholeJar()
	require.Equal(t, sorted(append(promised(consent.Authentication), choice(b.daysOfRefusal()))), after, "after the withdrawal")
	b.open(s.url(shopHost, "/"))
	require.Equal(t, after, b.wholeJar(), "and it stays so")
	require.Equal(t, "__Host-consent __Host-seat __Host-session xsrf", b.text("#seen"))
}

// A no leaves the essential, and takes away what a script set in spite of it.
func TestJarRefuse(t *testing.T) {
	b, s := visitorOf(t), newShop(t)
	b.open(s.url(shopHost, "/"))
	b.press(refuse)
	want := sorted(append(promised(consent.Authentication), choice(b.daysOfRefusal())))
	require.Equal(t, want, b.wholeJar())

	run(b, chromedp.Evaluate[string](`document.cookie = "_ga_S=1; path=/; max-age=9999; secure; samesite=lax"`))
	require.Len(t, b.wholeJar(), len(want)+1)
	b.open(s.url(shopHost, "/"))
	require.NotContains(t, b.text("#seen"), "_ga_S")
	require.Equal(t, want, b.wholeJar())
}

// A cookie whose declared life is over is gone, the others stay: two years, as
// the page would have it, are cut to the declared ten seconds.
func TestJarExpiry(t *testing.T) {
	b, s := visitorOf(t), newShop(t)
	b.open(s.url(shopHost, "/"))
	b.press(accept)
	held := sorted(append(promised(all...), choice(grantDays)))
	require.Equal(t, held, b.wholeJar())
	held = slices.DeleteFunc(held, func(k kept) bool { return k.Name == "short" })
	require.Eventually(t, func() bool { return slices.Equal(held, b.wholeJar()) }, 4*shortLife, shortLife/20)
	b.open(s.url(shopHost, "/"))
	require.NotContains(t, b.text("#seen"), "short", "the browser did not send it")
}

// When the grant's own time is over, by the site's clock, the browser still
// sends what it has; handlers do not see it, and the visitor is asked again. A
// no then takes all of it away.
func TestJarGrantExpired(t *testing.T) {
	b, s := visitorOf(t), newShop(t)
	b.open(s.url(shopHost, "/"))
	b.press(accept)
	b.open(s.url(shopHost, "/"))
	require.Contains(t, b.text("#seen"), "_ga")

	s.ahead.Store(int64((grantDays + 1) * day))
	b.open(s.url(shopHost, "/"))
	require.Equal(t, "__Host-consent __Host-seat __Host-session xsrf", b.text("#seen"))
	require.Equal(t, 1, b.count(accept), "asked again")
	b.press(refuse)
	for _, k := range b.wholeJar() {
		require.Contains(t, []string{"__Host-consent", "__Host-seat", "__Host-session", "xsrf"}, k.Name)
	}
}

// In a frame of another site the browser neither takes nor sends the consent
// cookie (SameSite=Lax): a choice cannot be made there, and nothing that needs
// one is set. Of the rest it keeps what is declared with SameSite=None, and what
// is partitioned apart for the site around it.
func TestJarInAFrame(t *testing.T) {
	b, s := visitorOf(t), newShop(t)
	b.open(s.url(shopHost, "/?frame"))
	require.Eventually(t, func() bool {
		return run(b, chromedp.Evaluate[string]("document.title")) == "answered 200 200"
	}, 20*time.Second, 20*time.Millisecond)
	want := append(promised(consent.Authentication), kept{
		Name: "__Host-seat", Domain: widgetHost, Path: "/", Secure: true, HTTPOnly: true, SameSite: "None", Days: -1, Partition: "https://shop.example",
	})
	require.Equal(t, sorted(want), b.wholeJar())

	b.open(s.url(widgetHost, "/frame"))
	apart := []string{}
	for _, k := range b.wholeJar() {
		if k.Name == "__Host-seat" && k.Domain == widgetHost {
			apart = append(apart, k.Partition)
		}
	}
	require.ElementsMatch(t, []string{"https://shop.example", "https://widget.example"}, apart)
}
