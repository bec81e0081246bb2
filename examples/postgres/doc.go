// Package postgres holds what needs a real PostgreSQL server: tests of the
// stores that replicas of a service share. The server is started by the tests
// from the installed binaries, see package pgtest.
package postgres
