package logging

import (
	"io"
	"net/http"
)

// What the tests reach of the functions that judge a visitor's text.
var (
	QueryForm    = queryForm
	AppendOrigin = appendOrigin
	AppendString = appendString
	RoutePath    = routePath
)

// AppendQuery appends what of a query may be logged, where these names are
// declared.
func AppendQuery(dst []byte, query string, declared []string) []byte {
	return appendQuery(dst, query, queryNames(declared))
}

// SelfTestWith says what the self-test says of a log with one field more, which
// lets something of the request out.
func SelfTestWith(cfg Config, name string, leak func(*http.Request) string) error {
	if cfg.Handler == nil {
		cfg.Output = io.Discard
	}
	a, err := New(cfg)
	if err != nil {
		return err
	}
	defer a.Close()
	value := func(dst []byte, r *record) []byte { return appendString(dst, leak(r.req)) }
	a.fields = append(a.fields, Field{Name: name, Tier: Granted, value: value})
	a.writes = append(a.writes, write{`,"` + name + `":`, true, value})
	return a.selfTest()
}
