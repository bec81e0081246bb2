package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"sync"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"
)

// visit is what was seen while a visitor was in one state.
type visit struct {
	Name    string // "first visit", "refused", "accepted", "withdrawn"
	Skipped string // why it could not be looked at, "" if it was
	Pages   []string
	Cookies []cookie
	Stored  []stored
	Foreign []foreign
}

// cookie is a cookie in the browser's jar, without its value.
type cookie struct {
	Name, Domain, Path, SameSite  string
	HTTPOnly, Secure, Partitioned bool
	Days                          float64 // of life left; 0: until the browser closes
	Page                          string  // after which it was there first
}

// stored is something that a script stored under a name.
type stored struct{ Kind, Name, Page string }

// foreign is a request to another site.
type foreign struct{ Host, Path, Type, Page string }

const (
	pageTimeout = 20 * time.Second
	settle      = 400 * time.Millisecond // for scripts to do what they do on load
)

// browse makes the four visits, with a new profile for the first and the third.
func browse(ctx context.Context, o *options) ([]visit, []string, error) {
	var all []visit
	var notes []string
	for _, half := range []struct {
		first, then   string
		before, after func(*tab, *options) error
	}{
		{"first visit", "refused", nil, func(t *tab, o *options) error { return t.press(o.site.String(), o.refuse) }},
		{"accepted", "withdrawn", func(t *tab, o *options) error { return t.press(o.site.String(), o.accept) },
			func(t *tab, o *options) error {
				return t.press(o.site.ResolveReference(&url.URL{Path: o.withdrawAt}).String(), o.withdraw)
			}},
	} {
		t, err := open(ctx, o)
		if err != nil {
			return nil, nil, err
		}
		for i, step := range []func(*tab, *options) error{half.before, half.after} {
			name := []string{half.first, half.then}[i]
			if step != nil {
				if err := step(t, o); errors.Is(err, errNoButton) {
					all = append(all, visit{Name: name, Skipped: err.Error()})
					notes = append(notes, fmt.Sprintf("%s: %v; name it with -accept, -refuse, -withdraw.", name, err))
					continue
				} else if err != nil {
					t.close()
					return nil, nil, err
				}
			}
			v, more, err := t.crawl(name, o)
			if err != nil {
				t.close()
				return nil, nil, err
			}
			all, notes = append(all, v), append(notes, more...)
		}
		t.close()
	}
	return all, notes, nil
}

// tab is a browser with a profile of its own and one page open.
type tab struct {
	ctx     context.Context
	cancel  []context.CancelFunc
	profile string
	site    *url.URL

	mu      sync.Mutex
	frame   string // of the page itself
	page    string
	away    bool // a link led to another site, whose requests are its own
	foreign []foreign
}

func open(ctx context.Context, o *options) (*tab, error) {
	program := o.chromium
	if program == "" {
		for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
			if found, err := exec.LookPath(name); err == nil {
				program = found
				break
			}
		}
	}
	if program == "" {
		return nil, errors.New("reviewer: no chromium; install one, or name it with -chromium")
	}
	profile, err := os.MkdirTemp("", "reviewer-*")
	if err != nil {
		return nil, fmt.Errorf("reviewer: %w", err)
	}
	t := &tab{profile: profile, site: o.site}
	allocator := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(profile),
		// So that frames of other sites are seen as part of the page.
		chromedp.Flag("disable-features", "IsolateOrigins,site-per-process,Translate"),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	ctx, cancel := chromedp.NewExecAllocator(ctx, allocator...)
	t.cancel = append(t.cancel, cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.cancel = append(t.cancel, cancel)
	t.ctx = ctx
	if err := chromedp.Listen(ctx, t.hear); err != nil {
		t.close()
		return nil, fmt.Errorf("reviewer: the browser does not start: %w", err)
	}
	if _, err := chromedp.Call(ctx, network.Enable, network.EnableParams{}); err != nil {
		t.close()
		return nil, fmt.Errorf("reviewer: the browser does not answer: %w", err)
	}
	t.mu.Lock()
	t.frame = string(chromedp.FromContext(ctx).Target.TargetID) // a page's main frame has its number
	t.mu.Unlock()
	return t, nil
}

func (t *tab) close() {
	_ = chromedp.Cancel(t.ctx)
	for i := len(t.cancel) - 1; i >= 0; i-- {
		t.cancel[i]()
	}
	_ = os.RemoveAll(t.profile)
}

