package consent

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
)

// tokenForm is the first byte of every receipt token.
const tokenForm = 1

// receipts signs and opens receipt tokens. A token is
//
//	form, subject[16], tag[16]
//
// in unpadded base64url, the tag HMAC-SHA256 over a label and what is before it,
// cut to 128 bits. It opens one person's history and erasure for whoever holds
// it, as long as its key is in the key set: a bearer token, so it is taken from
// a POST body or the Authorization field only and never from an address.
type receipts struct{ keys [][]byte }

func newReceipts(keys Keys) receipts { return receipts{keys.Derive("consent receipt", sha256.Size)} }

func receiptTag(key, payload []byte) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte("consent receipt\x00"))
	m.Write(payload)
	return m.Sum(nil)[:tagSize]
}

func (r receipts) sign(s Subject) string {
	payload := append([]byte{tokenForm}, s[:]...)
	return base64.RawURLEncoding.EncodeToString(append(payload, receiptTag(r.keys[0], payload)...))
}

func (r receipts) open(token string) (s Subject, ok bool) {
	const size = 1 + len(s) + tagSize
	if len(token) != base64.RawURLEncoding.EncodedLen(size) {
		return s, false
	}
	b, err := strictBase64.DecodeString(token)
	if err != nil || len(b) != size || b[0] != tokenForm { // line breaks are passed over by encoding/base64
		return s, false
	}
	payload, tag := b[:size-tagSize], b[size-tagSize:]
	for _, key := range r.keys {
		ok = hmac.Equal(tag, receiptTag(key, payload)) || ok
	}
	if !ok {
		return Subject{}, false
	}
	copy(s[:], payload[1:])
	return s, true
}
