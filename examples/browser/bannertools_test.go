package browser_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

var installNPM = sync.OnceValues(func() ([]byte, error) {
	if _, err := os.Stat("node_modules/axe-core/axe.min.js"); err == nil {
		return nil, nil
	}
	return exec.Command("npm", "ci").CombinedOutput()
})

// fromNPM returns a file of a package that package-lock.json pins, and installs
// those packages first if need be.
func fromNPM(t *testing.T, file string) string {
	t.Helper()
	if out, err := installNPM(); err != nil {
		if os.Getenv("CANDOR_REQUIRE") == "1" {
			t.Fatalf("npm ci: %v\n%s", err, out)
		}
		t.Skip("the packages of package.json are not here and npm cannot install them")
	}
	text, err := os.ReadFile(filepath.Join("node_modules", filepath.FromSlash(file)))
	require.NoError(t, err)
	return string(text)
}

// speak sets the fields that every request carries.
func (b browser) speak(headers map[string]any) {
	b.t.Helper()
	run(b, chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: headers})
		return err
	}))
}

// size sets the window in CSS pixels.
func (b browser) size(width, height int64) {
	b.t.Helper()
	run(b, chromedp.EmulateViewport(width, height))
}

// prefer sets media features, as "prefers-color-scheme", "dark".
func (b browser) prefer(pairs ...string) {
	b.t.Helper()
	var features []*emulation.MediaFeature
	for i := 0; i+1 < len(pairs); i += 2 {
		features = append(features, &emulation.MediaFeature{Name: pairs[i], Value: pairs[i+1]})
	}
	run(b, chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: features})
		return err
	}))
}

// before runs a script at the start of every page from now on.
func (b browser) before(script string) {
	b.t.Helper()
	run(b, chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script})
		return err
	}))
}

// forget empties the cookie jar.
func (b browser) forget() {
	b.t.Helper()
	run(b, chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, network.ClearBrowserCookies, cdp.Empty{})
		return err
	}))
}

// eval returns what an expression comes to, a promise's outcome included.
func eval[T any](b browser, expression string) T {
	b.t.Helper()
	return run(b, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// until waits for an expression to be true.
func (b browser) until(expression string) {
	b.t.Helper()
	ok := eval[bool](b, `new Promise(done => { const end = Date.now() + 15000, look = () => {
		const ok = !!(`+expression+`); ok || Date.now() > end ? done(ok) : setTimeout(look, 20);
	}; look(); })`)
	require.True(b.t, ok, "not within 15 s: %s", expression)
}

// grant makes a choice without the banner: a purpose's name alone is a yes, with
// a "-" before it a no.
func (b browser) grant(purposes ...string) {
	b.t.Helper()
	var grants []string
	for _, p := range purposes {
		name, no := strings.CutPrefix(p, "-")
		yes := "true"
		if no {
			yes = "false"
		}
		grants = append(grants, `"`+name+`":`+yes)
	}
	status := eval[int](b, `fetch('/privacy/decision', {method: 'POST', headers: {'Content-Type': 'application/json'}, body: '{"grants":{`+strings.Join(grants, ",")+`}}'}).then(r => r.status)`)
	require.Equal(b.t, 200, status)
}

// keys presses keys one after the other.
func (b browser) keys(keys ...string) {
	b.t.Helper()
	for _, k := range keys {
		run(b, chromedp.KeyEvent(k))
	}
}
