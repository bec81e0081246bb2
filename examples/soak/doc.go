// Package soak runs the whole chain under load while everything around it fails,
// and checks at the end what must hold all the same.
//
//	CANDOR_SOAK=5m go test -race -count 1 -v -timeout 20m ./examples/soak
//
// Without CANDOR_SOAK it runs for three seconds, as a test among others.
//
// Visitors who remember what they were told browse, agree, refuse, withdraw, send
// old cookies again and hang up in the middle; wrk, where it is installed, adds
// requests without a memory. Meanwhile the ledger goes away and comes back, the
// log's disk is full, sinks hang and fail, the clock jumps, keys are rotated, the
// policy gets new versions, and the service is restarted on the same ledger.
//
// What is checked is section 8 of the design, by the visitors as they go and from
// the files when it is over: see invariants_test.go.
package soak
