// Package examples holds programs that use the library and, as nested modules,
// tests of it against code that nobody here wrote.
package examples
