package sinktest

import (
	"fmt"
	"time"

	"github.com/candorhttp/candor/consent/analytics"
)

// pseudonymOf is the pseudonym of a visitor of Deliveries.
func pseudonymOf(n int) string { return fmt.Sprintf("p1:20261126:2f5c%028x", n) }

// Deliveries returns events as a pipeline would hand them over, of all kinds:
// page views and others, with and without a pseudonym, a route and properties of
// each kind. Their times are of the last minutes, or of the hour for those
// without a yes.
func Deliveries(n int) []analytics.Delivery {
	now := time.Now().UTC()
	out := make([]analytics.Delivery, 0, n)
	for i := range n {
		d := analytics.Delivery{
			ID:        fmt.Sprintf("00000000-0000-4000-8000-%012d", i),
			Name:      analytics.PageView,
			Time:      now.Add(-time.Minute * time.Duration(n-i) / time.Duration(n)).Truncate(time.Minute),
			Route:     "/users/{id}",
			Pseudonym: pseudonymOf(i / 2),
			Properties: []analytics.Property{
				analytics.Enum("status", "2xx"), analytics.Enum("device", "mobile"), analytics.Enum("country", "DE"),
			},
		}
		switch i % 5 {
		case 1:
			d.Name, d.Route = "purchase", "/basket/{path...}"
			d.Properties = []analytics.Property{
				analytics.Enum("goods", "teapot-canary"), analytics.Int("pieces", -3), analytics.Float("weight", 1.25), analytics.Bool("gift", true),
			}
		case 2:
			d.Route, d.Properties = "/", nil
		case 3:
			d.Route, d.Properties = "", nil
		case 4:
			d.Bare, d.Pseudonym, d.Time = true, "", now.Truncate(time.Hour)
		}
		out = append(out, d)
	}
	return out
}
