package consent_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
)

func grantCookie() consent.Stored {
	return consent.Stored{
		Subject: consent.Subject{1, 2, 3}, Revision: 7, Issued: noon.Unix() / 60, Version: 3,
		Answers: []consent.Answer{yes(2, noon, 3), yes(3, noon.AddDate(0, -1, 0), 2), no(4, noon)},
	}
}

func TestCookieRoundTrip(t *testing.T) {
	knowing := yes(4, noon, 3)
	knowing.KnowingGPC = true
	for name, s := range map[string]consent.Stored{
		"refusal":           {Version: 3, Answers: []consent.Answer{no(2, noon), no(3, noon), no(4, noon)}},
		"refusals by month": {Version: 3, Answers: []consent.Answer{no(2, noon), no(3, noon.AddDate(0, -1, 0)), no(9, noon)}},
		"grant":             grantCookie(),
		"knowing":           {Subject: consent.Subject{9}, Revision: 1, Issued: noon.Unix() / 60, Version: 3, Answers: []consent.Answer{yes(3, noon, 3), knowing}},
	} {
		t.Run(name, func(t *testing.T) {
			c := consent.NewCodec(newKeys(t), "consent")
			text := c.Encode(s)
			require.Less(t, len("__Secure-consent=")+len(text), 200)
			got, err := c.Decode(text, noon)
			require.NoError(t, err)
			require.Equal(t, s, got)
		})
	}
}

// The design's bound holds for a policy of six purposes whatever was chosen
// when, and the longest cookie there can be is one this server still reads.
func TestCookieSize(t *testing.T) {
	c := consent.NewCodec(newKeys(t), "__Secure-consent")
	make := func(n int) consent.Stored {
		s := consent.Stored{Subject: consent.Subject{1}, Revision: 1 << 20, Issued: noon.Unix() / 60, Version: 1 << 20}
		for i := range n {
			a := yes(uint8(i*2+2), noon.AddDate(0, 0, -i), 1<<20)
			a.KnowingGPC = i%2 == 0
			s.Answers = append(s.Answers, a)
		}
		return s
	}
	require.LessOrEqual(t, len("__Secure-consent=")+len(c.Encode(make(6))), 200)
	longest := c.Encode(make(64))
	require.LessOrEqual(t, len(longest), 1024)
	_, err := c.Decode(longest, noon)
	require.NoError(t, err)

	together := make(40)
	for i := range together.Answers {
		together.Answers[i] = yes(uint8(i+1), noon, 3)
	}
	require.Less(t, len(c.Encode(together)), 200, "forty purposes chosen together")
}

func TestCookieThatCannotBeBelieved(t *testing.T) {
	keys := newKeys(t)
	c := consent.NewCodec(keys, "consent")
	good := c.Encode(grantCookie())
	_, err := c.Decode(good, noon)
	require.NoError(t, err)

	future := grantCookie()
	future.Issued += 2 * 24 * 60
	for name, text := range map[string]string{
		"empty":              "",
		"short":              good[:20],
		"cut":                good[:len(good)-1],
		"longer":             good + "A",
		"padded":             good + "==",
		"a teapot":           "IAmATeapot",
		"not base64":         strings.Repeat("!", 80),
		"quoted":             `"` + good + `"`,
		"line break inside":  good[:30] + "\n" + good[30:],
		"too long":           strings.Repeat("A", 2000),
		"another cookie's":   consent.NewCodec(keys, "__Host-consent").Encode(grantCookie()),
		"another site's":     consent.NewCodec(newKeys(t), "consent").Encode(grantCookie()),
		"issued in a future": c.Encode(future),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.Decode(text, noon)
			require.Error(t, err)
			require.NotContains(t, err.Error(), "IAm")
		})
	}
	raw, err := base64.RawURLEncoding.DecodeString(good)
	require.NoError(t, err)
	for i := range raw {
		for bit := range 8 {
			raw[i] ^= 1 << bit
			_, err := c.Decode(base64.RawURLEncoding.EncodeToString(raw), noon)
			require.Error(t, err, "byte %d bit %d", i, bit)
			raw[i] ^= 1 << bit
		}
	}
}

func TestCookieKeyRotation(t *testing.T) {
	a, b := consent.GenerateKey(), consent.GenerateKey()
	parse := func(s string) consent.Keys {
		k, err := consent.ParseKeys(s)
		require.NoError(t, err)
		return k
	}
	before, during, after := consent.NewCodec(parse(a), "c"), consent.NewCodec(parse(b+","+a), "c"), consent.NewCodec(parse(b), "c")
	old := before.Encode(grantCookie())
	_, err := during.Decode(old, noon)
	require.NoError(t, err, "the old key still verifies")
	require.Equal(t, after.Encode(grantCookie()), during.Encode(grantCookie()), "the new key signs")
	_, err = after.Decode(old, noon)
	require.Error(t, err)
}

// Everybody who refused the same under the same policy in the same month has
// the same cookie, on whatever day.
func TestRefusalCookieTellsNobodyApart(t *testing.T) {
	c := consent.NewCodec(newKeys(t), "consent")
	var first string
	for day := 1; day <= 30; day++ {
		at := time.Date(2026, 11, day, rand.IntN(24), rand.IntN(60), 0, 0, time.UTC)
		text := c.Encode(consent.Stored{Version: 3, Answers: []consent.Answer{no(2, at), no(3, at)}})
		if first == "" {
			first = text
		}
		require.Equal(t, first, text)
	}
}

// Nothing that the reader takes has a second text form, and nothing makes it
// panic.
func FuzzCookiePayload(f *testing.F) {
	f.Add(consent.AppendPayload(grantCookie()))
	f.Add(consent.AppendPayload(consent.Stored{Version: 3, Answers: []consent.Answer{no(2, noon), no(3, noon)}}))
	f.Add([]byte{1, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		s, ok := consent.Payload(b, noon)
		if !ok {
			return
		}
		if again := consent.AppendPayload(s); !bytes.Equal(again, b) {
			t.Fatalf("two forms of one value: %x and %x", b, again)
		}
		for i := 1; i < len(s.Answers); i++ {
			if s.Answers[i-1].Number >= s.Answers[i].Number {
				t.Fatal("answers are not in order")
			}
		}
	})
}

func FuzzCookie(f *testing.F) {
	keys := newKeys(f)
	c := consent.NewCodec(keys, "consent")
	f.Add(c.Encode(grantCookie()))
	f.Add("IAmATeapot")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := c.Decode(text, noon)
		if err == nil && c.Encode(s) != text {
			t.Fatal("a text that this server did not make")
		}
	})
}

// The figure to compare with: one HMAC-SHA256 of the same bytes, and base64.
func BenchmarkCookie(b *testing.B) {
	c := consent.NewCodec(newKeys(b), "consent")
	text := c.Encode(grantCookie())
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		s := consent.Stored{Answers: make([]consent.Answer, 0, 8)}
		for b.Loop() {
			if err := c.DecodeInto(&s, text, noon); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("hmac alone", func(b *testing.B) {
		b.ReportAllocs()
		h := hmac.New(sha256.New, make([]byte, 32))
		raw := make([]byte, 128)
		sum := make([]byte, 0, 32)
		for b.Loop() {
			n, _ := base64.RawURLEncoding.Decode(raw, []byte(text))
			h.Reset()
			h.Write(raw[:n])
			sum = h.Sum(sum[:0])
		}
		_ = sum
	})
}
