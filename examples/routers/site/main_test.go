package site_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/examples/routers/site"
)

// What main does: it serves, writes lines, and ends when it is told to.
func TestServe(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out, in := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := site.Serve(ctx, func(s *site.Site) http.Handler { return s.Middleware(http.HandlerFunc(site.User)) }, []string{"-addr", "127.0.0.1:0"}, in, io.Discard)
		ended <- err
		in.Close()
	}()
	lines := bufio.NewScanner(out)
	require.True(t, lines.Scan())
	address, found := strings.CutPrefix(lines.Text(), "listening on ")
	require.True(t, found, lines.Text())
	go func() {
		w, err := http.Get(address + "/users/42")
		if err != nil {
			t.Error(err)
			return
		}
		w.Body.Close()
	}()
	require.True(t, lines.Scan())
	require.Contains(t, lines.Text(), `"client.address":"127.0.0.0"`)
	require.NotContains(t, lines.Text(), "users")
	stop()
	require.NoError(t, <-ended)
}

func TestServeRefuses(t *testing.T) {
	for _, args := range [][]string{{"-unknown"}, {"-addr", "nowhere:99999"}} {
		require.Error(t, site.Serve(t.Context(), nil, args, io.Discard, io.Discard), args)
	}
}
