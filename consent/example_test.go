package consent_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/ledger"
)

// One process serves two sites with a policy each. A Manager is for one policy;
// which one a request belongs to is decided by its host, before anything else.
// Each has keys of its own, so that a choice made on one site counts on that one
// only, and its own ledger.
func Example_hosts() {
	sites := map[string]http.Handler{}
	for host, name := range map[string]string{"shop.example": "Shop", "blog.example": "Blog"} {
		policy := policy()
		policy.Controller.Name = name
		keys, err := consent.ParseKeys(consent.GenerateKey()) // in earnest, from a file a site
		if err != nil {
			panic(err)
		}
		manager, err := consent.New(consent.Config{Policy: policy, Keys: keys, Ledger: ledger.Memory()})
		if err != nil {
			panic(err)
		}
		mux := http.NewServeMux()
		mux.Handle("/privacy/", manager.Handler())
		mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintln(w, name, consent.Allowed(r.Context(), consent.Analytics))
		})
		sites[host] = manager.Middleware(mux)
	}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		site, ok := sites[r.Host]
		if !ok {
			http.Error(w, "no such site", http.StatusMisdirectedRequest)
			return
		}
		site.ServeHTTP(w, r)
	})

	r := httptest.NewRequest("POST", "https://shop.example/privacy/decision", strings.NewReader(`{"grants":{"analytics":true}}`))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	for _, url := range []string{"https://shop.example/", "https://blog.example/", "https://other.example/"} {
		r := httptest.NewRequest("GET", url, nil)
		r.AddCookie(w.Result().Cookies()[0])
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		fmt.Print(w.Body.String())
	}
	// Output:
	// Shop true
	// Blog false
	// no such site
}
