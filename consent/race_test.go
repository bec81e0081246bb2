//go:build race

package consent_test

// raceEnabled: under the race detector sync.Pool forgets at random, so
// allocations are not counted.
const raceEnabled = true
