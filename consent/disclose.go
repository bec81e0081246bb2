package consent

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"sync/atomic"
)

// Disclosure declares that a visitor's full address is given to a recipient, for
// a purpose of the policy that names the recipient. A payment intermediary that
// checks for fraud is the usual one.
type Disclosure struct {
	Purpose   Purpose
	Recipient string // the name of one of the policy's Recipients
}

// ErrNotDisclosed is wrapped by the errors of [Manager.Disclose], which say why
// and hold nothing of the visitor.
var ErrNotDisclosed = errors.New("consent: address not disclosed")

// disclosures counts what was handed out. It does not change after New.
type disclosures struct {
	counts  map[Disclosure]*atomic.Uint64
	refused atomic.Uint64
}

// Disclose returns the visitor's full address, to be handed to the recipient.
// Behind an [iputil.Listener] nothing else in a handler has it. Every address
// handed out is counted by its recipient, and the manifest lists who may get one.
//
// It fails, with an error that wraps ErrNotDisclosed, for what is not declared in
// Config.Disclosures, where the visitor does not allow the purpose, and where
// the address is not known. A purpose that needs consent marks the response as
// [Allowed] does. It is safe for concurrent use.
func (m *Manager) Disclose(r *http.Request, d Disclosure) (netip.Addr, error) {
	count := m.disclosures.counts[d]
	if count == nil {
		return m.notDisclosed("is not declared; add it to Config.Disclosures")
	}
	i := m.rules.index[d.Purpose]
	if m.rules.policy.Processing[i].Basis != Essential && !Allowed(r.Context(), d.Purpose) {
		return m.notDisclosed("the visitor does not allow it")
	}
	addr := m.visitors.Client(r)
	if !addr.IsValid() {
		return m.notDisclosed("is not known; see iputil.Resolver")
	}
	count.Add(1)
	return addr, nil
}

func (m *Manager) notDisclosed(why string) (netip.Addr, error) {
	m.disclosures.refused.Add(1)
	return netip.Addr{}, fmt.Errorf("%w: %s", ErrNotDisclosed, why)
}

// declareDisclosures checks the declarations against the policy.
func declareDisclosures(declared []Disclosure, p Policy, fault func(string, ...any)) map[Disclosure]*atomic.Uint64 {
	counts := make(map[Disclosure]*atomic.Uint64, len(declared))
	for i, d := range declared {
		at := slices.IndexFunc(p.Processing, func(r Processing) bool { return r.Purpose == d.Purpose })
		switch {
		case at < 0:
			fault("Disclosures[%d]: Purpose is not in the policy; declare it there", i)
		case !slices.Contains(p.Processing[at].Recipients, d.Recipient):
			fault("Disclosures[%d]: Recipient is not among those of the purpose; name it in the policy, where visitors read it", i)
		case counts[d] != nil:
			fault("Disclosures[%d]: is there twice; drop one", i)
		default:
			counts[d] = new(atomic.Uint64)
		}
	}
	return counts
}

// describe lists the declared disclosures in a stable order.
func (d *disclosures) describe(p Policy) (rows []ManifestDisclosure) {
	for declared := range d.counts {
		at := slices.IndexFunc(p.Recipients, func(r Recipient) bool { return r.Name == declared.Recipient })
		rows = append(rows, ManifestDisclosure{
			Data: "client.address, in full", Purpose: declared.Purpose, Recipient: declared.Recipient,
			Country: p.Recipients[at].Country, Safeguard: p.Recipients[at].Safeguard,
		})
	}
	slices.SortFunc(rows, func(a, b ManifestDisclosure) int {
		return cmp.Or(cmp.Compare(a.Recipient, b.Recipient), cmp.Compare(a.Purpose, b.Purpose))
	})
	return rows
}

// byRecipient adds up the purposes.
func (d *disclosures) byRecipient() map[string]uint64 {
	out := make(map[string]uint64, len(d.counts))
	for declared, n := range d.counts {
		out[declared.Recipient] += n.Load()
	}
	return out
}
