// Package banner shows a visitor the choices, and what happens with each.
//
// Most consent banners make yes one click and no a search. Here both are the
// same button on the first layer, nothing is ticked in advance, everything works
// without scripts, and what the pages say about cookies, recipients and logs is
// generated from the parts that run:
//
//	pages, err := banner.New(manager, banner.Options{Parts: []consent.Describer{inventory, access, records}})
//	mux.Handle("/privacy/", pages)
//	mux.Handle("/.well-known/gpc.json", pages)
//
// A template of the host's gets what it needs of the visitor with its data, made
// before it is executed:
//
//	<body>{{.Consent.Banner}} … <footer>{{.Consent.Change}}</footer></body>
//	tmpl.Execute(w, page{Consent: pages.Bind(r), …})
//
// Banner is the banner while something is left to ask, Change the link to the
// choices and, for who granted something, the button that takes all of it back;
// {{if .Consent.Allowed "analytics"}} asks.
//
// # Pages cached for everybody, templ, single-page apps
//
// A page that must not depend on who asks, or is not made by html/template, has
// one line instead:
//
//	<script src="/privacy/candor.js" defer></script>
//
// or [Pages.Script], whose address holds the script's hash and is kept for ever.
// The script asks GET /privacy/decision, also when the page comes back from the
// browser's cache, shows the banner where something is left to ask, and adds the
// way to change the choice where the page has no link to /privacy/. With templ:
// templ.Raw(string(pages.Fragment(r))).
//
// Client code listens, and starts and stops what is its own:
//
//	document.addEventListener('candor:change', e => {
//	  if (e.detail.allowed.includes('analytics')) …
//	});
//
// The event is sent once the state is known and at every change; its detail,
// also kept in window.candor, is {policy, source, purposes, allowed}. A script
// element waits for a yes by itself:
//
//	<script type="text/plain" data-consent="analytics" src="/count.js"></script>
//
// It runs once every purpose named is allowed, data-type="module" makes it a
// module, and where the page's scripts carry a nonce it needs the same. What a
// script did cannot be undone by removing it: stop it in the event, and let the
// server expire its cookies, as it does.
//
// A dialog of one's own needs two requests, from the same origin or one of the
// manager's TrustedOrigins, with credentials:
//
//	GET  /privacy/decision
//	     → {"policy":1,"source":"stored","purposes":{"analytics":"granted","preferences":"unset"}}
//	POST /privacy/decision  Content-Type: application/json
//	     {"grants":{"analytics":true,"preferences":false},"language":"en"}
//	     → the same, with "recorded":true; purposes not named stay as they are
//	POST /privacy/withdraw  takes everything back, or {"purposes":["analytics"]}
//
// States are unset, granted, denied and stale (asked again, because the purpose
// changed). "allowed" lists what may be used where that is not just what was
// granted. GET /privacy/notice with Accept: application/json is the notice.
//
// # Looks
//
// The banner takes these custom properties from where it stands, so that a host
// sets them on :root: --candor-ink, --candor-paper, --candor-line,
// --candor-button and --candor-on-button are colours, whose contrast is then the
// host's to see to; --candor-font, a font shorthand; --candor-radius and
// --candor-banner-radius; --candor-scheme, "light" or "dark" for sites that have
// only one, else the visitor's preference decides; --candor-motion, "none" for
// no movement; --candor-layer, its z-index. It lies along the bottom of the
// window; in a corner with
//
//	:root{--candor-start:auto;--candor-end:1rem;--candor-bottom:1rem;--candor-width:26rem;--candor-banner-radius:.5rem}
//
// It takes at most half of the window, the page scrolls what has the focus to
// the other half, and in a window narrower than 40rem or lower than 32rem it
// stands in the page instead, where the template put it: right after <body> is
// the place, also because a keyboard meets it there first. Asked for by the
// script alone it stays at the bottom, since a page must not jump.
//
// Accept and refuse cannot be styled apart by a property. Texts and templates
// are replaced by [Options]; [Texts] lists the keys. Languages: English, German,
// French, Spanish, Italian, Dutch, Polish, Portuguese, Arabic. A policy in
// another language needs its texts, and what is missing is an error of [New].
//
// # Mounting
//
// [Pages] serves, below the manager's prefix: the preferences page, "notice",
// "records" (a visitor's receipt, history and erasure, by forms), "parts" (what the script puts into cached pages), "candor.css" and
// "candor.js", the last two also with their hash in the name. It hands
// everything else to the manager's endpoints, whose answers to forms are pages of
// this package. [Pages.Fragment], [Pages.Change]
// and [Pages.Funcs] with a request ask about consent, so call them before the
// first byte of the response: it is then private to the visitor.
//
// # Threat model and limits
//
// The pages of this package allow themselves their own style and script and
// nothing else, cannot be framed, and make no script from text (Trusted Types
// are required and no policy is allowed). Texts of the policy are escaped by
// html/template. Forms lead back to paths on the same site only.
//
// In the host's pages the host's policy rules. The banner needs style-src,
// script-src, connect-src and form-action 'self', or [Options].Nonce for the
// first two; no 'unsafe-inline', and no Trusted Types policy. Where script-src
// forbids the script, choosing works by form; where style-src forbids the style,
// the banner is plain. form-action 'none' leaves no way to choose, so the banner
// then cannot be shown usefully.
//
// Who can put elements into the host's page can hide the banner or imitate it,
// and no script protects a page from itself. What counts is on the server: a
// choice is taken from the site's own origin only, and without a yes no cookie
// of that purpose passes whatever the page does.
//
// Technical words that parts say of themselves (a retention that is not a number
// of days, a field of the log that this package does not know) are in English
// and marked as such; "log.NAME" in Options.Texts gives others.
//
// # Compatibility
//
// Names of templates, keys of texts, custom properties, the classes
// candor-banner and candor-change, the event and its detail, and data-consent
// stay. A template may be given more than now. Other classes and the sources of
// the assets may change with any version.
package banner
