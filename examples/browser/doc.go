// Package browser holds tests that drive the sample sites with a real Chromium
// and compare what its cookie jar holds with what was promised.
//
// They need Debian's chromium (or one named by CANDOR_CHROMIUM). Without it
// they skip, or fail where CANDOR_REQUIRE=1 is set.
package browser
