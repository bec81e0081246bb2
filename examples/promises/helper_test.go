package promises_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent/analytics"
)

func mustURL(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	require.NoError(t, err)
	return u
}

// serveOnly starts a server with a handler of its own.
func serveOnly(t *testing.T, h http.Handler) *site {
	t.Helper()
	s := &site{t: t, Server: httptest.NewServer(h)}
	t.Cleanup(s.Close)
	return s
}

// published is what the counters show to everybody.
func published(t *testing.T, c *analytics.Counters) string {
	t.Helper()
	shown, err := json.Marshal(c.Publish())
	require.NoError(t, err)
	return string(shown)
}
