// Reviewer holds a running site against what it promises. It opens the site in a
// headless Chromium, four times over: before any choice, after a refusal, after a
// yes, and after taking it back; it writes down every cookie, every key in the
// browser's storage and every request to somebody else; and it compares them with
// the site's own manifest. Then it audits the site's log files, verifies its ledger
// and lists what is kept for how long.
//
//	go run . -ledger data/consent http://127.0.0.1:8080/ access.log…
//	go run . -manifest none -accept '#agree' -refuse '#decline' https://other.example/
//
// It ends with a report as one HTML file and with 0 when nothing was found, 1
// when something was, and 2 when it could not look.
//
// # What it looks at
//
// The start page, the pages of the same origin that it and its pages link to (at
// most -max), and those named with -page. Cookies of all hosts, local and session
// storage, IndexedDB, cache storage and service workers of the site's own origin,
// and every request that leaves for another site, but for the visitor's own way
// there by a link.
//
// Names, hosts and paths stand in the report, values and queries never do.
//
// # What it cannot see
//
// What a server sends on behind the scenes, what happens on pages it did not
// open or only after a click, storage of other origins' frames (that such a frame
// was loaded is a finding), and what a site does to visitors who do not look like
// a headless browser. No finding is not a proof.
package main
