package cookies

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// trackers are names that analytics and adverts are known by.
var trackers = []string{"_ga", "_gid", "_gat", "_gcl_au", "_fbp", "_fbc", "_pk_id", "_hjid", "_ga_*", "_gat_*", "_pk_*"}

// Warnings lints what is allowed and rarely meant. It returns sentences in the
// form of errors, none of which stops a constructor.
func (inv *Inventory) Warnings() []string {
	var out []string
	for i := range inv.entries {
		e := &inv.entries[i]
		warn := func(format string, args ...any) {
			out = append(out, fmt.Sprintf("cookies: inventory: specs[%d]: "+format, append([]any{i}, args...)...))
		}
		if e.Field || e.ThirdParty {
			continue
		}
		switch {
		case e.essential && slices.Contains(trackers, e.Name):
			warn("%s is a tracking cookie and called essential; choose a purpose that asks", e.Name)
		case e.essential && e.Lifetime > 31*24*time.Hour:
			warn("%s is essential and kept for more than a month; staying signed in is a choice, so offer it as one", e.Name)
		}
		if outer := inv.around(e); outer != nil && outer.Purpose != e.Purpose {
			warn("%s lies within %s, which is for another purpose; the longer name counts, so make sure that it is meant", e.Name, outer.Name)
		}
	}
	return out
}

// around returns the narrowest family that e is a part of, or nil.
func (inv *Inventory) around(e *entry) *entry {
	name := strings.TrimSuffix(e.Name, "*")
	for _, f := range inv.families {
		if f.entry != e && strings.HasPrefix(name, f.name) {
			return f.entry
		}
	}
	return nil
}
