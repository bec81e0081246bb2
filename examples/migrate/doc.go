// Package migrate takes a service that exists, and a team would not want to write
// anew, from no consent at all to one that keeps its policy, in steps that can be
// deployed one by one. The service's own tests stay green at every step; each
// step adds a test of what it made true.
//
//	before     gorilla/sessions, chi's Logger, home-made analytics: as found
//	watch      the chain around it in report mode; the log leaks no more
//	enforce    the first inventory, from the report; banner and notice
//	sealed     the remembered address sealed, and asked for
//	events     the statistics receive declared events that were agreed to
//
// roastery holds the handlers that no step touches. Compare the steps:
//
//	diff before/service.go watch/service.go
//
// The README of the folder above walks through them.
package migrate
