package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// needChromium skips, or fails where everything must run.
func needChromium(t *testing.T) {
	t.Helper()
	if os.Getenv("CANDOR_CHROMIUM") != "" {
		return
	}
	if _, err := exec.LookPath("chromium"); err != nil {
		if os.Getenv("CANDOR_REQUIRE") == "1" {
			t.Fatal("no chromium; install Debian's package")
		}
		t.Skip("no chromium; install Debian's package")
	}
}

// reviewed runs the command and returns what it printed, its report and its code.
func reviewed(t *testing.T, args ...string) (printed, report string, code int) {
	t.Helper()
	needChromium(t)
	name := filepath.Join(t.TempDir(), "report.html")
	var out, failed bytes.Buffer
	code = run(t.Context(), append([]string{"-report", name}, args...), &out, &failed)
	require.Empty(t, failed.String())
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	return out.String(), string(text), code
}

// planted is a site that knows nothing of consent, with one fault of each kind.
func planted(t *testing.T) string {
	t.Helper()
	pixel := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/landing":
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprint(w, `<!doctype html><title>elsewhere</title><a href="/lost">further</a>`)
			return
		case "/lost":
			t.Error("another site is crawled")
		}
		w.Header().Set("Content-Type", "image/gif")
		_, _ = w.Write([]byte("GIF89a\x01\x00\x01\x00\x00\x00\x00;"))
	}))
	t.Cleanup(pixel.Close)
	// Another name for this machine, and so another site.
	elsewhere := strings.Replace(pixel.URL, "127.0.0.1", "localhost", 1)
	page := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprint(w, "<!doctype html><title>page</title>"+body)
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", page(`<a href="/second">second</a><img src="`+elsewhere+`/pixel.gif?id=visitor-4711" alt="">`))
	mux.HandleFunc("GET /second", page(`<a href="/third">third</a><script>
		document.cookie = "scripted=secret-value; path=/";
		localStorage.setItem("uid", "secret-value");
		sessionStorage.setItem("tab", "1");
		indexedDB.open("profile");
	</script>`))
	third := page(`third <a href="/out">elsewhere</a>`)
	mux.HandleFunc("GET /out", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere+"/landing", http.StatusFound)
	})
	mux.HandleFunc("GET /third", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "late", Value: "secret-value", Path: "/"})
		third(w, r)
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.URL
}

func TestFindsWhatWasPlanted(t *testing.T) {
	printed, report, code := reviewed(t, "-manifest", "none", planted(t))
	require.Equal(t, exitFound, code, printed)
	for _, want := range []string{
		`first visit: request "localhost:`, `/pixel.gif" on /: `,
		`first visit: cookie "scripted" on /second: is not declared`,
		`first visit: local storage "uid" on /second`,
		`first visit: session storage "tab" on /second`,
		`first visit: IndexedDB "profile" on /second`,
		`first visit: cookie "late" on /third: is not declared`,
	} {
		require.Contains(t, printed, want)
	}
	require.NotContains(t, printed, "/landing", "a link that leads elsewhere is the visitor's own way")
	for _, text := range []string{printed, report} {
		require.NotContains(t, text, "secret-value")
		require.NotContains(t, text, "4711", "queries are not shown")
	}
	require.Contains(t, report, "no button matches", "it says what it could not look at")
}

func TestQuickstartKeepsItsManifest(t *testing.T) {
	needChromium(t)
	url, log, ledger := quickstart(t)
	printed, report, code := reviewed(t, "-page", "/login", "-ledger", ledger, url, log)
	require.Equal(t, exitClean, code, printed)
	require.Contains(t, report, "Nothing was found")
	require.NotContains(t, report, "Not looked at")
	require.Contains(t, report, "<code>visits</code>", "the yes was given")
	require.Contains(t, report, "3 entries: 1 grants, 1 refusals, 1 withdrawals")
	require.Contains(t, report, "30 days", "how long what is kept")

	// The same site against a manifest of nothing: every cookie is a finding.
	printed, _, code = reviewed(t, "-max", "1", "-manifest", "none", url)
	require.Equal(t, exitFound, code)
	require.Contains(t, printed, `accepted: cookie "visits"`)

	// A line that does not belong into the log is found in it.
	f, err := os.OpenFile(log, os.O_APPEND|os.O_WRONLY, 0o600)
	require.NoError(t, err)
	_, err = f.WriteString(`{"time":"2026-11-24T09:12:30Z","user.email":"jane@mail.example"}` + "\n")
	require.NoError(t, err)
	require.NoError(t, f.Close())
	printed, _, code = reviewed(t, "-max", "1", url, log)
	require.Equal(t, exitFound, code)
	require.Contains(t, printed, "log: undeclared")
	require.NotContains(t, printed, "jane")

	// And so is a record that is not what was written.
	segment := filepath.Join(ledger, "00000000000000000001.records")
	text, err := os.ReadFile(segment)
	require.NoError(t, err)
	text[bytes.Index(text, []byte("analytics"))] ^= 1
	require.NoError(t, os.WriteFile(segment, text, 0o600))
	printed, _, code = reviewed(t, "-max", "1", "-ledger", ledger, url)
	require.Equal(t, exitFound, code)
	require.Contains(t, printed, "ledger: payload")
}

func TestCannotLook(t *testing.T) {
	for name, args := range map[string][]string{
		"no address":     {},
		"not an address": {"shop.example"},
		"no manifest":    {"http://127.0.0.1:1/"},
		"bad flag":       {"-max", "0", "http://127.0.0.1:1/"},
	} {
		var out, failed bytes.Buffer
		require.Equal(t, exitFailed, run(t.Context(), args, &out, &failed), name)
		require.NotEmpty(t, failed.String(), name)
	}
}
