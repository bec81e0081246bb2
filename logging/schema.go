package logging

// Kind says what sort of data a field holds.
type Kind string

const (
	None         Kind = "none"         // says nothing of a person
	Technical    Kind = "technical"    // says how the request was made and answered
	Indirect     Kind = "indirect"     // could help to single somebody out, with other data
	Pseudonymous Kind = "pseudonymous" // stands for somebody while a key lives
	Direct       Kind = "direct"       // names somebody; no field of a preset does
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
	Retention string // how long it is kept, as "30 days"
	Tier      Tier
	Standard  string // "OpenTelemetry" where its semantic conventions name it, else ""
	Form      string // a regular expression that every value matches

	presets preset // in which it stands
	// value appends the value as JSON, or nothing where there is none.
	value func(dst []byte, r *record) []byte
}
