package consent

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/candorhttp/candor/consent/exchange"
)

// Person is whose data is asked for or erased.
type Person struct {
	// Subject is who it is in the ledger; nobody for somebody who granted nothing.
	Subject Subject
	// Account is what Config.Account says; empty for somebody who is not signed
	// in, and for whoever comes with a receipt token instead of a cookie.
	Account string
}

// String hides the person, so that no error or log line holds one by accident.
func (p Person) String() string { return "person" }

// HostData is data about visitors that the host itself keeps: orders, a mailing
// list. It is exported and erased together with the ledger's entries. The
// functions are called concurrently, with a context that ends after 10 seconds,
// also for persons of whom there is nothing; what they panic with, and the text
// of their errors, is not looked at.
type HostData struct {
	// Name is shown to the visitor, and unique.
	Name string
	// Export returns what is kept about a person, to be encoded as JSON; nil for
	// nothing. Where it is nil, the data is not exported.
	Export func(context.Context, Person) (any, error)
	// Erase erases what is kept about a person, also when called again. Where it
	// is nil, the data is not erased.
	Erase func(context.Context, Person) error
}

// PartStatus says how far the export or erasure of one part is.
type PartStatus string

const (
	PartDone    PartStatus = "done"
	PartPending PartStatus = "pending" // an erasure that failed and is tried again
	PartFailed  PartStatus = "failed"  // an export that failed twice; ask again
)

// Part is one part of somebody's data.
type Part struct {
	Name   string          `json:"name"`
	Status PartStatus      `json:"status"`
	Data   json.RawMessage `json:"data,omitempty"` // of an export
}

// recordsPart is the name of the ledger's own part.
const recordsPart = "consent records"

// hookTimeout bounds one call of a HostData function.
const hookTimeout = 10 * time.Second

func validateHostData(list []HostData, fault func(string, ...any)) {
	seen := map[string]bool{recordsPart: true}
	for i, d := range list {
		switch {
		case d.Name == "" || len(d.Name) > 100:
			fault("HostData[%d]: Name: is empty or above 100 bytes; say in a few words what the data is", i)
		case seen[d.Name]:
			fault("HostData[%d]: Name: is there already; give each its own", i)
		}
		if d.Export == nil && d.Erase == nil {
			fault("HostData[%d]: does nothing; give it Export, Erase or both", i)
		}
		seen[d.Name] = true
	}
}

// forEach calls f for every part of the host's data at once, and waits.
func (m *Manager) forEach(f func(d HostData) *Part) (parts []Part) {
	found := make([]*Part, len(m.hostData))
	var wg sync.WaitGroup
	for i, d := range m.hostData {
		wg.Go(func() { found[i] = f(d) })
	}
	wg.Wait()
	for _, p := range found {
		if p != nil {
			parts = append(parts, *p)
		}
	}
	return parts
}

// export asks the host's parts for what they keep. What fails is asked once more.
func (m *Manager) export(ctx context.Context, who Person) []Part {
	return m.forEach(func(d HostData) *Part {
		if d.Export == nil {
			return nil
		}
		p := &Part{Name: d.Name, Status: PartFailed}
		for range 2 {
			err := guard(func() error {
				ctx, cancel := context.WithTimeout(ctx, hookTimeout)
				defer cancel()
				v, err := d.Export(ctx, who)
				if err != nil || v == nil {
					return err
				}
				p.Data, err = json.Marshal(v)
				return err
			})
			if err == nil {
				p.Status = PartDone
				return p
			}
			m.hookFailed("Export", d.Name, err)
		}
		p.Data = nil
		return p
	})
}

// hookFailed tells operators which hook failed. The text of the error is the
// host's and may hold a person.
func (m *Manager) hookFailed(hook, name string, err error) {
	m.counters.hookErrors.Add(1)
	m.logger.Error("consent: a hook failed", "hook", hook, "name", name, "error.type", fmt.Sprintf("%T", err))
}

// who finds whose rights are asked for: by a receipt token where there is one,
// else by the consent cookie and the host's account.
func (m *Manager) who(x *exchange.Exchange, rq *rightsRequest) (Person, bool) {
	if rq.token != "" {
		s, ok := m.receipts.open(rq.token)
		if !ok {
			m.counters.badToken.Add(1)
		}
		return Person{Subject: s}, ok
	}
	var p Person
	if s := m.state(x); s != nil {
		s.mu.Lock()
		s.decide()
		p.Subject = s.subject
		s.mu.Unlock()
	}
	if m.account != nil {
		p.Account = m.account(rq.r)
	}
	return p, true
}

// history is what is kept about a person.
func (m *Manager) history(ctx context.Context, who Person) ([]Entry, error) {
	if who.Subject.IsZero() {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, hookTimeout)
	defer cancel()
	entries, err := m.ledger.History(ctx, who.Subject)
	if err != nil {
		m.counters.ledgerErrors.Add(1)
		m.logger.Error("consent: the ledger does not give a history", "error", err)
	}
	return entries, err
}
