package analytics

import (
	"net/url"
	"slices"

	"github.com/candorhttp/candor/consent"
)

// Describe implements [consent.Describer]: the events that can be captured, the
// destinations that receive some, and the endpoints.
func (p *Pipeline) Describe(m *consent.Manifest) {
	for _, s := range p.order {
		row := consent.ManifestEvent{Name: s.Name, Purpose: s.Purpose, Description: s.Description, Destinations: slices.Clone(s.Sinks)}
		for _, d := range s.Properties {
			property := consent.ManifestProperty{
				Name: d.Name, Kind: d.Kind.String(), Values: slices.Clone(d.Values), Standard: d.standard,
				Min: d.Min, Max: d.Max, Unit: d.Unit, Description: d.Description,
			}
			row.Properties = append(row.Properties, property)
		}
		m.Events = append(m.Events, row)
	}
	for _, q := range p.queues {
		m.Destinations = append(m.Destinations, p.destination(q))
	}
	m.Endpoints = append(m.Endpoints, "POST "+p.prefix+"beacon", "GET "+p.prefix+"script.js", "GET "+p.prefix+"out")
	m.Notes = append(m.Notes, "Events wait for their destination for at most 10 minutes, those without a yes for a minute, and leave the queue when the yes they were captured under ends.")
}

func (p *Pipeline) destination(q *queue) consent.ManifestDestination {
	row := consent.ManifestDestination{
		Name: q.to.Name, Recipient: q.to.Recipient, Country: q.to.Country, Safeguard: q.to.Safeguard,
		Purposes: []consent.Purpose{},
		Fields:   []string{"random id", "name", "route", "time to the minute", "pseudonym for a day or as long as its key's epoch"},
	}
	if u, err := url.Parse(q.to.Endpoint); err == nil {
		row.Host = u.Host
	}
	for _, s := range p.order {
		if slices.Contains(s.Sinks, q.to.Name) && !slices.Contains(row.Purposes, s.Purpose) {
			row.Purposes = append(row.Purposes, s.Purpose)
		}
	}
	return row
}
