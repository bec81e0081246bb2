package enforce

import (
	"time"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/cookies"
)

const day = 24 * time.Hour

// inventory began as what the survey printed. A person added the purposes and the
// sentences, and cut two lifetimes to what the policy says.
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
			Description: consent.Text{"en": "Your e-mail address."},
		},
		{
			Name: "_visitor", Purpose: consent.Analytics, Lifetime: 30 * day,
			Description: consent.Text{"en": "A number that tells your visits from others'."},
		},
	}
}
