// Package consenttest puts decisions into a context, so that a handler that
// asks about consent can be tested without a browser and without a policy.
//
//	r = r.WithContext(consenttest.With(r.Context(), consenttest.Granted(consent.Analytics)))
//	handler.ServeHTTP(w, r)
//
// Behind it is a real manager with a policy made for the call and a ledger in
// memory, so what a test sees is what a visitor would get.
package consenttest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/ledger"
)

// Choice is what a visitor of the test said about some purposes. The zero
// Choice says nothing.
type Choice struct {
	purposes []consent.Purpose
	granted  bool
}

// Granted says yes to the purposes.
func Granted(purposes ...consent.Purpose) Choice { return Choice{slices.Clone(purposes), true} }

// Denied says no to the purposes.
func Denied(purposes ...consent.Purpose) Choice { return Choice{slices.Clone(purposes), false} }

// With returns a context in which a visitor made the choices. Of two choices
// about one purpose the later counts. The common purposes of package consent
// are known and unset unless chosen; consent.Authentication is essential. It
// panics on a purpose name that no policy could have, because only a test can
// pass one.
func With(ctx context.Context, choices ...Choice) context.Context {
	known := []consent.Purpose{
		consent.Preferences, consent.LoginMemory, consent.Experiments, consent.Analytics, consent.Marketing,
	}
	grants := map[consent.Purpose]bool{}
	for _, c := range choices {
		for _, p := range c.purposes {
			if p != consent.Authentication {
				grants[p] = c.granted
				if !slices.Contains(known, p) {
					known = append(known, p)
				}
			}
		}
	}
	manager := newManager(known)
	var inner context.Context
	handler := manager.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := manager.Record(w, r, consent.Choices{Grants: grants}); err != nil {
			panic("consenttest: " + err.Error())
		}
		inner = r.Context()
	}))
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
	handler.ServeHTTP(httptest.NewRecorder(), r)
	return inner
}

func newManager(known []consent.Purpose) *consent.Manager {
	text := consent.Text{"en": "-"}
	policy := consent.Policy{
		Version: 1, Effective: "2026-01-01", Languages: []string{"en"},
		Controller: consent.Controller{Name: "test", Address: "test", Email: "test@example.com"},
		Authority:  consent.Authority{Name: "test", URL: "https://authority.example"},
		Processing: []consent.Processing{{
			Purpose: consent.Authentication, Number: 1, Basis: consent.Essential, Title: text, Text: text, Retention: text,
		}},
	}
	for i, p := range known {
		policy.Processing = append(policy.Processing, consent.Processing{
			Purpose: p, Number: i + 2, Basis: consent.Consent, Title: text, Text: text, Retention: text,
		})
	}
	keys, err := consent.ParseKeys(consent.GenerateKey())
	if err != nil {
		panic("consenttest: " + err.Error())
	}
	m, err := consent.New(consent.Config{Policy: policy, Keys: keys, Ledger: ledger.Memory(), Insecure: true})
	if err != nil {
		panic("consenttest: " + err.Error())
	}
	return m
}
