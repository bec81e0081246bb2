// Package banner shows a visitor the choices, and what happens with each.
//
// Most consent banners make yes one click and no a search. Here both are the
// same button on the first layer, nothing is ticked in advance, the page works
// without scripts, and everything it says about cookies, recipients and logs is
// generated from the parts that run:
//
//	pages, err := banner.New(manager, banner.Options{Parts: []consent.Describer{inventory, access, records}})
//	mux.Handle("/privacy/", pages)
//	mux.Handle("/.well-known/gpc.json", pages)
//
// In a template of the host's, bound to the request before it is executed:
//
//	tmpl.Funcs(pages.Funcs(r)).Execute(w, data)   // {{consentBanner}}
//
// # Mounting
//
// [Pages] serves the preferences page at the manager's prefix, the notice at
// "notice" below it, its style sheet, and hands everything else to the
// manager's endpoints. [Pages.Fragment] asks about consent, so call it before
// the first byte of the response: the response is then private to the visitor.
//
// # Limits
//
// The fragment brings its own style sheet and no script. A host with a strict
// Content-Security-Policy needs style-src 'self' and form-action 'self'.
// Languages are English and German for now; a policy in another language is an
// error from New rather than a banner nobody there can read.
package banner
