package banner

import (
	"sync/atomic"

	"github.com/candorhttp/candor/consent"
)

// Describe implements [consent.Describer]: the addresses of the pages. Pages
// describe themselves; they need not be among Options.Parts.
func (p *Pages) Describe(m *consent.Manifest) {
	prefix := p.manager.Prefix()
	for _, name := range []string{"", "notice", "records", "parts", "candor.css", "candor.js"} {
		m.Endpoints = append(m.Endpoints, "GET "+prefix+name)
	}
}

type counters struct{ banners, failed atomic.Uint64 }

// Stats is a snapshot of what Pages counted since they were made.
type Stats struct {
	Banners uint64 // pages that a banner was made for; those it was fetched for by the script are not known
	Failed  uint64 // templates that failed in spite of having been tried by New: a page then has a gap, or is a 500
}

// Stats returns the counters.
func (p *Pages) Stats() Stats {
	return Stats{p.counters.banners.Load(), p.counters.failed.Load()}
}
