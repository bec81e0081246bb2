package iputil

// ParseQuad is reached by the test that holds it against netip.ParseAddr.
var ParseQuad = parseQuad
