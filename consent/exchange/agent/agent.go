// Package agent reads a User-Agent field and keeps words from lists: the family
// of a browser, its major version, a class of device, a family of operating
// systems. Whatever the input, nothing of its text gets out.
//
//	a := agent.Parse(r.UserAgent())
//
// It is for middleware: the access log writes these words, analytics leaves out
// robots by them. A robot that does not say what it is is taken for what it
// pretends to be. The lists are held against real fields; a family or a device
// may move from one word to another as browsers change theirs.
package agent

import (
	"math/bits"
	"strings"
)

// Agent is what is kept of a field.
type Agent struct {
	Name    string // family, "Other" when unknown, "" when there is no field
	Version string // leading digits of the family's version, at most 4
	Device  string // desktop, mobile, tablet, bot, other
	OS      string // family of operating systems, "" when unknown
}

// Robot reports whether it says of itself that it is no visitor: a crawler, a
// preview, a tool.
func (a Agent) Robot() bool { return a.Device == "bot" }

// maxAgent bounds what is looked at; real ones stay below 512 bytes.
const maxAgent = 1024

// Parse classifies a User-Agent field, of which it reads the first 1,024 bytes.
// A bot that says so is a bot, whatever else it pretends to be. It is safe for
// concurrent use and never fails.
func Parse(ua string) Agent {
	if ua == "" {
		return Agent{Device: "other"}
	}
	ua = ua[:min(len(ua), maxAgent)]
	var f found
	agents.find(ua, &f)
	if f.rules.bots != 0 {
		i := bits.TrailingZeros64(f.rules.bots)
		at, _ := f.where(agents.bots[i])
		return Agent{Name: bots[i].name, Version: major(ua[at+len(bots[i].token):]), Device: "bot"}
	}
	// Browsers begin so for historical reasons; nothing else is one.
	if !strings.HasPrefix(ua, "Mozilla/") && !strings.HasPrefix(ua, "Opera/") {
		for _, t := range tools {
			if strings.HasPrefix(ua, t.token) {
				return Agent{Name: t.name, Version: major(ua[len(t.token):]), Device: "other"}
			}
		}
		return Agent{Name: "Other", Device: "other"}
	}
	a := Agent{Name: "Other", Device: "other"}
	if i, ok := f.first(agents.platforms, f.rules.platforms); ok {
		a.OS, a.Device = platforms[i].os, platforms[i].device
	}
	if a.Device == "other" {
		return a
	}
	if i, ok := f.first(agents.browsers, f.rules.browsers); ok {
		a.Name = browsers[i].name
		version := agents.browsers[i].version
		if at, ok := f.where(version); ok {
			a.Version = major(ua[at+len(agents.tokens[version]):])
		}
	}
	if a.Name == "Opera Mini" {
		a.Device = "mobile"
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
