package banner

import (
	"slices"

	"github.com/candorhttp/candor/consent"
)

// change is one entry of the policy's history in one language.
type change struct {
	version int
	view    ChangeView
}

func history(policy consent.Policy, l *lexicon) (out []change) {
	for _, c := range slices.Backward(policy.Changes) {
		out = append(out, change{c.Version, ChangeView{
			Dated:   fill(l.texts["notice.version"], "n", c.Version, "date", l.date(c.Effective)),
			Summary: c.Summary[l.language],
		}})
	}
	return out
}

// since marks what is new to the visitor since their choice. Who never chose
// finds nothing marked: all of it is new.
func (v *View) since(changes []change, d consent.Decision, goodSince map[consent.Purpose]int) {
	texts, since, again := v.lexicon.texts, d.Since(), false
	v.Dated = fill(texts["notice.version"], "n", v.Policy.Version, "date", v.lexicon.date(v.Policy.Effective))
	if since > 0 && since < v.Policy.Version {
		v.Since = fill(texts["notice.choice"], "n", since)
	}
	for i := range v.Purposes {
		p := &v.Purposes[i]
		stale := d.State(p.Purpose) == consent.Stale
		p.New = stale || since > 0 && goodSince[p.Purpose] > since
		again = again || stale
	}
	for _, c := range changes {
		c.view.New = since > 0 && c.version > since
		v.Changes = append(v.Changes, c.view)
		if c.view.New && again {
			v.Changed = append(v.Changed, c.view)
		}
	}
}
