package events

import (
	"context"

	"github.com/candorhttp/candor/consent/analytics"
	"github.com/candorhttp/candor/examples/migrate/roastery"
)

// statistics hands events to the team's own collector, which stays what it was.
type statistics struct{ collect roastery.Collector }

// Destination says that the events stay with the shop.
func (statistics) Destination() analytics.Destination {
	return analytics.Destination{Name: "statistics", MaxEvents: 100}
}

// Send hands over a batch. A collector behind a network would look at ctx.
func (s statistics) Send(_ context.Context, batch []analytics.Delivery) error {
	for _, d := range batch {
		s.collect(roastery.View{Visitor: d.Pseudonym, Page: d.Route})
	}
	return nil
}
