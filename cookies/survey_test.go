package cookies_test

import (
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/cookies"
)

// inReport puts a gate into report mode.
func inReport(c *cookies.GateConfig) { c.Mode = cookies.Report }

// oldSite sets what sites set that nobody ever listed.
func oldSite(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/login":
		sets("JSESSIONID=secret; Path=/; HttpOnly; Secure; SameSite=None", "remember=secret; Path=/; Max-Age=7776000; HttpOnly; SameSite=Strict")(w, r)
	case "/cart/jane@example.com":
		http.SetCookie(w, &http.Cookie{Name: "cart", Value: "secret", MaxAge: 5400})
		sets("_ga=secret; Domain=.Example.com; Path=/; Expires="+time.Now().Add(730*24*time.Hour).UTC().Format(http.TimeFormat),
			"_ga=secret; Domain=www.example.com; Path=/a_b-c.d; HttpOnly", "_ga=gone; Path=/old; Max-Age=0")(w, r)
	case "/odd":
		sets("a*=1", "b c=1", "nameless", "big="+strings.Repeat("x", 5000), "consent=forged", strings.Repeat("n", 65)+"=1",
			"place=1; Domain=exa_mple; Path=/", "place=2; Path=/\"+panic(1)//", "chips=1; Path=/; Secure; HttpOnly; Partitioned")(w, r)
	}
}

func TestSurvey(t *testing.T) {
	s := newSite(t, options{config: inReport}, oldSite)
	for range 3 {
		s.get("/login", "made=up; JSESSIONID=x; _ga_made_up=1")
	}
	s.get("/cart/jane@example.com", "")
	s.get("/odd", "")
	got := s.gate.Survey()
	var names []string
	seen := map[string]cookies.Sighting{}
	for _, c := range got.Cookies {
		names = append(names, c.Spec.Name)
		seen[c.Spec.Name] = c
	}
	require.Equal(t, []string{"JSESSIONID", "_ga", "cart", "chips", "place", "remember"}, names, "what handlers set, whole and declarable")
	require.EqualValues(t, 5, got.Left)
	require.Equal(t, []string{"sid", "theme", "_ga_*", "fbp"}, got.Unseen)
	require.Equal(t, cookies.Sighting{
		Spec:  cookies.Spec{Name: "JSESSIONID", SameSite: http.SameSiteNoneMode, Variants: []cookies.Variant{{Path: "/"}}},
		Lines: 3, Routes: []string{"/"},
	}, seen["JSESSIONID"])
	require.Equal(t, 90*24*time.Hour, seen["remember"].Spec.Lifetime)
	require.Equal(t, http.SameSiteStrictMode, seen["remember"].Spec.SameSite)
	require.Equal(t, cookies.Spec{
		Name: "_ga", Purpose: consent.Analytics, Provider: "Shop", Description: consent.Text{"en": "-"},
		Lifetime: cookies.MaxLifetime, ScriptReadable: true,
		Variants: []cookies.Variant{{Domain: "example.com", Path: "/"}, {Domain: "www.example.com", Path: "/a_b-c.d"}},
	}, seen["_ga"].Spec)
	require.True(t, seen["_ga"].Declared)
	require.True(t, seen["cart"].NoPath)
	require.Equal(t, 90*time.Minute, seen["cart"].Spec.Lifetime)
	require.True(t, seen["place"].More)
	require.Empty(t, seen["place"].Spec.Variants)
	require.True(t, seen["chips"].Spec.Partitioned)

	// Of what the client sent, only names that handlers set, and declared ones.
	var read []cookies.Finding
	for _, f := range got.Findings {
		require.Equal(t, "/", f.Route)
		if f.Read {
			read = append(read, f)
		}
	}
	require.ElementsMatch(t, []cookies.Finding{
		{Route: "/", Name: "_ga_*", Read: true, Reason: cookies.NoConsent, Count: 3},
		{Route: "/", Name: "JSESSIONID", Read: true, Reason: cookies.NotDeclared, Count: 2}, // the first came before it was set
	}, read)
	require.Contains(t, got.Findings, cookies.Finding{Route: "/", Name: "big", Reason: cookies.TooLarge, Count: 1})
	require.Contains(t, got.Findings, cookies.Finding{Route: "/", Name: "consent", Reason: cookies.Reserved, Count: 1})

	text := fmt.Sprintf("%+v %s %+v", got, got.GoSource(), s.gate.Stats()) + s.log.String()
	for _, no := range []string{"secret", "jane", "made", "forged", "panic"} {
		require.NotContains(t, text, no)
	}
	require.Empty(t, newSite(t, options{}, oldSite).gate.Survey().Cookies, "in Enforce mode nothing is gathered")
}