// hear notes requests that go to other sites. It must not wait.
func (t *tab) hear(event any) {
	e, ok := event.(*network.EventRequestWillBeSent)
	if !ok || e.Request == nil {
		return
	}
	u, err := url.Parse(e.Request.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "ws" && u.Scheme != "wss" || sameSite(t.site.Hostname(), u.Hostname()) {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if e.Type == network.ResourceTypeDocument && string(e.FrameID) == t.frame {
		// The visitor went there, by a link that says so.
		t.away = true
	}
	if t.away {
		return
	}
	f := foreign{Host: u.Host, Path: u.Path, Type: string(e.Type), Page: t.page}
	if !slices.ContainsFunc(t.foreign, func(o foreign) bool { return o.Host == f.Host && o.Path == f.Path }) {
		t.foreign = append(t.foreign, f)
	}
}

func (t *tab) goTo(address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return err
	}
	t.mu.Lock()
	t.page, t.away = u.Path, false
	t.mu.Unlock()
	ctx, cancel := context.WithTimeout(t.ctx, pageTimeout)
	defer cancel()
	_, err = chromedp.Run(ctx, chromedp.Navigate(address))
	time.Sleep(settle)
	return err
}

var errNoButton = errors.New("no button matches")

// press opens a page and clicks a button on it.
func (t *tab) press(address, selector string) error {
	if err := t.goTo(address); err != nil {
		return fmt.Errorf("reviewer: %s does not open: %w", t.page, err)
	}
	ctx, cancel := context.WithTimeout(t.ctx, pageTimeout)
	defer cancel()
	n, err := chromedp.Run(ctx, chromedp.Evaluate[int](fmt.Sprintf("document.querySelectorAll(%q).length", selector)))
	if err != nil || n == 0 {
		return fmt.Errorf("%w %q on %s", errNoButton, selector, t.page)
	}
	// By script, so that it does not matter whether it is in view.
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool](fmt.Sprintf("(document.querySelector(%q).click(), true)", selector))); err != nil {
		return fmt.Errorf("reviewer: the button on %s cannot be pressed: %w", t.page, err)
	}
	time.Sleep(3 * settle)
	return nil
}

// crawl opens pages and looks at what is there after each.
func (t *tab) crawl(name string, o *options) (visit, []string, error) {
	v := visit{Name: name}
	var notes []string
	t.mu.Lock()
	t.foreign = nil
	t.mu.Unlock()
	queue := []string{o.site.String()}
	for _, p := range o.pages {
		queue = append(queue, o.site.ResolveReference(&url.URL{Path: p}).String())
	}
	seen := map[string]bool{}
	for len(queue) > 0 && len(v.Pages) < o.max {
		address := queue[0]
		queue = queue[1:]
		if seen[address] {
			continue
		}
		seen[address] = true
		if err := t.goTo(address); err != nil {
			if len(v.Pages) == 0 {
				return v, nil, fmt.Errorf("reviewer: the site does not open: %w", err)
			}
			// A download, for one, is not a page.
			notes = append(notes, fmt.Sprintf("%s: %s was not shown as a page.", name, t.page))
		}
		v.Pages = append(v.Pages, t.page)
		if err := t.observe(&v); err != nil {
			return v, nil, err
		}
		queue = append(queue, t.links()...)
	}
	if len(queue) > 0 {
		notes = append(notes, fmt.Sprintf("%s: links were left after %d pages; raise -max to follow them.", name, o.max))
	}
	t.mu.Lock()
	v.Foreign = t.foreign
	t.mu.Unlock()
	return v, notes, nil
}

// observe adds what the browser holds now.
func (t *tab) observe(v *visit) error {
	held, err := chromedp.CallBrowser(t.ctx, storage.GetCookies, storage.GetCookiesParams{})
	if err != nil {
		return fmt.Errorf("reviewer: the cookies cannot be read: %w", err)
	}
	for _, c := range held.Cookies {
		got := cookie{
			Name: c.Name, Domain: c.Domain, Path: c.Path, SameSite: string(c.SameSite), HTTPOnly: c.HTTPOnly, Secure: c.Secure,
			Partitioned: c.PartitionKey != nil, Page: t.page,
		}
		if !c.Session {
			got.Days = time.Until(time.Unix(int64(c.Expires), 0)).Hours() / 24
		}
		if !slices.ContainsFunc(v.Cookies, func(o cookie) bool { return o.Name == got.Name && o.Domain == got.Domain && o.Path == got.Path }) {
			v.Cookies = append(v.Cookies, got)
		}
	}
	t.mu.Lock()
	away := t.away
	t.mu.Unlock()
	if away {
		return nil // what is stored there is the other site's
	}
	names, err := chromedp.Run(t.ctx, chromedp.Evaluate[[][2]string](storedScript, chromedp.EvalAwaitPromise))
	if err != nil {
		return nil //nolint:nilerr // not a page that scripts can look at
	}
	for _, n := range names {
		got := stored{Kind: n[0], Name: n[1], Page: t.page}
		if !slices.ContainsFunc(v.Stored, func(o stored) bool { return o.Kind == got.Kind && o.Name == got.Name }) {
			v.Stored = append(v.Stored, got)
		}
	}
	return nil
}

// storedScript lists the names under which scripts stored something.
const storedScript = `(async () => {
	const found = [];
	const add = (kind, names) => { for (const n of names) found.push([kind, String(n)]); };
	try { add("local storage", Object.keys(localStorage)); } catch {}
	try { add("session storage", Object.keys(sessionStorage)); } catch {}
	try { add("IndexedDB", (await indexedDB.databases()).map(d => d.name)); } catch {}
	try { add("cache storage", await caches.keys()); } catch {}
	try { add("service worker", (await navigator.serviceWorker.getRegistrations()).map(r => new URL(r.scope).pathname)); } catch {}
	return found;
})()`

// links returns the addresses of the site's origin that the page links to; none
// where a link of the site led elsewhere.
func (t *tab) links() []string {
	found, err := chromedp.Run(t.ctx, chromedp.Evaluate[[]string](fmt.Sprintf(`(site => [...document.querySelectorAll("a[href]")]
		.filter(a => location.origin === site && a.origin === site && !a.hasAttribute("download"))
		.map(a => a.origin + a.pathname + a.search))(new URL(%q).origin)`, t.site)))
	if err != nil {
		return nil
	}
	return found
}
