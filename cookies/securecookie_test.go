package cookies_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"testing"
	"time"
)

// encodeAt makes a value in securecookie's format with a time of its own:
// base64("date|base64(value)|mac"), the MAC over "name|date|base64(value)".
func encodeAt(t *testing.T, key []byte, name, json string, at time.Time) string {
	t.Helper()
	value := base64.URLEncoding.EncodeToString([]byte(json))
	signed := fmt.Sprintf("%s|%d|%s", name, at.Unix(), value)
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(signed))
	return base64.URLEncoding.EncodeToString(append([]byte(signed[len(name)+1:]+"|"), mac.Sum(nil)...))
}
