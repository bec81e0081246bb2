package cookies

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// GoSource prints the survey as a Go file with a function inventory, formatted
// as gofmt does, to be kept beside the code that makes the gate and edited: what
// it cannot know, the purpose of a cookie and the sentence that tells visitors
// what it does, is left empty, and [NewInventory] names what is missing. Names
// are tokens and quoted, routes are quoted, places are of plain characters, so
// nobody who can make a handler set a cookie can write anything else into it.
func (s Survey) GoSource() []byte {
	p := &printer{languages: s.languages}
	p.line("// inventory declares the cookies that handlers were seen to set, with the")
	p.line("// attributes they set. Give each a purpose, tell visitors what it does, and")
	p.line("// tighten what need not be so wide; cookies.NewInventory names what is missing.")
	if len(s.purposes) > 0 {
		words := make([]string, len(s.purposes))
		for i, purpose := range s.purposes {
			words[i] = strconv.QuoteToASCII(string(purpose))
		}
		p.line("//")
		p.line("// The policy's purposes: %s.", strings.Join(words, ", "))
	}
	if len(s.Unseen) > 0 {
		p.line("//")
		p.line("// Declared and not seen: %s.", quoteAll(s.Unseen))
	}
	if s.Left > 0 {
		p.line("//")
		p.line("// Not here: %d lines that were malformed, had a name that cannot be declared,", s.Left)
		p.line("// or came after %d names. A family (\"cart_*\") stands for many.", maxSightings)
	}
	p.line("func inventory() []cookies.Spec {")
	if len(s.Cookies) == 0 {
		p.line("\treturn nil")
	} else {
		p.line("\treturn []cookies.Spec{")
		for i := range s.Cookies {
			p.sighting(&s.Cookies[i])
		}
		p.line("\t}")
	}
	p.line("}")
	return []byte(p.head() + p.body.String())
}

type printer struct {
	body          strings.Builder
	languages     []string
	time, http    bool
	consentImport bool
}

func (p *printer) line(format string, args ...any) {
	fmt.Fprintf(&p.body, format+"\n", args...)
}

// head is the file down to its imports, of which Go wants no unused one.
func (p *printer) head() string {
	var b strings.Builder
	b.WriteString("package main\n\nimport (\n")
	if p.http {
		b.WriteString("\t\"net/http\"\n")
	}
	if p.time {
		b.WriteString("\t\"time\"\n")
	}
	if p.http || p.time {
		b.WriteByte('\n')
	}
	if p.consentImport {
		b.WriteString("\t\"github.com/candorhttp/candor/consent\"\n")
	}
	b.WriteString("\t\"github.com/candorhttp/candor/cookies\"\n)\n\n")
	return b.String()
}

func (p *printer) sighting(c *Sighting) {
	on := ""
	if len(c.Routes) > 0 {
		on = ", on " + quoteAll(c.Routes)
	}
	times := "once"
	if c.Lines > 1 {
		times = fmt.Sprintf("%d times", c.Lines)
	}
	p.line("\t\t// Set %s%s.", times, on)
	if c.Spec.ScriptReadable {
		p.line("\t\t// It was set without HttpOnly; unless a script reads it, take ScriptReadable away.")
	}
	if c.NoPath {
		p.line("\t\t// It was set without a Path, so browsers keep it for the directory of the page;")
		p.line("\t\t// say which in the handler, or a withdrawal does not reach it.")
	}
	if c.More {
		p.line("\t\t// It was set in more places than stand here, or in one that cannot be declared.")
	}
	p.line("\t\t{")
	p.line("\t\t\t%s,", strings.Join(p.attributes(&c.Spec), ", "))
	if second := p.texts(&c.Spec); len(second) > 0 {
		p.line("\t\t\t%s,", strings.Join(second, ", "))
	}
	p.line("\t\t},")
}

func (p *printer) attributes(s *Spec) []string {
	out := []string{"Name: " + strconv.QuoteToASCII(s.Name), "Purpose: " + strconv.QuoteToASCII(string(s.Purpose))}
	if s.Provider != "" {
		out = append(out, "Provider: "+strconv.Quote(s.Provider))
	}
	if s.Recipient != "" {
		out = append(out, "Recipient: "+strconv.Quote(s.Recipient))
	}
	if s.Lifetime > 0 {
		p.time = true
		out = append(out, "Lifetime: "+duration(s.Lifetime))
	}
	if s.ScriptReadable {
		out = append(out, "ScriptReadable: true")
	}
	switch s.SameSite {
	case http.SameSiteNoneMode:
		p.http = true
		out = append(out, "SameSite: http.SameSiteNoneMode")
	case http.SameSiteStrictMode:
		p.http = true
		out = append(out, "SameSite: http.SameSiteStrictMode")
	}
	if s.Partitioned {
		out = append(out, "Partitioned: true")
	}
	return out
}

func (p *printer) texts(s *Spec) (out []string) {
	if len(p.languages) > 0 {
		p.consentImport = true
		words := make([]string, len(p.languages))
		for i, l := range p.languages {
			words[i] = strconv.QuoteToASCII(l) + ": " + strconv.Quote(s.Description[l])
		}
		out = append(out, "Description: consent.Text{"+strings.Join(words, ", ")+"}")
	}
	if len(s.Variants) > 0 && !slices.Equal(s.Variants, []Variant{{Path: "/"}}) {
		places := make([]string, len(s.Variants))
		for i, v := range s.Variants {
			places[i] = "{Path: " + strconv.QuoteToASCII(v.Path) + "}"
			if v.Domain != "" {
				places[i] = "{Domain: " + strconv.QuoteToASCII(v.Domain) + ", Path: " + strconv.QuoteToASCII(v.Path) + "}"
			}
		}
		out = append(out, "Variants: []cookies.Variant{"+strings.Join(places, ", ")+"}")
	}
	return out
}

// duration writes d as people do, in the largest unit that fits.
func duration(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d%day == 0 && d > day:
		return fmt.Sprintf("%d * 24 * time.Hour", d/day)
	case d%time.Hour == 0:
		return fmt.Sprintf("%d * time.Hour", d/time.Hour)
	case d%time.Minute == 0:
		return fmt.Sprintf("%d * time.Minute", d/time.Minute)
	}
	return fmt.Sprintf("%d * time.Second", d/time.Second)
}

func quoteAll(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = strconv.QuoteToASCII(w)
	}
	return strings.Join(quoted, ", ")
}
