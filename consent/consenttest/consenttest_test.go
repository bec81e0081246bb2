package consenttest_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/consenttest"
)

func TestWith(t *testing.T) {
	type key struct{}
	ctx := consenttest.With(context.WithValue(t.Context(), key{}, "kept"),
		consenttest.Granted(consent.Analytics, "newsletter"),
		consenttest.Denied(consent.Marketing, "newsletter"))

	require.Equal(t, "kept", ctx.Value(key{}), "the caller's values stay")
	require.True(t, consent.Allowed(ctx, consent.Analytics))
	require.True(t, consent.Allowed(ctx, consent.Authentication))
	require.False(t, consent.Allowed(ctx, consent.Marketing))
	require.False(t, consent.Allowed(ctx, "newsletter"), "the later choice counts")
	require.False(t, consent.Allowed(ctx, consent.Preferences), "not chosen")
	require.False(t, consent.Allowed(ctx, "unheard_of"))
	require.Equal(t, consent.Unset, consent.From(ctx).State(consent.Preferences))
	require.False(t, consent.Decided(ctx))
}

func TestWithNothing(t *testing.T) {
	ctx := consenttest.With(t.Context())
	require.False(t, consent.Allowed(ctx, consent.Analytics))
	require.False(t, consent.Decided(ctx))
}

// The context works in a handler that is served by itself and in one that is
// wrapped: there the manager of the test is replaced by the real one.
func TestWithReachesHandler(t *testing.T) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if consent.Allowed(r.Context(), consent.Analytics) {
			_, _ = w.Write([]byte("counted"))
		}
	})
	r := httptest.NewRequestWithContext(consenttest.With(t.Context(), consenttest.Granted(consent.Analytics)), "GET", "/", nil)
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	require.Equal(t, "counted", w.Body.String())
}
