package events

import (
	"time"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/cookies"
)

const day = 24 * time.Hour

// inventory is that of the step before, less the visitor's number.
func inventory() []cookies.Spec {
	return []cookies.Spec{
		{
			Name: "session", Purpose: consent.Authentication, Lifetime: day,
			Description: consent.Text{"en": "Says who is signed in."},
		},
		{
			Name: "roast", Purpose: consent.Preferences, Lifetime: 180 * day,
			Description: consent.Text{"en": "How dark you like it."},
		},
		{
			Name: "last_login", Purpose: consent.LoginMemory, Lifetime: 90 * day,
			Description: consent.Text{"en": "Your e-mail address, sealed."},
		},
	}
}
