package cookies

import (
	"net/http"
	"time"

	"github.com/candorhttp/candor/consent"
)

// Spec declares one cookie, or one family of cookies, that the site may set and
// read. What is not declared is not set and not shown to handlers.
type Spec struct {
	// Name is exact, or a family: "_ga_*" stands for every name that begins
	// with "_ga_" and goes on. Names are case-sensitive (RFC 6265bis §5.4).
	Name string
	// Field says that Name is not a cookie but a response field by which a
	// browser keeps something: NEL, Report-To, Reporting-Endpoints, Accept-CH or
	// Critical-CH. Of the rest of the Spec, only Purpose, Provider, Recipient,
	// Description and Groups apply then.
	Field bool
	// Groups names the endpoint groups that the field Report-To sets up, so that
	// they can be taken back; empty means "default".
	Groups []string
	// ThirdParty says that the Provider sets it on a domain of its own, by what
	// a page embeds. It is listed for visitors; the gate neither sees nor removes
	// it, and a cookie of this name on the site's own domain needs a Spec of its
	// own. Provider, Recipient and the Domain of each variant must be named.
	ThirdParty bool
	// Purpose is what it is for; it must be in the policy.
	Purpose consent.Purpose
	// Provider is whose it is; empty means the site's controller.
	Provider string
	// Recipient names one of the policy's recipients that gets to see it; empty
	// means nobody else.
	Recipient string
	// Description tells a visitor in one sentence what it does, in each of the
	// policy's languages.
	Description consent.Text
	// Lifetime is how long the browser may keep it, at most 400 days; 0 means
	// until the browser closes. Longer ones are cut to it.
	Lifetime time.Duration
	// ScriptReadable leaves HttpOnly to the handler, for a token that a script
	// must read. Otherwise it is added.
	ScriptReadable bool
	// SameSite is the weakest that is let through; 0 means Lax. A cookie without
	// one gets this one; for http.SameSiteNoneMode it stays as the handler set it.
	SameSite http.SameSite
	// Partitioned keeps a cookie apart by top-level site (CHIPS) and is added.
	Partitioned bool
	// Variants lists every Domain and Path it is set on, so that it can be
	// expired there; empty means host-only on "/".
	Variants []Variant
}

// Variant is one place a cookie is set on.
type Variant struct {
	Domain string // without a leading dot; empty is host-only
	Path   string // empty is "/"
}

// MaxLifetime is the longest time a browser keeps a cookie (RFC 6265bis §5.5).
const MaxLifetime = 400 * 24 * time.Hour

func sameSiteName(s http.SameSite) string {
	switch s {
	case http.SameSiteStrictMode:
		return "Strict"
	case http.SameSiteNoneMode:
		return "None"
	}
	return "Lax"
}
