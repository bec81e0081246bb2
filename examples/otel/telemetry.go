package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// telemetry keeps everything in memory, where a service would send it away.
type telemetry struct {
	spans   *tracetest.InMemoryExporter
	records *records
	reader  *metric.ManualReader
	tracer  *trace.TracerProvider
	logger  *log.LoggerProvider
	meter   *metric.MeterProvider
}

func newTelemetry() *telemetry {
	t := &telemetry{spans: tracetest.NewInMemoryExporter(), records: &records{}, reader: metric.NewManualReader()}
	t.tracer = trace.NewTracerProvider(trace.WithSyncer(declared{t.spans}))
	t.logger = log.NewLoggerProvider(log.WithProcessor(log.NewSimpleProcessor(t.records)))
	t.meter = metric.NewMeterProvider(metric.WithReader(t.reader))
	return t
}

// texts are all that left the service, as text: spans, log records, metrics.
func (t *telemetry) texts(ctx context.Context) (spans, logs, metrics string, err error) {
	s, err := json.Marshal(t.spans.GetSpans())
	if err != nil {
		return "", "", "", err
	}
	var m metricdata.ResourceMetrics
	if err := t.reader.Collect(ctx, &m); err != nil {
		return "", "", "", err
	}
	return string(s), t.records.text(), fmt.Sprintf("%+v", m), nil
}

func (t *telemetry) close(ctx context.Context) {
	_ = t.tracer.Shutdown(ctx)
	_ = t.logger.Shutdown(ctx)
	_ = t.meter.Shutdown(ctx)
}

// attributes are those of otelhttp's that may leave the service. It also sets
// url.path, user_agent.original and url.query, which say more of a visitor than
// most policies promise; an allow-list at the exporter leaves them here. The two
// addresses are in the list, so that this program can show what becomes of them.
var attributes = []attribute.Key{
	"http.request.method", "http.route", "http.response.status_code", "http.response.body.size", "url.scheme",
	"server.address", "network.protocol.version", "error.type", "client.address", "network.peer.address",
}

// declared hands on the attributes of the list, and no other.
type declared struct{ inner trace.SpanExporter }

func (d declared) ExportSpans(ctx context.Context, spans []trace.ReadOnlySpan) error {
	bare := make([]trace.ReadOnlySpan, len(spans))
	for i, s := range spans {
		bare[i] = bareSpan{s}
	}
	return d.inner.ExportSpans(ctx, bare)
}

func (d declared) Shutdown(ctx context.Context) error { return d.inner.Shutdown(ctx) }

type bareSpan struct{ trace.ReadOnlySpan }

func (s bareSpan) Attributes() []attribute.KeyValue {
	var kept []attribute.KeyValue
	for _, a := range s.ReadOnlySpan.Attributes() {
		for _, key := range attributes {
			if a.Key == key {
				kept = append(kept, a)
			}
		}
	}
	return kept
}

// records is an exporter of log records that keeps them as text.
type records struct {
	mu    sync.Mutex
	lines []string
}

func (r *records) Export(_ context.Context, batch []log.Record) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, record := range batch {
		r.lines = append(r.lines, line(record))
	}
	return nil
}

func (r *records) Shutdown(context.Context) error   { return nil }
func (r *records) ForceFlush(context.Context) error { return nil }

func (r *records) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.lines, "\n")
}
