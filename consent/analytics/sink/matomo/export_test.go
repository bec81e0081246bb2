package matomo

// Judge reads an answer of 2xx to a batch of n events.
var Judge = judge
