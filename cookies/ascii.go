package cookies

// Browsers compare names of attributes and prefixes in ASCII: to them a Kelvin
// sign is no k. The functions of package strings fold all of Unicode.

// equalFold compares s with a lower-case ASCII name of the same length.
func equalFold(s, lower string) bool {
	for i := range len(s) {
		c := s[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// hasPrefixFold reports whether s begins with a lower-case ASCII prefix.
func hasPrefixFold(s, lower string) bool {
	return len(s) >= len(lower) && equalFold(s[:len(lower)], lower)
}

// trim takes the white space of RFC 6265bis from both ends.
func trim(s string) string {
	for s != "" && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	for s != "" && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t') {
		s = s[:len(s)-1]
	}
	return s
}

// hasControl reports whether a line has a control character other than a tab.
// Every line passes here, so it looks at eight bytes at a time: taking away from
// a byte that is smaller borrows, which shows in its highest bit.
func hasControl(s string) bool {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	for ; len(s) >= 8; s = s[8:] {
		v := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
			uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
		del := v ^ 0x7f*ones
		if ((v-0x20*ones)&^v|(del-ones)&^del)&tops != 0 && isControl(s[:8]) {
			return true
		}
	}
	return isControl(s)
}

func isControl(s string) bool {
	for i := range len(s) {
		if b := s[i]; b < ' ' && b != '\t' || b == 0x7f {
			return true
		}
	}
	return false
}
