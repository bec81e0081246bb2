// Package routers shows that the library works in routers that are not
// http.ServeMux: one small program each for chi, gorilla/mux, gin, echo and
// alice, all of which pass the same suite, in package blackbox. Its tests are a
// module of their own, so that the library does not depend on them.
//
// # Where to mount
//
// The order of the library's own middlewares does not matter. What else a site
// mounts is inside the chain (chain(other(router))) or around it
// (other(chain(router))), and there it matters: the table says what is good, and
// what leaks past the gate or into a log, lies in the access log, or breaks. Each
// cell is a test of this package, which writes the table.
//
//	the chain itself     around the router                     good    every answer is judged and has its line
//	                     chi's Use                             good    the same, and the route without RouteFrom
//	                     gorilla/mux's Use                     leaks   what no route matches is not judged and has no line
//	                     an adapter in gin                     leaks   gin's writer sends the header past the gate
//	                     echo.WrapMiddleware                   breaks  what echo's error handler answers is lost
//	recover              inside                                good    the line has the 500 that the visitor got, and the route
//	                     around                                lies    the line has no status; cookies are taken out all the same
//	                     gin, chi, gorilla, echo as they come  leaks   they print the panic's value, wherever they stand
//	                     gin, gorilla                          lies    an answer that broke off ends as if it were whole
//	compression          inside                                good    the line has the bytes that were sent
//	                     around                                lies    the line has the bytes before compression; cookies are judged all the same
//	CORS                 inside, on your routes                good    preflights have lines; /privacy/ answers its TrustedOrigins itself
//	                     around                                breaks  preflights have no line; those of TrustedOrigins to /privacy/ fail
//	                     around, for every origin              leaks   any site reads what a visitor decided
//	http.TimeoutHandler  in the router                         good    the line has the 503 and the route
//	                     inside, around the router             lies    the line has the 503 and no route
//	                     around                                lies    the line comes late, without a status, "superseded"
//	                     on a stream                           breaks  it keeps everything back, wherever it stands
//	sessions             scs inside                            good    its cookie is judged as every other
//	                     scs around                            leaks   its cookie goes out and comes in past the gate
//	                     gorilla/sessions in handlers          good    its cookie is judged as every other
//	                     gorilla/sessions around               good    what it saves before it calls on is judged too
//	CSRF                 nosurf inside                         good    its cookie is judged, what it refuses has a line
//	                     nosurf around                         leaks   what it refuses has no line, and sets its cookie past the gate
//	                     nosurf on /privacy/ too               breaks  nobody can refuse or withdraw; exempt it, it protects itself
//	                     CrossOriginProtection around          breaks  TrustedOrigins are refused, unless it is told of them too
//	ReverseProxy         inside                                good    cookies are judged, 1xx and trailers included, and hidden from upstream
//	                     an upgrade                            leaks   the cookies of a 101 go out past the gate
//	                     an upgrade, with ModifyResponse       good    drop Set-Cookie where the status is 101
//	address rewriting    gorilla ProxyHeaders                  lies    around, anybody chooses the logged address; inside, the pages' one
//	other access logs    gin, chi, gorilla as they come        leaks   they write paths and queries, wherever they stand
//
// Routers tell their routes by [logging.RouteFrom], mounted inside them; without
// it the line has no route, and never the path.
package routers
