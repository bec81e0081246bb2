// Package blackbox is the one suite that every program beside it passes: the
// same promises, whatever the router. It knows a program by its handler and by
// what comes over the wire and into the log.
package blackbox
