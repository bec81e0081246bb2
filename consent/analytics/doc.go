// Package analytics lets a site learn what is used, and asks first.
//
// Every analytics script sends as soon as it is loaded, to whomever it likes,
// whatever it finds. Here events are declared, leave from the server, and only
// while the visitor they are about allows it: consent is looked at when an
// event is captured, when it is taken from its queue, and before every attempt
// to send it.
//
// An [Event] may be about somebody. A [Counter] never is: it has no subject, no
// address and no time but its bucket, and leaves nothing behind that could be
// asked about one person.
package analytics
