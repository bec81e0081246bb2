// Package unsubscribe ends mailings with one click (RFC 8058).
//
// Whoever may be written to may say stop, at any time, without signing in, and
// from the mail program itself. This package makes the two header fields that
// mail programs look for, and the endpoint they call:
//
//	letters, err := unsubscribe.New(unsubscribe.Config{
//		Manager: manager, Keys: keys, List: "news", URL: "https://shop.example/unsubscribe",
//		OnUnsubscribe: func(ctx context.Context, recipient string) error { return stop(ctx, recipient) },
//	})
//	mux.Handle("/unsubscribe", letters)
//	for name, value := range letters.Headers(recipient) { … } // for each mail
//
// # What happens
//
// GET shows a page with one button and changes nothing, because mail scanners
// follow links. POST ends the mailing: the refusal goes into the ledger under a
// pseudonym of the recipient, then the host's OnUnsubscribe is called, and is
// called again until it succeeds. No cookie, no session and no origin is asked
// for: whoever has the link may use it. A second POST answers as the first did.
// It is never rate-limited.
//
// # Where to mount
//
// At the path of Config.URL, outside the host's own CSRF check: a mail provider
// posts from its own servers, and its web page from its own origin. Inside the
// access log the lines of this endpoint say nothing of who it was. The DKIM
// signature of the mail must cover both header fields (RFC 8058 §4), or mail
// programs do not offer the button.
//
// # Who can do what
//
// The link holds the recipient's address, sealed with AES-256-GCM: whoever sees
// it, in a proxy's log for instance, learns nothing from it and can do one thing
// with it. A forged link, one of another list and one of another site get the
// same answer. A forwarded mail hands the button on; that is how the mail
// standard has it.
//
// Whoever holds the keys can read links and make them, and can try addresses
// against the pseudonyms in the ledger.
//
// Links have no end of their own. They work for as long as their key is among
// the Keys: keep a key for at least a year after it stopped signing, and
// rotation is nothing a recipient notices.
//
// # If the host's list cannot be told
//
// OnUnsubscribe is tried again for as long as the process lives; the answer is
// as usual, because the refusal is in the ledger. Before each mailing ask
// [Letters.Refused], which reads it there: then nobody is written to whose
// refusal the list missed. What the ledger prunes it cannot find; keep entries
// for longer than the time between two mailings.
//
// # Compatibility
//
// Links begin with the number of their form; all later versions read form 1.
package unsubscribe