// checkSource holds printed source against gofmt and the compiler's parser, and
// against the one form it may have: a function of literals.
func checkSource(t *testing.T, source []byte) (names []string) {
	t.Helper()
	formatted, err := format.Source(source)
	require.NoError(t, err, string(source))
	require.Equal(t, string(formatted), string(source), "gofmt")
	file, err := parser.ParseFile(token.NewFileSet(), "inventory.go", source, parser.ParseComments)
	require.NoError(t, err)
	require.Len(t, file.Decls, 2, "imports and a function")
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr, *ast.FuncLit, *ast.GoStmt, *ast.AssignStmt:
			t.Fatalf("not a literal: %s", source)
		case *ast.KeyValueExpr:
			if k, ok := n.Key.(*ast.Ident); ok && k.Name == "Name" {
				name, err := strconv.Unquote(n.Value.(*ast.BasicLit).Value)
				require.NoError(t, err)
				names = append(names, name)
			}
		}
		return true
	})
	return names
}

// vet compiles files as a program of this module.
func vet(t *testing.T, files map[string]string) {
	t.Helper()
	dir := t.TempDir()
	args := []string{"vet"}
	for name, text := range files {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		args = append(args, path)
	}
	out, err := exec.CommandContext(t.Context(), "go", args...).CombinedOutput()
	require.NoError(t, err, "%s", out)
}

func TestGoSourceIsAnInventory(t *testing.T) {
	s := newSite(t, options{specs: []cookies.Spec{spec("unused", necessary)}, config: inReport}, oldSite)
	require.Empty(t, checkSource(t, s.gate.Survey().GoSource()), "with nothing seen it is a file all the same")
	vet(t, map[string]string{"inventory.go": string(s.gate.Survey().GoSource()), "main.go": "package main\n\nfunc main() { inventory() }\n"})
	for _, path := range []string{"/login", "/cart/jane@example.com", "/odd"} {
		s.get(path, "")
	}
	source := string(s.gate.Survey().GoSource())
	require.Equal(t, []string{"JSESSIONID", "_ga", "cart", "chips", "place", "remember"}, checkSource(t, []byte(source)))
	for _, want := range []string{
		`Name: "JSESSIONID", Purpose: "", SameSite: http.SameSiteNoneMode,`,
		`Name: "remember", Purpose: "", Lifetime: 90 * 24 * time.Hour, SameSite: http.SameSiteStrictMode,`,
		`Name: "_ga", Purpose: "", Lifetime: 400 * 24 * time.Hour, ScriptReadable: true,`,
		`Name: "cart", Purpose: "", Lifetime: 90 * time.Minute, ScriptReadable: true,`,
		`Description: consent.Text{"en": ""}, Variants: []cookies.Variant{{Domain: "example.com", Path: "/"}, {Domain: "www.example.com", Path: "/a_b-c.d"}},`,
		`// Declared and not seen: "unused".`, `// The policy's purposes: "analytics", "marketing", "necessary", "preferences".`,
		`// Set once, on "/".`,
	} {
		require.Contains(t, source, want)
	}
	// What is missing, NewInventory names; once it is there, the site works in
	// Enforce mode as before.
	main := `package main

import (
	"errors"
	"net/http"
)

var _ = []any{errors.New, http.SameSiteLaxMode}

func main() { inventory() }
`
	vet(t, map[string]string{"inventory.go": source, "main.go": main})
	var edited []cookies.Spec
	for _, c := range s.gate.Survey().Cookies {
		edited = append(edited, c.Spec)
	}
	_, err := cookies.NewInventory(policy(), edited...)
	require.ErrorContains(t, err, `specs[5] ("remember"): purpose: "" is not in the policy`)
	for i := range edited {
		edited[i].Purpose, edited[i].Description = necessary, consent.Text{"en": "-"}
	}
	after := newSite(t, options{specs: edited}, oldSite)
	w, _ := after.get("/login", "")
	require.Equal(t, []string{
		"JSESSIONID=secret; Path=/; HttpOnly; Secure; SameSite=None",
		"remember=secret; Path=/; Max-Age=7776000; HttpOnly; SameSite=Strict; Secure",
	}, set(w))
}

