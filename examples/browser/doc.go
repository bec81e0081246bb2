// Package browser holds tests that drive the sample sites with a real Chromium
// and compare what its cookie jar holds with what was promised, and tests that
// look at the banner as visitors do: with a keyboard, without scripts, in small
// and large windows, in every language, with axe-core's rules.
//
// They need Debian's chromium (or one named by CANDOR_CHROMIUM) and, for the
// packages that package-lock.json pins, npm. Without them they skip, or fail
// where CANDOR_REQUIRE=1 is set.
package browser
