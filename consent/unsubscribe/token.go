package unsubscribe

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"

	"github.com/candorhttp/candor/consent"
)

const (
	tokenForm = 1
	// maxRecipient is the longest mail address (RFC 5321 §4.5.3.1.3, less the
	// angle brackets).
	maxRecipient = 254
	nonceSize    = 12
	overhead     = 1 + nonceSize + 16
	// maxToken is the text of the longest one.
	maxToken = (maxRecipient + overhead + 2) / 3 * 4
)

// errToken is the one answer to everything that is not a link of this list.
var errToken = errors.New("unsubscribe: the link is not one of ours")

// sealer seals recipients for one list, newest key first. What it makes can be
// opened as long as the key is there.
type sealer struct {
	list  string
	seals []cipher.AEAD
	names [][]byte // keys of the pseudonyms
}

func newSealer(keys consent.Keys, list string) (*sealer, error) {
	s := &sealer{list: list, names: keys.Derive("unsubscribe/pseudonym", sha256.Size)}
	for _, key := range keys.Derive("unsubscribe/link", 32) {
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, errors.New("unsubscribe: keys: a key has a wrong length")
		}
		seal, err := cipher.NewGCM(block)
		if err != nil {
			return nil, errors.New("unsubscribe: keys: the cipher cannot be used")
		}
		s.seals = append(s.seals, seal)
	}
	return s, nil
}

// bound is what a link is tied to beside its key: form and list.
func (s *sealer) bound() []byte { return append([]byte{tokenForm}, s.list...) }

func (s *sealer) seal(recipient string) string {
	b := make([]byte, 1+nonceSize, overhead+len(recipient))
	b[0] = tokenForm
	rand.Read(b[1:]) // never fails, crypto/rand ends the program instead
	b = s.seals[0].Seal(b, b[1:], []byte(recipient), s.bound())
	return base64.RawURLEncoding.EncodeToString(b)
}

func (s *sealer) open(token string) (string, error) {
	if len(token) > maxToken {
		return "", errToken
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(b) <= overhead || b[0] != tokenForm {
		return "", errToken
	}
	for _, seal := range s.seals {
		if text, err := seal.Open(nil, b[1:1+nonceSize], b[1+nonceSize:], s.bound()); err == nil {
			return string(text), nil
		}
	}
	return "", errToken
}

// pseudonyms are the recipient's subjects in the ledger, that of the newest key
// first. They are the same for all lists: what is refused is the purpose.
func (s *sealer) pseudonyms(recipient string) []consent.Subject {
	out := make([]consent.Subject, 0, len(s.names))
	for _, key := range s.names {
		m := hmac.New(sha256.New, key)
		m.Write([]byte(recipient))
		out = append(out, consent.Subject(m.Sum(nil)))
	}
	return out
}
