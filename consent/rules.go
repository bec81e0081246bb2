package consent

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
)

// Rules is a validated policy in the form that decisions are made from. It is
// immutable and safe for concurrent use. Make it with [Policy.Compile].
type Rules struct {
	policy   Policy
	names    []Purpose // of policy.Processing
	index    map[Purpose]int
	byNumber [256]int8 // index, or -1

	essential, objection, consent, shares uint64 // bit i is Processing[i]

	grantDays, reaskDays int32
	textHash             map[string]string // language to hash of what is shown
}

// Compile validates the policy and returns its compiled form, which holds a
// copy: later changes to p do not reach it.
func (p Policy) Compile() (*Rules, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	p = p.clone()
	r := &Rules{
		policy:    p,
		index:     make(map[Purpose]int, len(p.Processing)),
		grantDays: int32(p.grantDays()),
		reaskDays: int32(p.reaskDays()),
		textHash:  make(map[string]string, len(p.Languages)),
	}
	for i := range r.byNumber {
		r.byNumber[i] = -1
	}
	for i, d := range p.Processing {
		r.names = append(r.names, d.Purpose)
		r.index[d.Purpose] = i
		r.byNumber[d.Number] = int8(i)
		bit := uint64(1) << i
		switch d.Basis {
		case Essential:
			r.essential |= bit
		case Objection:
			r.objection |= bit
		case Consent:
			r.consent |= bit
		}
		if d.SharesData {
			r.shares |= bit
		}
	}
	for _, l := range p.Languages {
		r.textHash[l] = hashShown(p, l)
	}
	return r, nil
}

// fewPurposes is how many are looked for one by one, which takes less than
// computing a hash.
const fewPurposes = 12

// at returns the place of a purpose, false where the policy has none of the name.
func (r *Rules) at(p Purpose) (int, bool) {
	if len(r.names) > fewPurposes {
		i, ok := r.index[p]
		return i, ok
	}
	for i, name := range r.names {
		if name == p {
			return i, true
		}
	}
	return 0, false
}

// hashShown is the SHA-256 of what a visitor is shown in one language, as hex:
// the proof of what a yes was said to.
func hashShown(p Policy, language string) string {
	type shown struct {
		Purpose                Purpose
		Title, Text, Retention string
		Recipients             []string
	}
	list := make([]shown, 0, len(p.Processing))
	for _, d := range p.Processing {
		list = append(list, shown{d.Purpose, d.Title[language], d.Text[language], d.Retention[language], d.Recipients})
	}
	text, _ := json.Marshal(list) // strings only: cannot fail
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// language returns the policy's spelling of a language it has, or its default.
func (r *Rules) language(l string) string {
	if slices.Contains(r.policy.Languages, l) {
		return l
	}
	return r.policy.Languages[0]
}

// askable is every purpose that a visitor can say something about.
func (r *Rules) askable() uint64 { return r.objection | r.consent }

func (p Policy) clone() Policy {
	p.Languages = slices.Clone(p.Languages)
	p.Recipients = slices.Clone(p.Recipients)
	p.Processing = slices.Clone(p.Processing)
	for i := range p.Processing {
		d := &p.Processing[i]
		d.Title, d.Text, d.Retention = maps.Clone(d.Title), maps.Clone(d.Text), maps.Clone(d.Retention)
		d.Recipients = slices.Clone(d.Recipients)
	}
	p.Changes = slices.Clone(p.Changes)
	for i := range p.Changes {
		p.Changes[i].Summary = maps.Clone(p.Changes[i].Summary)
	}
	return p
}
