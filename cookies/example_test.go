package cookies_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/ledger"
	"github.com/candorhttp/candor/cookies"
)

// shopPolicy has the purposes authentication (essential), preferences,
// login_memory and analytics.
func shopPolicy() consent.Policy {
	declare := func(p consent.Purpose, n int, b consent.Basis) consent.Processing {
		t := consent.Text{"en": string(p)}
		return consent.Processing{Purpose: p, Number: n, Basis: b, Title: t, Text: t, Retention: t}
	}
	return consent.Policy{
		Version: 1, Effective: "2026-11-01", Languages: []string{"en"},
		Controller: consent.Controller{Name: "Shop", Address: "1 Road", Email: "privacy@shop.example"},
		Authority:  consent.Authority{Name: "Authority", URL: "https://authority.example"},
		Processing: []consent.Processing{
			declare(consent.Authentication, 1, consent.Essential), declare(consent.Preferences, 2, consent.Consent),
			declare(consent.LoginMemory, 3, consent.Consent), declare(consent.Analytics, 4, consent.Consent),
		},
	}
}

// shopCookies is the inventory of a shop.
func shopCookies() *cookies.Inventory {
	inventory, err := cookies.NewInventory(shopPolicy(),
		cookies.Spec{Name: "session", Purpose: consent.Authentication, Description: consent.Text{"en": "Says who is signed in."}},
		cookies.Spec{Name: "theme", Purpose: consent.Preferences, Lifetime: 180 * 24 * time.Hour, Description: consent.Text{"en": "Light or dark."}},
	)
	if err != nil {
		panic(err)
	}
	return inventory
}

func shopManager() (*consent.Manager, consent.Keys) {
	keys, err := consent.ParseKeys(consent.GenerateKey())
	if err != nil {
		panic(err)
	}
	manager, err := consent.New(consent.Config{Policy: shopPolicy(), Keys: keys, Ledger: ledger.Memory()})
	if err != nil {
		panic(err)
	}
	return manager, keys
}

// An inventory is checked against the policy; every fault is named at once.
func ExampleNewInventory() {
	_, err := cookies.NewInventory(shopPolicy(),
		cookies.Spec{Name: "_ga_*", Purpose: consent.Marketing, Description: consent.Text{"en": "Counts visits."}},
		cookies.Spec{
			Name: "__Host-id", Purpose: consent.Analytics, Lifetime: 800 * 24 * time.Hour,
			Variants: []cookies.Variant{{Domain: "shop.example"}},
		},
	)
	fmt.Println(err)
	// Output:
	// cookies: inventory: specs[0] ("_ga_*"): purpose: "marketing" is not in the policy; declare it there or choose another
	// cookies: inventory: specs[1] ("__Host-id"): description: has no text for language "en"; write one
	// cookies: inventory: specs[1] ("__Host-id"): lifetime: is 19200h0m0s; choose 0 to 400 days, which is what browsers keep
	// cookies: inventory: specs[1] ("__Host-id"): variants[0]: a __Host- cookie has no Domain and Path=/; leave the variant out or rename the cookie
}

// Without a choice only essential cookies go out, hardened, and handlers see no
// others.
func ExampleGate() {
	manager, _ := shopManager()
	gate, err := cookies.NewGate(cookies.GateConfig{Inventory: shopCookies(), Consent: manager})
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Println("handler sees:", r.Header.Get("Cookie"))
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "1", Path: "/"})
		http.SetCookie(w, &http.Cookie{Name: "theme", Value: "dark", Path: "/"})
		http.SetCookie(w, &http.Cookie{Name: "tracker", Value: "2", Path: "/"})
	})
	handler := manager.Middleware(gate.Middleware(mux))

	r := httptest.NewRequest("GET", "https://shop.example/", nil)
	r.Header.Set("Cookie", "session=0; theme=light; tracker=9")
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	for _, line := range w.Header()["Set-Cookie"] {
		fmt.Println("browser gets:", line)
	}
	stats := gate.Stats()
	fmt.Println("withheld:", stats.NoConsent, "without consent,", stats.Undeclared, "not declared")
	// Output:
	// handler sees: session=0
	// browser gets: session=1; Path=/; Secure; HttpOnly; SameSite=Lax
	// withheld: 1 without consent, 1 not declared
}

