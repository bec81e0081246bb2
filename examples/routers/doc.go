// Package routers shows that the library works in routers that are not
// http.ServeMux. Its tests are a module of their own, so that the library does
// not depend on them.
package routers
