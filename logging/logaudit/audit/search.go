package audit

import "github.com/candorhttp/candor/iputil"

// What a character can be part of.
const (
	isDigit = 1 << iota
	isWord  // letters, digits, '_' and '-'
	isAt
	isPlus
	isPercent
	isDot
	isColon
)

// traits says of each byte what it can be part of. Bytes of characters beyond
// ASCII are parts of nothing but mail addresses, which have an '@' as well.
var traits = func() (t [256]uint8) {
	for c := range 256 {
		switch {
		case c >= '0' && c <= '9':
			t[c] = isDigit | isWord
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_', c == '-':
			t[c] = isWord
		}
	}
	t['@'], t['+'], t['%'], t['.'], t[':'] = isAt, isPlus, isPercent, isDot, isColon
	return t
}()

// minPiece is the longest run of word characters that at least stands in a token:
// of base64 with one mark in maxMarksIn characters, 30 with 3 marks have the
// shortest, (30-3)/4. Each token has a digit.
const minPiece = 7

// find returns which of the kinds stand in a value. kept is what an address may
// show. Percent-encoded values are searched decoded as well, up to twice.
func find(value []byte, look kinds, kept iputil.Cut) kinds {
	found, percent := scan(value, look, kept)
	for level := 0; percent && level < 2; level++ {
		var more kinds
		value = unescape(value)
		more, percent = scan(value, look, kept)
		found |= more
	}
	return found
}

// scan looks once at every byte, and closer where there is something to see.
// Nearly all values have nothing.
func scan(value []byte, look kinds, kept iputil.Cut) (found kinds, percent bool) {
	var all uint8
	digits, colons, dots, run, longest := 0, 0, 0, 0, 0
	for _, c := range value {
		t := traits[c]
		all |= t
		if t&isWord == 0 {
			run = 0
			dots += int(t & isDot / isDot)
			colons += int(t & isColon / isColon)
			continue
		}
		digits += int(t & isDigit)
		if run++; run > longest {
			longest = run
		}
	}
	if look&email != 0 && all&isAt != 0 && hasEmail(value) {
		found |= email
	}
	if look&token != 0 && longest >= minPiece && digits > 0 && hasToken(value) {
		found |= token
	}
	if look&card != 0 && digits >= minCard && hasCard(value) {
		found |= card
	}
	if look&phone != 0 && all&isPlus != 0 && digits >= minPhone && hasPhone(value) {
		found |= phone
	}
	if look&address != 0 && (dots >= 3 && digits >= 4 || colons >= 2) && hasAddress(value, kept) {
		found |= address
	}
	return found, all&isPercent != 0
}

// unescape decodes what is percent-encoded and leaves bad escapes as they are.
func unescape(s []byte) []byte {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if high, low := unhex(s[i+1]), unhex(s[i+2]); high >= 0 && low >= 0 {
				out = append(out, byte(high<<4|low))
				i += 2
				continue
			}
		}
		out = append(out, s[i])
	}
	return out
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
