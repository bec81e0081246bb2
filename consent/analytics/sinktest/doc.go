// Package sinktest has strict stand-ins of the destinations of analytics, and
// the test that every sink over HTTP should pass.
//
//	func TestMySink(t *testing.T) {
//		sinktest.Run(t, sinktest.Harness{
//			Stub: func(t testing.TB) *sinktest.Stub { return sinktest.Serve(t, myProtocol) },
//			New:  func(server string) (analytics.Sink, error) { return mysink.New(server, token) },
//			Secrets: []string{token},
//		})
//	}
//
// A [Stub] takes what the destination's documentation describes and nothing
// else: an unknown key, a wrong type, a value out of bounds or a missing field
// fails the test that sent it, where the real service might only drop the event.
// Told by [Stub.Fail] it fails in the ways that services and what stands before
// them do, see [Fault].
//
// [Run] asks of a sink: whole batches arrive, once; what it answers is what became
// of them, whatever happens; it never hangs, follows nobody and reads nothing
// without end; and no error and no print of it holds a secret, an address or
// anything of an event.
//
// The stubs were written after the services' own documentation and source, which
// the comments name. They are not the services: a limit that is not documented
// there is not known here.
package sinktest