// Whoever can make a handler set a cookie of his choice gets no further than
// its name.
func TestNobodyWritesIntoTheSource(t *testing.T) {
	s := newSite(t, options{config: inReport}, func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Set-Cookie"] = []string{r.URL.Query().Get("line")}
	})
	for _, line := range []string{
		`x",}};func init(){panic(1)}//=1`, "a\nfunc init() {}=1", `_*=1`, "`=1", `"=1`, `\u0022=1`, "*/=1", "//go:embed=1", "é=1",
		"ok=1; Path=/\n}", `ok=1; Path=/"}}};func init(){}`, `ok=1; Domain="}}}`, "ok=1; Domain=a\u2028b", "ok=1; Path=/\u202e", "it's|a`token=1",
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.URL.RawQuery = "line=" + hexEscape(line)
		s.handler.ServeHTTP(httptest.NewRecorder(), r)
	}
	require.Equal(t, []string{"`", "it's|a`token", "ok"}, checkSource(t, s.gate.Survey().GoSource()))
}

func hexEscape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, "%%%02x", s[i])
	}
	return b.String()
}

func TestSurveyIsBounded(t *testing.T) {
	s := newSite(t, options{config: inReport}, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/set" {
			return
		}
		for i := range 400 {
			sets(fmt.Sprintf("name%d=1; Path=/", i), fmt.Sprintf("places=1; Path=/%d", i), "places=1; Domain=d"+strconv.Itoa(i)+".example; Path=/")(w, r)
		}
	})
	var cookie strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&cookie, "made_up%d=1; _ga_%d=2; ", i, i)
	}
	for range 2 {
		s.get("/", cookie.String())
		s.get("/set", "")
	}
	got := s.gate.Survey()
	require.Len(t, got.Cookies, 256)
	require.EqualValues(t, 2*(400-255), got.Left)
	require.Len(t, got.Cookies[255].Spec.Variants, 8)
	require.True(t, got.Cookies[255].More)
	require.Less(t, len(got.Findings), 40, "one exchange has at most 32")
	require.True(t, slices.ContainsFunc(got.Findings, func(f cookies.Finding) bool { return f.Name == "(other)" && f.Count > 600 }))
	checkSource(t, got.GoSource())
	stats := s.gate.Stats()
	require.Len(t, stats.Withheld, 257)
	require.EqualValues(t, 6000, stats.HiddenUndeclared)
	require.EqualValues(t, 6000, stats.HiddenNoConsent)
}

// The table of findings is bounded whatever routers call a route.
func TestFindingsAreBounded(t *testing.T) {
	inventory, err := cookies.NewInventory(policy())
	require.NoError(t, err)
	gate, err := cookies.NewGate(cookies.GateConfig{Inventory: inventory, Mode: cookies.Report})
	require.NoError(t, err)
	for i := range 1100 {
		handler := gate.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Pattern = strconv.Itoa(i) + strings.Repeat("x", 200)
			sets("rogue=1", "rogue2=1")(w, r)
		}))
		r := httptest.NewRequest("GET", "/", nil)
		handler.ServeHTTP(httptest.NewRecorder(), r)
	}
	var total uint64
	findings := gate.Survey().Findings
	require.Len(t, findings, 1025)
	for _, f := range findings {
		total += f.Count
		require.LessOrEqual(t, len(f.Route), 128)
	}
	require.EqualValues(t, 2200, total, "none is lost")
}

