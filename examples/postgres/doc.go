// Package postgres holds what needs a real PostgreSQL server: tests of the
// stores that replicas of a service share, and the program replica, a site that
// runs more than once. The server is started by the tests from the installed
// binaries, see package pgtest; README.md says how far it goes.
package postgres
