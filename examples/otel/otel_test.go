package main

import (
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTableIsThatOfTheReadme(t *testing.T) {
	got, err := table(t.Context())
	require.NoError(t, err)
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	require.Contains(t, string(readme), got)
	lines := strings.Split(strings.TrimSpace(got), "\n")
	require.Contains(t, lines[2], "full address", "the search finds what is there")
	require.NotContains(t, lines[len(lines)-1], "full address", "and the order that the page recommends keeps it out")
}

// Of a span only the listed attributes leave, and its name is the route's.
func TestSpansHoldDeclaredAttributes(t *testing.T) {
	tm := newTelemetry()
	s, err := newSite(tm)
	require.NoError(t, err)
	server := httptest.NewServer(wrap(s.pages, insideStripped(s)...))
	defer server.Close()
	require.NoError(t, arrangement{}.visit(t.Context(), server.URL+"/users/42"))
	s.close()
	spans := tm.spans.GetSpans()
	require.Len(t, spans, 1)
	require.Equal(t, "GET /users/{id}", spans[0].Name)
	for _, a := range spans[0].Attributes {
		require.Contains(t, attributes, a.Key)
	}
	traced, logged, measured, err := tm.texts(t.Context())
	require.NoError(t, err)
	for _, text := range []string{traced, logged, measured} {
		require.NotContains(t, text, "/users/42")
		require.NotContains(t, text, "Go-http-client/", "the raw user agent")
	}
	require.Contains(t, logged, "http.route=/users/{id}")
	require.Contains(t, logged, "account shown")
	require.Contains(t, logged, "request.id=")
}