// The callback is told of each exchange, by route and name, in both modes.
func TestFindingsAreTold(t *testing.T) {
	for _, mode := range []cookies.Mode{cookies.Enforce, cookies.Report} {
		var mu sync.Mutex
		var told []cookies.Finding
		s := newSite(t, options{config: func(c *cookies.GateConfig) {
			c.Mode = mode
			c.OnFinding = func(f cookies.Finding) {
				mu.Lock()
				defer mu.Unlock()
				told = append(told, f)
			}
		}}, nil)
		mux := http.NewServeMux()
		mux.HandleFunc("GET /users/{id}", func(w http.ResponseWriter, r *http.Request) {
			sets("rogue=1", "rogue=2", "_ga=3", "sid=4")(w, r)
			w.Header().Set("NEL", "x")
			w.WriteHeader(204)
		})
		server := httptest.NewServer(s.manager.Middleware(s.gate.Middleware(mux)))
		w, err := server.Client().Do(request(t, server.URL+"/users/42", "made=up; fbp=1; sid=2"))
		require.NoError(t, err)
		w.Body.Close()
		server.Close()
		const route = "GET /users/{id}"
		require.ElementsMatch(t, []cookies.Finding{
			{Route: route, Name: "fbp", Read: true, Reason: cookies.NoConsent, Count: 1},
			{Route: route, Name: "rogue", Reason: cookies.NotDeclared, Count: 2},
			{Route: route, Name: "_ga", Reason: cookies.NoConsent, Count: 1},
			{Route: route, Name: "nel", Reason: cookies.NotDeclared, Count: 1},
		}, told)
		require.Equal(t, "no consent", told[0].Reason.String())
	}
}

func request(t *testing.T, url, cookie string) *http.Request {
	t.Helper()
	r, err := http.NewRequest("GET", url, nil)
	require.NoError(t, err)
	r.Header.Set("Cookie", cookie)
	return r
}

// Whatever handlers set: the source is formatted, parses, holds literals and
// declares no family, and the inventory it declares is faulty only where it has
// gaps.
func FuzzGoSource(f *testing.F) {
	f.Add("a=1; Path=/x; Domain=.b.example", "a=2; Expires=Wed, 24 Nov 2027 12:00:00 GMT", "GET /{$}")
	f.Add("a`\"b=1; Max-Age=61; HttpOnly", "__Host-a=1; Path=/x; SameSite=None", "/\n")
	f.Fuzz(func(t *testing.T, one, two, route string) {
		inventory, err := cookies.NewInventory(policy(), specs()...)
		require.NoError(t, err)
		gate, err := cookies.NewGate(cookies.GateConfig{Inventory: inventory, Mode: cookies.Report})
		require.NoError(t, err)
		gate.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Pattern = route
			sets(one, two)(w, r)
		})).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/secret", nil))
		survey := gate.Survey()
		names := checkSource(t, survey.GoSource())
		require.Len(t, survey.Cookies, len(names))
		for i, name := range names {
			require.Equal(t, survey.Cookies[i].Spec.Name, name)
			require.NotContains(t, name, "*")
			require.True(t, strings.Contains(one, name) || strings.Contains(two, name))
			spec := survey.Cookies[i].Spec
			spec.Purpose, spec.Description, spec.ScriptReadable = necessary, consent.Text{"en": "-"}, false
			if strings.HasPrefix(strings.ToLower(name), "__host-") {
				spec.Variants = nil // browsers refused it
			}
			_, err := cookies.NewInventory(policy(), spec)
			require.NoError(t, err)
		}
	})
}
