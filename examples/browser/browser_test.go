package browser_test

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// browser is one headless Chromium with an empty profile.
type browser struct {
	t   *testing.T
	ctx context.Context
}

func chromium(t *testing.T, flags ...chromedp.ExecAllocatorOption) browser {
	t.Helper()
	path := os.Getenv("CANDOR_CHROMIUM")
	if path == "" {
		found, err := exec.LookPath("chromium")
		if err != nil {
			const missing = "no chromium; install Debian's package, or name one with CANDOR_CHROMIUM"
			if os.Getenv("CANDOR_REQUIRE") == "1" {
				t.Fatal(missing)
			}
			t.Skip(missing)
		}
		path = found
	}
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	options = append(options, flags...)
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	ctx, _ = chromedp.NewContext(ctx)
	// Cancel waits for the browser to be gone, so that its profile can be removed.
	t.Cleanup(func() { _ = chromedp.Cancel(ctx) })
	return browser{t, ctx}
}

func run[T any](b browser, a chromedp.Action[T]) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, a)
	require.NoError(b.t, err)
	return v
}

func (b browser) open(url string) { b.t.Helper(); run(b, chromedp.Navigate(url)) }

func (b browser) text(selector string) string {
	b.t.Helper()
	return run(b, chromedp.Text(chromedp.CSS(selector)))
}

// press clicks and waits for the page that follows. Where the banner's script
// runs no page follows a choice; then the page is loaded again after it.
func (b browser) press(selector string) {
	b.t.Helper()
	if b.count(".candor-live") > 0 && run(b, chromedp.Evaluate[bool]("!!document.querySelector(`"+selector+"`).closest('.candor-form')")) {
		b.choose(selector)
		b.open(run(b, chromedp.Location()))
		return
	}
	_, err := chromedp.RunResponse(b.ctx, chromedp.Click(chromedp.CSS(selector)))
	require.NoError(b.t, err, selector)
}

// choose clicks in the banner or on the preferences page, without a reload, and
// returns what is announced then.
func (b browser) choose(selector string) string {
	b.t.Helper()
	b.listen()
	run(b, chromedp.Click(chromedp.CSS(selector)))
	return b.said()
}

// listen begins to listen for what is announced next; said waits for it.
func (b browser) listen() {
	b.t.Helper()
	run(b, chromedp.Evaluate[bool](`window.said = new Promise(done => {
		const live = document.querySelector('.candor-live');
		new MutationObserver(() => live.textContent && done(live.textContent)).observe(live, {childList: true});
	}), true`))
}

func (b browser) said() string {
	b.t.Helper()
	return run(b, chromedp.Evaluate[string](`window.said`, chromedp.EvalAwaitPromise))
}

// count returns how many elements there are.
func (b browser) count(selector string) int {
	b.t.Helper()
	return run(b, chromedp.Evaluate[int]("document.querySelectorAll(`"+selector+"`).length"))
}

// jar returns the names of the cookies that the browser holds for the page.
func (b browser) jar() []string {
	b.t.Helper()
	held := run(b, func(ctx context.Context, t *chromedp.Target) (network.GetCookiesResult, error) {
		return chromedp.Call(ctx, network.GetCookies, network.GetCookiesParams{})
	})
	names := []string{}
	for _, c := range held.Cookies {
		names = append(names, c.Name)
	}
	slices.Sort(names)
	return names
}

// scriptsOff turns scripts off for the pages that follow.
func (b browser) scriptsOff() {
	b.t.Helper()
	run(b, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	}))
}
