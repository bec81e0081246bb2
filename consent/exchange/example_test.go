package exchange_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/candorhttp/candor/consent/exchange"
)

// noStore is a middleware: one hook before the header, one at the end.
type noStore struct{ started exchange.Slot[string] }

func (m *noStore) BeforeHeader(x *exchange.Exchange, status int, h http.Header) {
	// A status of 0: a panic unwinds, and hooks only take away.
	if status != 0 {
		h.Set("Cache-Control", "no-store")
	}
}

func (m *noStore) AtEnd(x *exchange.Exchange) {
	o := x.Outcome()
	fmt.Println(*m.started.Get(x), x.Route(), o.Status, o.Bytes)
}

func (m *noStore) Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x, w, r := exchange.Begin(w, r)
		method := r.Method
		m.started.Set(x, &method)
		x.OnHeader(m)
		x.OnEnd(m)
		x.Serve(next, w, r)
	})
}

func Example() {
	mux := http.NewServeMux()
	mux.HandleFunc("/users/{id}", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, "hello")
	})
	w := httptest.NewRecorder()
	new(noStore).Middleware(mux).ServeHTTP(w, httptest.NewRequest("GET", "/users/jane", nil))
	fmt.Println(w.Header().Get("Cache-Control"))
	// Output:
	// GET /users/{id} 202 5
	// no-store
}

func ExampleFrom() {
	var x *exchange.Exchange
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x = exchange.From(r.Context())
		fmt.Println("committed:", x.Committed())
		_, _ = io.WriteString(w, "hello")
		fmt.Println("committed:", x.Committed())
	})
	new(noStore).Middleware(handler).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	// Output:
	// committed: false
	// committed: true
	// GET  200 5
}
