package logging

import "strings"

// agent is what is kept of a User-Agent field: words from lists, and a number.
// Whatever the input, nothing of its text gets out.
type agent struct {
	name    string // family, "Other" when unknown, "" when there is no field
	version string // leading digits of the family's version, at most 4
	device  string // desktop, mobile, tablet, bot, other
	os      string // family of operating systems, "" when unknown
}

// maxAgent bounds what is looked at; real ones stay below 512 bytes.
const maxAgent = 1024

// parseAgent classifies a User-Agent field. A bot that says so is a bot,
// whatever else it pretends to be.
func parseAgent(ua string) agent {
	if ua == "" {
		return agent{device: "other"}
	}
	ua = ua[:min(len(ua), maxAgent)]
	for _, b := range bots {
		if i := strings.Index(ua, b.token); i >= 0 {
			return agent{name: b.name, version: major(ua[i+len(b.token):]), device: "bot"}
		}
	}
	for _, t := range tools {
		if strings.HasPrefix(ua, t.token) {
			return agent{name: t.name, version: major(ua[len(t.token):]), device: "other"}
		}
	}
	// Browsers begin so for historical reasons; nothing else is one.
	if !strings.HasPrefix(ua, "Mozilla/") && !strings.HasPrefix(ua, "Opera/") {
		return agent{name: "Other", device: "other"}
	}
	a := agent{name: "Other"}
	a.os, a.device = platform(ua)
	if a.device == "other" {
		return a
	}
	for _, b := range browsers {
		i := strings.Index(ua, b.token)
		if i < 0 || b.also != "" && !strings.Contains(ua, b.also) || b.not != "" && strings.Contains(ua, b.not) {
			continue
		}
		a.name = b.name
		from := b.version
		if from == "" {
			from = b.token
		}
		if i := strings.Index(ua, from); i >= 0 && from != "-" {
			a.version = major(ua[i+len(from):])
		}
		break
	}
	if a.name == "Opera Mini" {
		a.device = "mobile"
	}
	return a
}

// platform returns the operating system and the device class of a browser.
func platform(ua string) (os, device string) {
	has := func(token string) bool { return strings.Contains(ua, token) }
	switch {
	case has("Windows Phone"):
		return "Windows Phone", "mobile"
	case has("iPad"):
		return "iOS", "tablet"
	case has("iPhone"), has("iPod"):
		return "iOS", "mobile"
	case has("Android"):
		if has("Mobile") || !has("Mozilla/") {
			return "Android", "mobile"
		}
		if has("Mozilla/5.0 (Linux; U; Android 2") || has("Mozilla/5.0 (Linux; U; Android 1") {
			return "Android", "mobile"
		}
		return "Android", "tablet"
	case has("Windows NT"), has("Windows 9"), has("Win98"), has("WOW64"):
		return "Windows", "desktop"
	case has("CrOS"):
		return "ChromeOS", "desktop"
	case has("Macintosh"):
		return "macOS", "desktop"
	case has("SymbOS"), has("Symbian"):
		return "Symbian", "mobile"
	case has("FreeBSD"):
		return "FreeBSD", "desktop"
	case has("(Mobile; rv:"):
		return "Firefox OS", "mobile"
	case has("(Tablet; rv:"):
		return "Firefox OS", "tablet"
	case has("Linux"), has("X11"):
		return "Linux", "desktop"
	}
	return "", "other"
}

// major returns the leading digits of a version behind a product's name.
func major(s string) string {
	if len(s) > 0 && (s[0] == '/' || s[0] == ' ') {
		s = s[1:]
	}
	if len(s) > 1 && s[0] == 'v' {
		s = s[1:]
	}
	n := 0
	for n < len(s) && n < 5 && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	if n > 4 {
		return ""
	}
	return s[:n]
}
