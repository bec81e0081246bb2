package examples_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/banner"
	"github.com/candorhttp/candor/consent/ledger"
	"github.com/candorhttp/candor/cookies"
	"github.com/candorhttp/candor/logging"
)

// wrapYourRouter is the README's listing; a test keeps the two the same.
func wrapYourRouter(mux *http.ServeMux, policyJSON []byte) (http.Handler, error) {
	policy, err := consent.ParsePolicy(policyJSON) // your privacy policy as data
	if err != nil {
		return nil, err
	}
	keys, err := consent.KeysFromEnv("CANDOR_KEYS") // go run github.com/candorhttp/candor/consent/keygen
	if err != nil {
		return nil, err
	}
	records := ledger.Memory()
	manager, err := consent.New(consent.Config{Policy: policy, Keys: keys, Ledger: records})
	if err != nil {
		return nil, err
	}
	inventory, err := cookies.NewInventory(policy) // one cookies.Spec for each cookie, as you learn of them
	if err != nil {
		return nil, err
	}
	gate, err := cookies.NewGate(cookies.GateConfig{Inventory: inventory, Consent: manager, Mode: cookies.Report})
	if err != nil {
		return nil, err
	}
	access, err := logging.New(logging.Config{Output: os.Stdout, Consent: manager})
	if err != nil {
		return nil, err
	}
	pages, err := banner.New(manager, banner.Options{Parts: []consent.Describer{inventory, gate, access, records}})
	if err != nil {
		return nil, err
	}
	mux.Handle("/privacy/", pages)
	mux.Handle("/.well-known/gpc.json", pages)
	return access.Middleware(manager.Middleware(gate.Middleware(mux))), nil
}

func Example() {
	_ = os.Setenv("CANDOR_KEYS", consent.GenerateKey())
	policy, err := os.ReadFile("quickstart/policy.json")
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "old", Value: "1"}) // declared nowhere; in report mode it passes
	})
	handler, err := wrapYourRouter(mux, policy)
	if err != nil {
		panic(err)
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest("GET", "/.well-known/gpc.json", nil))
	fmt.Println(w.Code, w.Header().Get("Content-Type"))
	// The line that the log wrote to standard output begins with the time and so
	// is not compared.
}

// The README shows what is compiled here.
func TestReadmeListing(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	source, err := os.ReadFile("wrap_test.go")
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(source), "func wrapYourRouter(mux *http.ServeMux, policyJSON []byte) (http.Handler, error) {\n")
	require.True(t, found)
	body, _, found := strings.Cut(rest, "\n}\n")
	require.True(t, found)
	body = strings.ReplaceAll("\n"+body, "\n\t", "\n")[1:]
	require.Contains(t, string(readme), "```go\n"+body+"\n```")
}

// The listing works, and in report mode nothing changes.
func TestWrapYourRouter(t *testing.T) {
	t.Setenv("CANDOR_KEYS", consent.GenerateKey())
	policy, err := os.ReadFile("quickstart/policy.json")
	require.NoError(t, err)
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "old", Value: r.Header.Get("Cookie")})
	})
	handler, err := wrapYourRouter(mux, policy)
	require.NoError(t, err)
	w := httptest.NewRecorder()
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Cookie", "mine")
	handler.ServeHTTP(w, r)
	require.Equal(t, []string{"old=mine"}, w.Header()["Set-Cookie"])

	t.Setenv("CANDOR_KEYS", "")
	_, err = wrapYourRouter(http.NewServeMux(), policy)
	require.ErrorIs(t, err, consent.ErrNoKeys)
}
