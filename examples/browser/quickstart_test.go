package browser_test

import (
	"bufio"
	"bytes"
	"context"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// quickstart builds and starts the sample shop and returns its address and all
// that it printed so far.
func quickstart(t *testing.T, args ...string) (url string, log func() string) {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "quickstart")
	build := exec.Command("go", "build", "-o", binary, "./examples/quickstart")
	build.Dir = filepath.Join("..", "..")
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))

	printed := &printed{}
	cmd := exec.Command(binary, append([]string{"-addr", "127.0.0.1:0"}, args...)...)
	cmd.Stderr = printed
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	ready, done := make(chan string, 1), make(chan struct{})
	go func() {
		defer close(done)
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			if address, ok := strings.CutPrefix(lines.Text(), "listening on "); ok {
				ready <- address
			}
			_, _ = printed.Write(append(lines.Bytes(), '\n'))
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-done
		require.NoError(t, cmd.Wait(), "ends cleanly")
	})
	select {
	case url = <-ready:
	case <-time.After(20 * time.Second):
		t.Fatal("the shop does not listen:\n" + printed.String())
	}
	return url, printed.String
}

// printed collects what a process prints, from two goroutines.
type printed struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (p *printed) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(b)
}

func (p *printed) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

const (
	accept   = `form button[name=action][value=accept]`
	refuse   = `form button[name=action][value=refuse]`
	withdraw = `form[action="/privacy/withdraw"] button`

	emailField = chromedp.CSS("input[name=email]")
)

var everyPage = []string{"/", "/login", "/users/42", "/search?q=shoes&page=2", "/privacy/"}

// A visitor who says yes, uses the shop, and takes it back.
func TestQuickstartAcceptThenWithdraw(t *testing.T) {
	b := chromium(t)
	url, log := quickstart(t)
	for _, page := range everyPage {
		b.open(url + page)
		require.Empty(t, b.jar(), "no cookie before a choice: %s", page)
	}

	b.open(url + "/")
	first := b.text("#visits")
	require.Equal(t, 1, b.count(accept))
	require.Equal(t, 1, b.count(refuse))
	b.press(accept)
	require.Zero(t, b.count(accept), "nobody is asked twice")
	require.Equal(t, []string{"consent", "exp_goods", "visits"}, b.jar(), "never rogue")

	b.open(url + "/")
	require.NotEqual(t, first, b.text("#visits"), "visits are counted now")
	run(b, chromedp.Evaluate[int](`fetch("/settings", {method: "POST", body: new URLSearchParams({theme: "dark"})}).then(r => r.status)`, chromedp.EvalAwaitPromise))
	b.open(url + "/")
	require.Equal(t, "dark", run(b, chromedp.AttributeValue(chromedp.CSS("html"), "data-theme")).Value)

	b.open(url + "/login")
	run(b, chromedp.SendKeys(emailField, "visitor@example.com"))
	_, err := chromedp.RunResponse(b.ctx, chromedp.Submit(emailField))
	require.NoError(t, err)
	b.open(url + "/login")
	require.Equal(t, "visitor@example.com", run(b, chromedp.Value(emailField)))
	require.Equal(t, []string{"consent", "exp_goods", "last_login", "session", "theme", "visits"}, b.jar())

	b.open(url + "/privacy/")
	b.press(withdraw)
	require.Equal(t, []string{"consent", "session"}, b.jar(), "the login survives, the rest is gone")
	b.open(url + "/")
	require.Equal(t, first, b.text("#visits"))
	require.Equal(t, []string{"consent", "session"}, b.jar())

	require.NotContains(t, log(), "visitor@example.com")
	require.NotContains(t, log(), "shoes")
	require.Contains(t, log(), `"http.route":"/users/{id}"`)
}

// A visitor who says no is left alone, and the site goes on working.
func TestQuickstartRefuse(t *testing.T) {
	b := chromium(t)
	url, _ := quickstart(t)
	b.open(url + "/")
	b.press(refuse)
	require.Equal(t, []string{"consent"}, b.jar())
	require.Zero(t, b.count(accept), "a no is remembered")
	for _, page := range everyPage {
		b.open(url + page)
		require.Equal(t, []string{"consent"}, b.jar(), page)
	}
}

// Without scripts everything works the same.
func TestQuickstartWithoutScripts(t *testing.T) {
	b := chromium(t)
	url, _ := quickstart(t)
	b.scriptsOff()
	b.open(url + "/")
	b.press(accept)
	require.Equal(t, []string{"consent", "exp_goods", "visits"}, b.jar())
	b.open(url + "/privacy/")
	b.press(withdraw)
	require.Equal(t, []string{"consent"}, b.jar())
}

// The figures, as whoever is signed in sees them: styled and drawn although the
// page allows nothing but itself, and no wider than a telephone.
func TestQuickstartFigures(t *testing.T) {
	b := chromium(t)
	url, _ := quickstart(t)
	for range 6 {
		w, err := http.Get(url + "/search?page=1")
		require.NoError(t, err)
		require.NoError(t, w.Body.Close())
	}
	b.open(url + "/login")
	run(b, chromedp.SendKeys(emailField, "owner@example.com"))
	_, err := chromedp.RunResponse(b.ctx, chromedp.Submit(emailField))
	require.NoError(t, err)
	b.open(url + "/privacy/stats")
	require.Contains(t, b.text("main"), "Page views")
	require.Contains(t, b.text("main"), "up to 1", "the page that was searched for")
	require.Equal(t, "rgb(138, 90, 51)", run(b, chromedp.Evaluate[string](`getComputedStyle(document.querySelector("td.bar rect")).fill`)))
	require.Positive(t, run(b, chromedp.Evaluate[float64](`document.querySelector("td.bar rect").getBoundingClientRect().width`)))
	run(b, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: 320, Height: 600, DeviceScaleFactor: 1})
		return err
	}))
	require.LessOrEqual(t, run(b, chromedp.Evaluate[int](`document.documentElement.scrollWidth`)), 320)
}
