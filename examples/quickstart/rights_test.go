package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What somebody may ask of the shop: see, take along, correct, object, erase; the
// last also after their cookie named nobody any more.
func TestPromise_P32_Rights(t *testing.T) {
	s := start(t, newKeys(t))
	v := s.visitor()
	v.form("/login", "email=jane%40example.com")
	v.form("/privacy/decision", "action=accept")
	v.get("/")
	require.Contains(t, v.held(), "visits")

	a := v.json("/privacy/receipt", "")
	require.Equal(t, 200, a.StatusCode)
	var receipt struct {
		Token      string
		Processing struct {
			Purposes []struct{ State string }
		} `json:"pii_processing"`
	}
	require.NoError(t, json.Unmarshal([]byte(a.body), &receipt))
	require.Len(t, receipt.Processing.Purposes, 5)
	require.Contains(t, v.form("/privacy/history", "").body, "Everything we recorded", "without scripts")
	require.Equal(t, 2, strings.Count(v.form("/privacy/history", "format=csv").body, "\r\n"))

	v.form("/privacy/decision", "action=save&purpose=preferences") // corrected
	require.Contains(t, v.get("/privacy/decision").body, `"preferences":"granted"`)
	require.NotContains(t, v.held(), "visits")
	a = v.json("/privacy/withdraw", "") // objected
	require.Contains(t, a.body, receipt.Token)
	require.Contains(t, v.json("/privacy/history", "").body, `"entries": []`, "the cookie names nobody")
	require.Equal(t, 3, strings.Count(v.json("/privacy/history", `{"receipt":"`+receipt.Token+`"}`).body, `"kind"`))

	require.Contains(t, v.held(), "session")
	a = v.form("/privacy/erase", "receipt="+receipt.Token)
	require.Equal(t, 200, a.StatusCode, a.body)
	require.Contains(t, v.json("/privacy/history", `{"receipt":"`+receipt.Token+`"}`).body, `"entries": []`)
	require.Contains(t, v.held(), "session", "who they are now was not meant")
	a = v.form("/privacy/erase", "")
	require.Equal(t, 200, a.StatusCode)
	held := v.held()
	require.Len(t, held, 1, "the refusal")
	require.Contains(t, held, "consent")
	require.NotContains(t, s.log.String()+s.stderr.String(), receipt.Token)
}
