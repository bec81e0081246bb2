package migrate_test

import (
	"bytes"
	"context"
	"fmt"
	"go/parser"
	"go/token"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/examples/migrate/before"
	"github.com/candorhttp/candor/examples/migrate/enforce"
	"github.com/candorhttp/candor/examples/migrate/events"
	"github.com/candorhttp/candor/examples/migrate/roastery"
	"github.com/candorhttp/candor/examples/migrate/sealed"
	"github.com/candorhttp/candor/examples/migrate/watch"
)

var secret = bytes.Repeat([]byte("s"), 32)

func keys(t testing.TB) consent.Keys {
	t.Helper()
	k, err := consent.ParseKeys(consent.GenerateKey())
	require.NoError(t, err)
	return k
}

// step is one state of the service.
type step struct {
	name string
	make func(t *testing.T, out io.Writer, collect roastery.Collector) http.Handler
	asks bool // the visitor is asked for consent
	// page is what the statistics hear of the page of an order.
	page string
}

var steps = []step{
	{"before", func(t *testing.T, out io.Writer, c roastery.Collector) http.Handler {
		h, err := before.New(secret, out, c)
		require.NoError(t, err)
		return h
	}, false, "/orders/1204"},
	{"watch", func(t *testing.T, out io.Writer, c roastery.Collector) http.Handler {
		s, err := watch.New(secret, keys(t), out, c)
		require.NoError(t, err)
		return s
	}, false, "/orders/1204"},
	{"enforce", func(t *testing.T, out io.Writer, c roastery.Collector) http.Handler {
		h, err := enforce.New(secret, keys(t), out, c)
		require.NoError(t, err)
		return h
	}, true, "/orders/1204"},
	{"sealed", func(t *testing.T, out io.Writer, c roastery.Collector) http.Handler {
		h, err := sealed.New(secret, keys(t), out, c)
		require.NoError(t, err)
		return h
	}, true, "/orders/1204"},
	{"events", func(t *testing.T, out io.Writer, c roastery.Collector) http.Handler {
		s, err := events.New(secret, keys(t), out, c)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, s.Events.Shutdown(context.Background())) })
		return s
	}, true, "/orders/{id}"},
}

// visitor is a browser at one running step.
type visitor struct {
	t      *testing.T
	url    string
	client *http.Client
	log    *buffer
	told   *told
}

type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string { b.mu.Lock(); defer b.mu.Unlock(); return b.text.String() }

// told is what the team's statistics heard.
type told struct {
	mu    sync.Mutex
	views []roastery.View
}

func (v *told) collect(view roastery.View) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.views = append(v.views, view)
}

// heard waits until the statistics have a page, which events reach a moment later.
func (v *told) heard(t *testing.T, page string) {
	t.Helper()
	require.Eventually(t, func() bool {
		return slices.ContainsFunc(v.all(), func(view roastery.View) bool { return view.Page == page })
	}, 10*time.Second, 5*time.Millisecond, page)
}

func (v *told) all() []roastery.View { v.mu.Lock(); defer v.mu.Unlock(); return slices.Clone(v.views) }

func (s step) visit(t *testing.T) *visitor {
	t.Helper()
	v := &visitor{t: t, log: &buffer{}, told: &told{}}
	server := httptest.NewServer(s.make(t, v.log, v.told.collect))
	t.Cleanup(server.Close)
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	v.url, v.client = server.URL, &http.Client{Jar: jar}
	return v
}

// do sends a request and returns the page it ends at, and what was set on the way.
func (v *visitor) do(method, path string, form url.Values) (body string, set []string) {
	v.t.Helper()
	client := *v.client
	client.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		set = append(set, r.Response.Header["Set-Cookie"]...)
		return nil
	}
	r, err := http.NewRequest(method, v.url+path, strings.NewReader(form.Encode()))
	require.NoError(v.t, err)
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.Header.Set("User-Agent", "Canary/1.0 (unit 4711)")
	w, err := client.Do(r)
	require.NoError(v.t, err)
	defer w.Body.Close()
	text, err := io.ReadAll(w.Body)
	require.NoError(v.t, err)
	require.Equal(v.t, 200, w.StatusCode, path)
	return string(text), append(set, w.Header["Set-Cookie"]...)
}

