package analytics

import (
	"bytes"
	"fmt"
	"net/http"
)

// Metrics serves the statistics in the text format of Prometheus, version
// 0.0.4. Labels are names of sinks and the words of this package, nothing else.
// Mount it where operators alone reach it.
func (p *Pipeline) Metrics() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		s := p.Stats()
		var b bytes.Buffer
		head := func(name, kind, help string) {
			fmt.Fprintf(&b, "# HELP candor_analytics_%s %s\n# TYPE candor_analytics_%[1]s %[3]s\n", name, help, kind)
		}
		head("captured_total", "counter", "Events that at least one sink may have.")
		fmt.Fprintf(&b, "candor_analytics_captured_total %d\n", s.Captured)
		head("counted_total", "counter", "Events that the local counters have.")
		fmt.Fprintf(&b, "candor_analytics_counted_total %d\n", s.Counted)
		head("properties_dropped_total", "counter", "Values that were not declared or not valid.")
		fmt.Fprintf(&b, "candor_analytics_properties_dropped_total %d\n", s.Properties)
		head("withheld_total", "counter", "What became no event.")
		for why := Withheld(1); why < withheldEnd; why++ {
			fmt.Fprintf(&b, "candor_analytics_withheld_total{reason=%q} %d\n", why, s.Withheld[why])
		}
		each := func(name, kind, help string, value func(SinkStats) uint64) {
			head(name, kind, help)
			for _, q := range p.queues {
				fmt.Fprintf(&b, "candor_analytics_%s{sink=%q} %d\n", name, q.to.Name, value(s.Sinks[q.to.Name]))
			}
		}
		each("accepted_total", "counter", "Events that the gate let through.", func(s SinkStats) uint64 { return s.Accepted })
		each("sent_total", "counter", "Events that the destination accepted.", func(s SinkStats) uint64 { return s.Sent })
		head("dropped_total", "counter", "Events that were not sent.")
		for _, q := range p.queues {
			for why := Reason(1); why < reasonEnd; why++ {
				fmt.Fprintf(&b, "candor_analytics_dropped_total{sink=%q,reason=%q} %d\n", q.to.Name, why, s.Sinks[q.to.Name].Dropped[why])
			}
		}
		each("attempts_total", "counter", "Batches that were tried.", func(s SinkStats) uint64 { return s.Attempts })
		each("failures_total", "counter", "Attempts that ended with an error.", func(s SinkStats) uint64 { return s.Failures })
		each("queued", "gauge", "Events that wait.", func(s SinkStats) uint64 { return uint64(s.Queued) })
		each("in_flight", "gauge", "Events that are being sent.", func(s SinkStats) uint64 { return uint64(s.InFlight) })
		each("queue_bytes", "gauge", "Memory of events that wait or are being sent.", func(s SinkStats) uint64 { return uint64(s.Bytes) })
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		_, _ = w.Write(b.Bytes()) // an error is the connection's
	})
}