// On an existing site the gate begins in Report mode. After a day its survey,
// printed, is the first inventory.
func ExampleSurvey_GoSource() {
	nothing, err := cookies.NewInventory(shopPolicy())
	if err != nil {
		panic(err)
	}
	gate, err := cookies.NewGate(cookies.GateConfig{Inventory: nothing, Mode: cookies.Report})
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "visits", Value: "1", Path: "/", Domain: "shop.example", MaxAge: 30 * 86400})
	})
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "SESSION", Value: "secret", Path: "/", HttpOnly: true})
	})
	handler := gate.Middleware(mux)
	for range 3 { // a day
		handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	}
	handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/login", nil))

	_, _ = os.Stdout.Write(gate.Survey().GoSource())
	// Output:
	// package main
	//
	// import (
	// 	"time"
	//
	// 	"github.com/candorhttp/candor/consent"
	// 	"github.com/candorhttp/candor/cookies"
	// )
	//
	// // inventory declares the cookies that handlers were seen to set, with the
	// // attributes they set. Give each a purpose, tell visitors what it does, and
	// // tighten what need not be so wide; cookies.NewInventory names what is missing.
	// //
	// // The policy's purposes: "analytics", "authentication", "login_memory", "preferences".
	// func inventory() []cookies.Spec {
	// 	return []cookies.Spec{
	// 		// Set once, on "POST /login".
	// 		{
	// 			Name: "SESSION", Purpose: "",
	// 			Description: consent.Text{"en": ""},
	// 		},
	// 		// Set 3 times, on "GET /{$}".
	// 		// It was set without HttpOnly; unless a script reads it, take ScriptReadable away.
	// 		{
	// 			Name: "visits", Purpose: "", Lifetime: 30 * 24 * time.Hour, ScriptReadable: true,
	// 			Description: consent.Text{"en": ""}, Variants: []cookies.Variant{{Domain: "shop.example", Path: "/"}},
	// 		},
	// 	}
	// }
}

// A callback hears of each exchange what was, or would be, withheld: for a
// metric by route and cookie.
func ExampleGateConfig_onFinding() {
	manager, _ := shopManager()
	gate, err := cookies.NewGate(cookies.GateConfig{
		Inventory: shopCookies(), Consent: manager, Mode: cookies.Report,
		OnFinding: func(f cookies.Finding) { fmt.Printf("%s: %s: %v\n", f.Route, f.Name, f.Reason) },
	})
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /users/{id}", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "theme", Value: "dark", Path: "/"})
		http.SetCookie(w, &http.Cookie{Name: "tracker", Value: "2", Path: "/"})
	})
	manager.Middleware(gate.Middleware(mux)).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/users/42", nil))
	// Output:
	// GET /users/{id}: theme: no consent
	// GET /users/{id}: tracker: not declared
}

// A session of its own type, which nobody but the site can read.
func ExampleSealed() {
	type session struct{ User string }
	manager, keys := shopManager()
	gate, err := cookies.NewGate(cookies.GateConfig{Inventory: shopCookies(), Consent: manager})
	if err != nil {
		panic(err)
	}
	sessions, err := cookies.NewSealed[session](gate, keys, "session")
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		if err := sessions.Set(w, r, session{User: "jane"}); err != nil {
			http.Error(w, "you could not be signed in", http.StatusInternalServerError)
		}
	})
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		s, err := sessions.Get(r)
		fmt.Printf("%q %v\n", s.User, err)
	})
	handler := manager.Middleware(gate.Middleware(mux))
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest("POST", "https://shop.example/login", nil))

	r := httptest.NewRequest("GET", "https://shop.example/", nil)
	r.AddCookie(w.Result().Cookies()[0])
	handler.ServeHTTP(httptest.NewRecorder(), r)
	r.Header.Set("Cookie", "session=forged")
	handler.ServeHTTP(httptest.NewRecorder(), r)
	// Output:
	// "jane" <nil>
	// "" cookies: get "session": the cookie cannot be believed
}

// A setting is kept only for visitors who agreed, and the handler can tell.
func ExampleSigned() {
	manager, keys := shopManager()
	gate, err := cookies.NewGate(cookies.GateConfig{Inventory: shopCookies(), Consent: manager})
	if err != nil {
		panic(err)
	}
	theme, err := cookies.NewSigned[string](gate, keys, "theme")
	if err != nil {
		panic(err)
	}
	settings := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println(theme.Set(w, r, "dark"))
	})
	handler := manager.Middleware(gate.Middleware(settings))
	handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "https://shop.example/settings", nil))
	// Output:
	// cookies: set "theme": no consent
}
