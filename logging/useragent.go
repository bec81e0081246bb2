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
	var f found
	agents.find(ua, &f)
	for i, b := range bots {
		if at, ok := f.where(agents.bots[i]); ok {
			return agent{name: b.name, version: major(ua[at+len(b.token):]), device: "bot"}
		}
	}
	// Browsers begin so for historical reasons; nothing else is one.
	if !strings.HasPrefix(ua, "Mozilla/") && !strings.HasPrefix(ua, "Opera/") {
		for _, t := range tools {
			if strings.HasPrefix(ua, t.token) {
				return agent{name: t.name, version: major(ua[len(t.token):]), device: "other"}
			}
		}
		return agent{name: "Other", device: "other"}
	}
	a := agent{name: "Other", device: "other"}
	for i, p := range platforms {
		if f.meets(agents.platforms[i]) {
			a.os, a.device = p.os, p.device
			break
		}
	}
	if a.device == "other" {
		return a
	}
	for i, b := range browsers {
		rule := agents.browsers[i]
		if !f.meets(rule) {
			continue
		}
		a.name = b.name
		if at, ok := f.where(rule.version); ok {
			a.version = major(ua[at+len(agents.tokens[rule.version]):])
		}
		break
	}
	if a.name == "Opera Mini" {
		a.device = "mobile"
	}
	return a
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
