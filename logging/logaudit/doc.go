// Command logaudit holds access logs against the manifest that says what may
// stand in them.
//
//	go run github.com/candorhttp/candor/logging/logaudit -manifest manifest.json access.log…
//
// The manifest is what GET /privacy/manifest.json answers, or the log's part of
// it alone. Logs are lines of JSON or of the combined format, plain or
// compressed with gzip; "-" is standard input. What is looked for says package
// [github.com/candorhttp/candor/logging/logaudit/audit].
//
// Each finding is a line of file, line number, field and kind, as in
//
//	access.log:1207: url.query: email
//
// and never has a value from the log. Of a kind in a field the first ten are
// shown and the others counted. The last line is the sum.
//
// The command exits with 0 if there is nothing to find, with 1 if there is, and
// with 2 if something could not be read or the usage is wrong. go run makes 1 of
// every failure: build the command where that matters.
//
// With -now lines are as old as they are then: for archives.
package main
