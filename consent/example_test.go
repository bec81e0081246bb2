package consent_test

import (
	"context"
	"errors"
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

// accounts stands for what a host keeps of its customers.
type accounts map[string][]string

// What the host keeps is exported and erased with the rest, by the name under
// which somebody is signed in. When the policy changes materially, those who
// have an account can be written to.
func ExampleConfig_hostData() {
	orders := accounts{"jane": {"teapot"}}
	keys, err := consent.ParseKeys(consent.GenerateKey())
	if err != nil {
		panic(err)
	}
	manager, err := consent.New(consent.Config{
		Policy: policy(), Keys: keys, Ledger: ledger.Memory(),
		Account: func(r *http.Request) string { return r.Header.Get("X-Signed-In") }, // in earnest, from the session
		HostData: []consent.HostData{{
			Name: "orders",
			Export: func(_ context.Context, p consent.Person) (any, error) {
				return orders[p.Account], nil
			},
			Erase: func(_ context.Context, p consent.Person) error {
				if p.Account == "" {
					return nil // nobody is signed in, so there is nothing of theirs
				}
				delete(orders, p.Account)
				return nil
			},
		}},
		OnMaterialChange: func(ctx context.Context, change consent.MaterialChange) error {
			for range change.Subjects(ctx) {
				return errors.New("write to the account that this subject was kept with")
			}
			return nil
		},
	})
	if err != nil {
		panic(err)
	}
	defer manager.Close(context.Background())
	for _, right := range []string{"history", "erase"} {
		r := httptest.NewRequest("POST", "/privacy/"+right, nil)
		r.Header.Set("Accept", "application/json")
		r.Header.Set("X-Signed-In", "jane")
		w := httptest.NewRecorder()
		manager.Handler().ServeHTTP(w, r)
		fmt.Println(w.Code, len(orders["jane"]))
	}
	// Output:
	// 200 1
	// 200 0
}