func names(set []string) (out []string) {
	for _, line := range set {
		name, _, _ := strings.Cut(line, "=")
		out = append(out, name)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// The service's own tests, as they were before anybody thought of consent. Where
// the visitor is asked, it is one who agrees.
func TestTheServiceWorksAtEveryStep(t *testing.T) {
	for _, s := range steps {
		t.Run(s.name, func(t *testing.T) {
			v := s.visit(t)
			if s.asks {
				v.do("POST", "/privacy/decision", url.Values{"action": {"accept"}})
			}
			body, _ := v.do("GET", "/", nil)
			require.Contains(t, body, "Beans of the week")
			require.NotContains(t, body, "Signed in")

			body, _ = v.do("POST", "/login", url.Values{"email": {"jane@mail.example"}})
			require.Contains(t, body, "Signed in as <b>jane@mail.example</b>")
			body, _ = v.do("GET", "/orders/1204", nil)
			require.Contains(t, body, "Order 1204")
			require.Contains(t, body, "Signed in")

			body, _ = v.do("POST", "/roast", url.Values{"roast": {"dark"}})
			require.Contains(t, body, `data-roast="dark"`)

			body, _ = v.do("POST", "/logout", url.Values{})
			require.NotContains(t, body, "Signed in")
			require.Contains(t, body, `name="email" value="jane@mail.example"`, "the address is filled in the next time")

			v.told.heard(t, s.page)
			views := v.told.all()
			require.NotEmpty(t, views[0].Visitor)
			require.Equal(t, views[0].Visitor, views[len(views)-1].Visitor, "one visitor is one visitor")
		})
	}
}

// What each step makes true, beginning with what was not.
func TestWhatEachStepMakesTrue(t *testing.T) {
	const order = "/orders/1204?mail=jane%40mail.example"
	leaks := func(log string) (found []string) {
		for _, canary := range []string{"1204", "jane", "127.0.0.1", "Canary/1.0"} {
			if strings.Contains(log, canary) {
				found = append(found, canary)
			}
		}
		return found
	}
	first := func(s step) (*visitor, []string) {
		v := s.visit(t)
		_, set := v.do("GET", order, nil)
		return v, names(set)
	}

	v, set := first(steps[0])
	require.Equal(t, []string{"_visitor"}, set, "before: an identifier before anybody was asked")
	require.Equal(t, []string{"1204", "jane", "127.0.0.1"}, leaks(v.log.String()), "before: the log has it all")
	require.Contains(t, v.told.all()[0].String(), "127.0.0.1:")

	v, set = first(steps[1])
	require.Equal(t, []string{"_visitor"}, set, "watch: the visitor notices nothing")
	require.Empty(t, leaks(v.log.String()))
	require.Contains(t, v.log.String(), `"http.route":"/orders/{id}"`)

	for _, s := range steps[2:] {
		v, set = first(s)
		require.Empty(t, set, s.name)
		require.Empty(t, leaks(v.log.String()), s.name)
		require.Empty(t, v.told.all(), s.name)
		v.do("POST", "/roast", url.Values{"roast": {"dark"}})
		_, set := v.do("POST", "/login", url.Values{"email": {"jane@mail.example"}})
		require.Equal(t, []string{"session"}, names(set), s.name)
		body, _ := v.do("GET", "/", nil)
		require.Contains(t, body, `value="accept"`, "%s: the visitor is asked", s.name)

		v.do("POST", "/privacy/decision", url.Values{"action": {"accept"}})
		v.do("POST", "/roast", url.Values{"roast": {"dark"}})
		v.do("GET", "/orders/1204", nil)
		v.told.heard(t, s.page)
		_, set = v.do("POST", "/privacy/withdraw", url.Values{})
		require.Contains(t, names(set), "roast", "%s: taken back, the cookies are expired", s.name)
		heard := len(v.told.all())
		body, _ = v.do("GET", "/", nil)
		require.Contains(t, body, "Signed in", "%s: the session is not touched", s.name)
		require.Len(t, v.told.all(), heard, s.name)
	}

	v = steps[4].visit(t)
	v.do("POST", "/privacy/decision", url.Values{"action": {"accept"}})
	v.do("GET", order, nil)
	v.told.heard(t, "/orders/{id}")
	require.Empty(t, leaks(fmt.Sprint(v.told.all())), "events: the statistics do not hear it either")

	v = steps[2].visit(t)
	v.do("POST", "/privacy/decision", url.Values{"action": {"accept"}})
	_, set = v.do("POST", "/login", url.Values{"email": {"jane@mail.example"}})
	require.Contains(t, strings.Join(set, "\n"), "last_login=jane@mail.example", "enforce: readable in the browser")
	v = steps[3].visit(t)
	v.do("POST", "/privacy/decision", url.Values{"action": {"accept"}})
	_, set = v.do("POST", "/login", url.Values{"email": {"jane@mail.example"}})
	require.Contains(t, names(set), "last_login")
	require.NotContains(t, strings.Join(set, "\n"), "jane", "sealed: no longer")
}

// A day in report mode gives the inventory to begin with.
func TestSurveyIsTheFirstInventory(t *testing.T) {
	service, err := watch.New(secret, keys(t), io.Discard, func(roastery.View) {})
	require.NoError(t, err)
	server := httptest.NewServer(service)
	defer server.Close()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	v := &visitor{t: t, url: server.URL, client: &http.Client{Jar: jar}}
	v.do("GET", "/", nil)
	v.do("POST", "/login", url.Values{"email": {"jane@mail.example"}})
	v.do("POST", "/roast", url.Values{"roast": {"dark"}})
	source := string(service.Gate.Survey().GoSource())
	_, err = parser.ParseFile(token.NewFileSet(), "inventory.go", source, parser.AllErrors)
	require.NoError(t, err)
	for _, name := range []string{"session", "roast", "last_login", "_visitor"} {
		require.Contains(t, source, `"`+name+`"`)
	}
	require.NotContains(t, source, "jane")
	t.Log(source)
}
