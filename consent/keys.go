package consent

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
)

// ErrNoKeys is wrapped by the errors of ParseKeys, KeysFromEnv and
// KeysFromFile when there is no key at all.
var ErrNoKeys = errors.New("no key")

const (
	keyPrefix = "ck1_"
	keySize   = 32
	// maxKeys bounds what a forged cookie costs: every key is tried.
	maxKeys = 8
)

// Keys is the one key set of a site, newest first. The newest signs, all
// verify, so a key is rotated by putting a new one in front and removing the
// oldest when what it signed has expired. Every use derives its own keys from
// it with HKDF-SHA256 (RFC 5869) and a label of its own, so that one leaked
// use does not open another.
//
// The zero Keys has no key and is refused by every constructor. Keys is safe
// for concurrent use and never prints its contents.
type Keys struct {
	secrets [][keySize]byte
}

// GenerateKey returns a new random key in the text form that ParseKeys reads:
// "ck1_" and 43 characters of unpadded base64url (32 bytes from crypto/rand).
func GenerateKey() string {
	var k [keySize]byte
	rand.Read(k[:]) // never fails, crypto/rand ends the program instead
	return keyPrefix + base64.RawURLEncoding.EncodeToString(k[:])
}

// ParseKeys reads keys in the form of GenerateKey, newest first, separated by
// commas or white space; a line beginning with '#' is a comment. It fails on
// anything that is not a key, on a key given twice and on more than 8 keys,
// naming the position and never the text.
func ParseKeys(text string) (Keys, error) {
	var keys Keys
	var faults []error
	n := 0
	for line := range strings.Lines(text) {
		if strings.HasPrefix(strings.TrimSpace(line), "#") {
			continue
		}
		for _, word := range strings.FieldsFunc(line, isKeySeparator) {
			n++
			k, ok := parseKey(word)
			if !ok {
				faults = append(faults, fmt.Errorf("consent: keys: key %d is not of the form ck1_ and 43 base64url characters; make one with consent.GenerateKey", n))
				continue
			}
			for i, other := range keys.secrets {
				if other == k {
					faults = append(faults, fmt.Errorf("consent: keys: key %d is the same as key %d; remove one", n, i+1))
				}
			}
			keys.secrets = append(keys.secrets, k)
		}
	}
	if n == 0 {
		faults = append(faults, fmt.Errorf("consent: keys: %w; make one with consent.GenerateKey", ErrNoKeys))
	}
	if n > maxKeys {
		faults = append(faults, fmt.Errorf("consent: keys: %d keys, more than %d; remove the oldest", n, maxKeys))
	}
	if err := errors.Join(faults...); err != nil {
		return Keys{}, err
	}
	return keys, nil
}

func isKeySeparator(r rune) bool {
	return r == ',' || r == ' ' || r == '\t' || r == '\n' || r == '\r'
}

func parseKey(word string) (k [keySize]byte, ok bool) {
	body, ok := strings.CutPrefix(word, keyPrefix)
	if !ok {
		return k, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(body)
	if err != nil || len(raw) != keySize {
		return k, false
	}
	return [keySize]byte(raw), true
}

// KeysFromEnv reads the keys from an environment variable, as ParseKeys does.
func KeysFromEnv(name string) (Keys, error) {
	keys, err := ParseKeys(os.Getenv(name))
	if err != nil {
		return Keys{}, fmt.Errorf("environment variable %s: %w", name, err)
	}
	return keys, nil
}

// KeysFromFile reads the keys from a file, as ParseKeys does. The file should
// be readable by the service alone (mode 0600).
func KeysFromFile(name string) (Keys, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return Keys{}, fmt.Errorf("consent: keys: %w", err)
	}
	keys, err := ParseKeys(string(text))
	if err != nil {
		return Keys{}, fmt.Errorf("file %s: %w", name, err)
	}
	return keys, nil
}

// Derive returns, for each key and newest first, n bytes derived for the given
// label. The same label always gives the same bytes, different labels give
// independent ones. n must be at most 8160 (RFC 5869 §2.3).
func (k Keys) Derive(label string, n int) [][]byte {
	out := make([][]byte, 0, len(k.secrets))
	for i := range k.secrets {
		d, err := hkdf.Key(sha256.New, k.secrets[i][:], nil, "candor/1/"+label, n)
		if err != nil {
			// Only an impossible n gets here; no key is the closed answer.
			return nil
		}
		out = append(out, d)
	}
	return out
}

// IsZero reports whether there is no key.
func (k Keys) IsZero() bool { return len(k.secrets) == 0 }

// String says how many keys there are and nothing else.
func (k Keys) String() string { return fmt.Sprintf("consent.Keys(%d)", len(k.secrets)) }

// Format implements fmt.Formatter so that no verb prints a key.
func (k Keys) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

// LogValue implements slog.LogValuer so that no log holds a key.
func (k Keys) LogValue() slog.Value { return slog.StringValue(k.String()) }
