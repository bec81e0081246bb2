package audit

// hasEmail looks for name@host.tld. Characters beyond ASCII count as letters
// (RFC 6531).
func hasEmail(s []byte) bool {
	for i, c := range s {
		if c != '@' || i == 0 || !isLocal(s[i-1]) {
			continue
		}
		dot, top := false, 0 // top counts the letters of the last label
		for _, c := range s[i+1:] {
			if c == '.' {
				dot, top = true, 0
				continue
			}
			if traits[c]&isWord == 0 && c < 0x80 {
				break
			}
			if dot && traits[c]&isDigit == 0 {
				if top++; top == 2 {
					return true
				}
			}
		}
	}
	return false
}

// isLocal reports whether c can end the local part of an address (RFC 5322
// §3.2.3), quoted ones included.
func isLocal(c byte) bool {
	if traits[c]&isWord != 0 || c >= 0x80 {
		return true
	}
	switch c {
	case '!', '#', '$', '%', '&', '\'', '*', '+', '?', '^', '`', '{', '|', '}', '~', '"', '.':
		return true
	}
	return false
}

// E.164 numbers have at most 15 digits; with their country code few have less
// than 8.
const minPhone, maxPhone = 8, 15

// hasPhone looks for '+', a country code and a number, with single spaces or
// marks between groups of digits.
func hasPhone(s []byte) bool {
	for i, c := range s {
		if c != '+' || i+1 == len(s) || s[i+1] < '1' || s[i+1] > '9' || i > 0 && traits[s[i-1]]&isWord != 0 {
			continue
		}
		digits, marks := 0, 0
		for _, c := range s[i+1:] {
			if traits[c]&isDigit != 0 {
				digits++
				marks = 0
				continue
			}
			if marks++; marks > 2 || c != ' ' && c != '-' && c != '.' && c != '(' && c != ')' && c != '/' {
				break
			}
		}
		if digits >= minPhone && digits <= maxPhone {
			return true
		}
	}
	return false
}

// Card numbers by ISO/IEC 7812 that are in use.
const minCard, maxCard = 13, 19

// hasCard looks for a number of an issuer's length and prefix whose check digit
// is right, in one piece or in the groups in which it is printed.
func hasCard(s []byte) bool {
	for i := 0; i < len(s); i++ {
		if traits[s[i]]&isDigit == 0 {
			continue
		}
		if number, ok := grouped(s[i:]); ok && isCard(number) {
			return true
		}
		begin := i
		for i < len(s) && traits[s[i]]&isDigit != 0 {
			i++
		}
		if n := i - begin; n >= minCard && n <= maxCard && isCard(s[begin:i]) {
			return true
		}
	}
	return false
}

// groupings are how numbers are printed on cards.
var groupings = [][]int{{4, 4, 4, 4, 3}, {4, 4, 4, 4}, {4, 6, 5}, {4, 6, 4}}

// grouped takes the digits from groups at the beginning of s that one and the
// same mark keeps apart.
func grouped(s []byte) ([]byte, bool) {
	if len(s) < 15 || traits[s[3]]&isDigit == 0 {
		return nil, false
	}
	mark := s[4]
	if mark != ' ' && mark != '-' && mark != '.' && mark != '+' {
		return nil, false
	}
next:
	for _, groups := range groupings {
		number, at := make([]byte, 0, maxCard), 0
		for i, n := range groups {
			if i > 0 {
				if at >= len(s) || s[at] != mark {
					continue next
				}
				at++
			}
			for range n {
				if at >= len(s) || traits[s[at]]&isDigit == 0 {
					continue next
				}
				number = append(number, s[at])
				at++
			}
		}
		if at < len(s) && traits[s[at]]&isDigit != 0 {
			continue
		}
		return number, true
	}
	return nil, false
}

// issuers are ranges of leading digits with the lengths that their cards have.
var issuers = []struct{ from, to, digits, shortest, longest int }{
	{4, 4, 1, 13, 13}, {4, 4, 1, 16, 16}, {4, 4, 1, 19, 19}, // Visa
	{51, 55, 2, 16, 16}, {2221, 2720, 4, 16, 16}, // Mastercard
	{34, 34, 2, 15, 15}, {37, 37, 2, 15, 15}, // American Express
	{6011, 6011, 4, 16, 19}, {644, 649, 3, 16, 19}, {65, 65, 2, 16, 19}, // Discover
	{3528, 3589, 4, 16, 19},                                         // JCB
	{300, 305, 3, 14, 19}, {36, 36, 2, 14, 19}, {38, 39, 2, 14, 19}, // Diners Club
	{62, 62, 2, 16, 19},                                                                                // UnionPay
	{5018, 5018, 4, 13, 19}, {5020, 5020, 4, 13, 19}, {5038, 5038, 4, 13, 19}, {5893, 5893, 4, 13, 19}, // Maestro
	{6304, 6304, 4, 13, 19}, {6759, 6759, 4, 13, 19}, {6761, 6763, 4, 13, 19},
	{2200, 2204, 4, 16, 19}, // Mir
}

func isCard(number []byte) bool {
	for _, r := range issuers {
		if len(number) < r.shortest || len(number) > r.longest {
			continue
		}
		lead := 0
		for _, c := range number[:r.digits] {
			lead = lead*10 + int(c-'0')
		}
		if lead >= r.from && lead <= r.to {
			return luhn(number)
		}
	}
	return false
}

// luhn reports whether the check digit is right (ISO/IEC 7812-1, annex B).
func luhn(number []byte) bool {
	sum := 0
	for i, c := range number {
		d := int(c - '0')
		if (len(number)-i)%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}
