package logging

// Kind says what sort of data a field holds.
type Kind string

const (
	None         Kind = "none"         // says nothing of a person
	Technical    Kind = "technical"    // says how the request was made and answered
	Indirect     Kind = "indirect"     // could help to single somebody out, with other data
	Pseudonymous Kind = "pseudonymous" // stands for somebody while a key lives
	Direct       Kind = "direct"       // names somebody; no field here does
)

// Tier says when a field is written.
type Tier string

const (
	// Strict fields are written for everybody. Some hold less without consent;
	// their Transform says so.
	Strict Tier = "strict"
	// Granted fields are written where the visitor allowed the purpose that the
	// configuration names.
	Granted Tier = "granted"
)

// Field declares one field of the access log. Only declared fields can be
// written: a line is made by going through them.
type Field struct {
	Name      string // the key in JSON
	Kind      Kind
	Transform string // how the value comes about
	Purpose   string // what it is for
	Retention string // how long it should be kept
	Tier      Tier
	Standard  string // "OpenTelemetry" where its semantic conventions name it, else ""
	Form      string // a regular expression that every value matches

	// value appends the value as JSON, or nothing where there is none.
	value func(dst []byte, r *record) []byte
}

const (
	otel    = "OpenTelemetry"
	month   = "30 days"
	words   = `^[A-Za-z0-9 ._-]{1,32}$`
	running = "to run the service and find faults"
)

// operations is the schema that serves to run a site. The order is that of the
// keys in a line.
func operations() []Field {
	return []Field{
		{"time", Technical, "start of the request, UTC, whole seconds", running, month, Strict, "",
			`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$`, putTime},
		{"http.request.method", Technical, "one of the registered methods, else _OTHER", running, month, Strict, otel,
			`^(GET|HEAD|POST|PUT|PATCH|DELETE|CONNECT|OPTIONS|TRACE|_OTHER)$`, putMethod},
		{"http.route", Technical, "the router's template, never the path; absent where none matched", running, month, Strict, otel,
			`^/[^?#]*$`, putRoute},
		{"url.scheme", Technical, "http or https, as the visitor came", running, month, Strict, otel,
			`^https?$`, putScheme},
		{"url.query", Technical, "declared names only, plain short values, else -", running, month, Strict, otel,
			`^[^ ]*$`, putQuery},
		{"http.response.status_code", Technical, "as the client received it; absent where nothing was sent", running, month, Strict, otel,
			`^[1-9]\d\d$`, putStatus},
		{"http.response.body.size", Technical, "bytes accepted for the client", running, month, Strict, otel,
			`^\d+$`, putSize},
		{"http.server.request.duration", Technical, "seconds, to the millisecond", running, month, Strict, otel,
			`^\d+(\.\d{1,3})?$`, putDuration},
		{"network.protocol.version", Technical, "1.0, 1.1, 2 or 3, else _OTHER", running, month, Strict, otel,
			`^(1\.0|1\.1|2|3|_OTHER)$`, putProtocol},
		{"client.address", Indirect, "truncated to 16 bits (IPv4) or 32 (IPv6), with consent to 24 or 48; absent for privacy endpoints",
			"to see where faults and attacks come from", month, Strict, otel,
			`^[0-9a-f.:]{2,39}$`, putAddress},
		{"client.pseudonym", Pseudonymous, "keyed hash of the full address, of the day alone; the key is destroyed a day later",
			"to count visits", month, Granted, "",
			`^p1:\d{8}(\d{4})?:[0-9a-f]{32}$`, putPseudonym},
		{"user_agent.name", Technical, "family of the browser, bot or tool, from a list; absent for privacy endpoints", running, month, Strict, otel,
			words, putAgentName},
		{"user_agent.version", Indirect, "major version", "to know which browsers to support", month, Granted, otel,
			`^\d{1,4}$`, putAgentVersion},
		{"user_agent.device", Technical, "desktop, mobile, tablet, bot or other; absent for privacy endpoints", running, month, Strict, "",
			`^(desktop|mobile|tablet|bot|other)$`, putAgentDevice},
		{"http.request.referrer", Indirect, "origin only: scheme and host name", "to see where visits come from", month, Granted, "",
			`^https?://[a-z0-9.-]{1,253}(:\d{1,5})?$`, putReferrer},
		{"consent.state", Technical, "what was said about the purpose that opens the granted fields; absent for privacy endpoints",
			"to explain what a line holds", month, Strict, "",
			`^(unset|granted|denied|stale)$`, putState},
		{"request.id", Technical, "random UUID, or a trusted proxy's; absent for privacy endpoints", "to find the service's own records of a request", month, Strict, "",
			`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`, putID},
		{"error.type", Technical, "panic, superseded, client_gone, write_error or abort; absent when all went well", running, month, Strict, otel,
			`^(panic|superseded|client_gone|write_error|abort)$`, putFailure},
	}
}
