package goatcounter

// Judge reads the answer to a batch of n events.
var Judge = judge
