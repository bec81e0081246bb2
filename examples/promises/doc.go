// Package promises shows, sentence by sentence, that a site with this library
// keeps what a privacy policy says. Each test is named after the promise and runs
// against a real server; read them from top to bottom:
//
//	go test ./examples/promises -run Promise -v
//
// The promises are those of a policy that a real site published in 2022, numbered
// as they stand there. Three of them are out of reach of middleware, and have no
// test: how forms are labelled (P6), telephone calls (P17), data bought elsewhere
// (P22).
package promises
