// Package routers shows that the library works in routers that are not
// http.ServeMux: one small program each for chi, gorilla/mux, gin, echo and
// alice, all of which pass the same suite, in package blackbox. Its tests are a
// module of their own, so that the library does not depend on them.
package routers
