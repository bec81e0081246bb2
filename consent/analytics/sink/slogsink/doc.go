// Package slogsink writes events to a slog.Handler: to a file of one's own, or
// to standard output while a site is made.
//
//	file, err := os.OpenFile("events.log", os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
//	to, err := slogsink.New(slogsink.Config{Handler: slog.NewJSONHandler(file, nil)})
//
// A record has the time of the event, to the minute, the message "event", and
// the attributes event.name, event.id, http.route, client.pseudonym where there
// is one, and the properties in a group "event.properties". Names follow
// OpenTelemetry where it has one.
//
// # Limits
//
// What a handler adds of its own (a source, a host, a request's attributes) is
// not looked at. Do not write events into the same stream as the access log:
// neither their ids nor their times join, but the order of the lines would.
// Retention is that of the file, see logging/retain. A handler that fails may
// have written half a line, so nothing is written twice.
package slogsink
