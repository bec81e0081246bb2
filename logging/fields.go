package logging

const (
	otel    = "OpenTelemetry"
	words   = `^[A-Za-z0-9 ._-]{1,32}$`
	running = "to run the service and find faults"
	finding = "to find one connection among those of a shared address, in a provider's records"
)

// declared lists every field that this package knows, in the order of a line.
// Their retention is the log's.
func declared() []Field {
	return []Field{
		{"time", Technical, "start of the request, UTC, whole seconds", running, "", Strict, "",
			`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$`, inMinimal | inOperations, putTime},
		{"time", Indirect, "start of the request, UTC, milliseconds; whole seconds for privacy endpoints", running, "", Strict, "",
			`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z$`, inSecurity, putFineTime},
		{"http.request.method", Technical, "one of the registered methods, else _OTHER", running, "", Strict, otel,
			`^(GET|HEAD|POST|PUT|PATCH|DELETE|CONNECT|OPTIONS|TRACE|_OTHER)$`, inAll, putMethod},
		{"http.route", Technical, "the router's template, never the path; absent where none matched", running, "", Strict, otel,
			`^/[^?#]*$`, inAll, putRoute},
		{"url.scheme", Technical, "http or https, as the visitor came", running, "", Strict, otel,
			`^https?$`, inBoth, putScheme},
		{"url.query", Technical, "declared names only, plain short values, else -", running, "", Strict, otel,
			"" /* see queryForm */, inBoth, putQuery},
		{"http.response.status_code", Technical, "as the client received it; absent where nothing was sent", running, "", Strict, otel,
			`^[1-9]\d\d$`, inAll, putStatus},
		{"http.response.body.size", Technical, "bytes accepted for the client", running, "", Strict, otel,
			`^\d+$`, inBoth, putSize},
		{"http.server.request.duration", Technical, "seconds, to the millisecond", running, "", Strict, otel,
			`^\d+(\.\d{1,3})?$`, inAll, putDuration},
		{"network.protocol.version", Technical, "1.0, 1.1, 2 or 3, else _OTHER", running, "", Strict, otel,
			`^(1\.0|1\.1|2|3|_OTHER)$`, inBoth, putProtocol},
		{"client.address", Indirect, "truncated to 16 bits (IPv4) or 32 (IPv6), with consent to 24 or 48; absent for privacy endpoints", "to see where faults and attacks come from", "", Strict, otel,
			`^[0-9a-f.:]{2,39}$`, inBoth, putAddress},
		{"client.port", Indirect, "source port of the connection, where no proxy stands between; absent for privacy endpoints", finding, "", Strict, otel,
			`^\d{1,5}$`, inSecurity, putPort},
		{"client.pseudonym", Pseudonymous, "keyed hash of the full address, of the day alone; the key is destroyed a day later", "to count visits", "", Granted, "",
			`^p1:\d{8}(\d{4})?:[0-9a-f]{32}$`, inBoth, putPseudonym},
		{"user_agent.name", Technical, "family of the browser, bot or tool, from a list; absent for privacy endpoints", running, "", Strict, otel,
			words, inBoth, putAgentName},
		{"user_agent.version", Indirect, "major version", "to know which browsers to support", "", Granted, otel,
			`^\d{1,4}$`, inBoth, putAgentVersion},
		{"user_agent.os.name", Indirect, "family of the operating system, from a list", "to know which systems to support", "", Granted, otel,
			words, inBoth, putAgentOS},
		{"user_agent.device", Technical, "desktop, mobile, tablet, bot or other; absent for privacy endpoints", running, "", Strict, "",
			`^(desktop|mobile|tablet|bot|other)$`, inBoth, putAgentDevice},
		{"http.request.referrer", Indirect, "own route for the pages of the host itself, else origin only: scheme and host name", "to see where visits come from", "", Granted, "",
			`^(https?://[a-z0-9.-]{1,253}(:\d{1,5})?|/[^?#]*)$`, inBoth, putReferrer},
		{"consent.state", Technical, "what was said about the purpose that opens the granted fields; absent for privacy endpoints", "to explain what a line holds", "", Strict, "",
			`^(unset|granted|denied|stale)$`, inBoth, putState},
		{"request.id", Technical, "random UUID, or a trusted proxy's; absent for privacy endpoints", "to find the service's own records of a request", "", Strict, "",
			`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`, inBoth, putID},
		{"error.type", Technical, "panic, superseded, client_gone, write_error or abort; absent when all went well", running, "", Strict, otel,
			`^(panic|superseded|client_gone|write_error|abort)$`, inAll, putFailure},
		{"candor.log.dropped", None, "how many lines are missing about here, see Dropped; stands with the time alone", "to know what the log does not say", "", Strict, "",
			`^\d+$`, inAll, putNothing},
	}
}
