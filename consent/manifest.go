package consent

// Manifest is the list of what runs: every cookie that can be set, every field
// that can be logged, every place data can be sent. It is filled by the running
// parts themselves (see [Describer]), so it cannot drift from them. Encoded as
// JSON it is what GET manifest.json answers.
type Manifest struct {
	Schema       string                `json:"$schema"` // identifies the form of this document
	Policy       ManifestPolicy        `json:"policy"`
	Purposes     []ManifestPurpose     `json:"purposes"`
	Recipients   []Recipient           `json:"recipients,omitempty"`
	Disclosures  []ManifestDisclosure  `json:"disclosures,omitempty"`
	Cookies      []ManifestCookie      `json:"cookies"`
	Storage      []ManifestStorage     `json:"storage,omitempty"`
	Log          []ManifestField       `json:"log"`
	Records      []ManifestRecords     `json:"records,omitempty"`
	Events       []ManifestEvent       `json:"events,omitempty"`
	Destinations []ManifestDestination `json:"destinations,omitempty"`
	Counters     []ManifestCounter     `json:"counters,omitempty"`
	Experiments  []ManifestExperiment  `json:"experiments,omitempty"`
	Endpoints    []string              `json:"endpoints"`
	Notes        []string              `json:"notes,omitempty"` // what a reviewer should know that has no row
}

// Describer is implemented by every part that sets, reads, logs, keeps or
// sends something.
type Describer interface {
	// Describe adds the part's own rows to m. It is called when a manifest is
	// asked for, possibly concurrently, and does not keep m.
	Describe(m *Manifest)
}

// ManifestPolicy is the policy's head.
type ManifestPolicy struct {
	Version    int        `json:"version"`
	Effective  string     `json:"effective"`
	Controller Controller `json:"controller"`
	Authority  Authority  `json:"authority"`
	Languages  []string   `json:"languages"`
	Regimes    []string   `json:"regimes"`
	GPC        bool       `json:"gpc"` // Sec-GPC is honoured
	GrantDays  int        `json:"grant_days"`
	ReaskDays  int        `json:"reask_days"`
	Changes    []Change   `json:"changes,omitempty"`
}

// ManifestPurpose is one purpose of the policy.
type ManifestPurpose struct {
	Purpose    Purpose  `json:"purpose"`
	Basis      Basis    `json:"basis"`
	Title      Text     `json:"title"`
	Text       Text     `json:"text"`
	Retention  Text     `json:"retention"`
	Recipients []string `json:"recipients,omitempty"`
	SharesData bool     `json:"shares_data"`
	GoodSince  int      `json:"good_since"`
}

// ManifestDisclosure is something personal that is handed to a recipient by code
// that asks for it, see [Manager.Disclose].
type ManifestDisclosure struct {
	Data      string    `json:"data"`
	Purpose   Purpose   `json:"purpose"`
	Recipient string    `json:"recipient"`
	Country   string    `json:"country"`
	Safeguard Safeguard `json:"safeguard"`
}

// ManifestCookie is one cookie that can be set or read.
type ManifestCookie struct {
	Name         string            `json:"name"`              // exact, or prefix_* for a family
	Purpose      Purpose           `json:"purpose,omitempty"` // none: the consent cookie itself
	Basis        Basis             `json:"basis"`
	Provider     string            `json:"provider"`
	Recipient    string            `json:"recipient,omitempty"`
	Description  Text              `json:"description"`
	LifetimeDays float64           `json:"lifetime_days"` // 0: until the browser closes
	HTTPOnly     bool              `json:"http_only"`
	Secure       bool              `json:"secure"`
	SameSite     string            `json:"same_site"`
	Partitioned  bool              `json:"partitioned,omitempty"`
	ThirdParty   bool              `json:"third_party,omitempty"` // set by the provider on its own domain
	Variants     []ManifestVariant `json:"variants"`
}

// ManifestVariant is one place a cookie is set on.
type ManifestVariant struct {
	Domain string `json:"domain,omitempty"` // empty: host-only
	Path   string `json:"path"`
}

// ManifestStorage is a response field that makes the browser keep something
// that is not a cookie (NEL, Report-To, Reporting-Endpoints, Accept-CH).
type ManifestStorage struct {
	Field       string  `json:"field"`
	Purpose     Purpose `json:"purpose"`
	Provider    string  `json:"provider,omitempty"`
	Recipient   string  `json:"recipient,omitempty"`
	Description Text    `json:"description,omitempty"`
}

// ManifestField is one field of the access log.
type ManifestField struct {
	Name      string `json:"name"`
	Kind      string `json:"kind"` // none, technical, indirect, pseudonymous, direct
	Transform string `json:"transform"`
	Purpose   string `json:"purpose"` // what the field is for, in words
	Retention string `json:"retention"`
	Tier      string `json:"tier"`               // strict: always; granted: only where the purpose is allowed
	Standard  string `json:"standard,omitempty"` // where the name comes from, e.g. OpenTelemetry
	Form      string `json:"form,omitempty"`     // a regular expression that every value matches
}

// ManifestRecords says what a record keeper holds.
type ManifestRecords struct {
	Store     string   `json:"store"`
	Holds     []string `json:"holds"`
	Retention string   `json:"retention"`
}

// ManifestEvent is one event that can be captured about a visit.
type ManifestEvent struct {
	Name         string             `json:"name"`
	Purpose      Purpose            `json:"purpose"`
	Description  Text               `json:"description"`
	Properties   []ManifestProperty `json:"properties,omitempty"`
	Destinations []string           `json:"destinations,omitempty"` // by name; none: counted only
}

// ManifestProperty is one thing that an event can say. There is no free text.
type ManifestProperty struct {
	Name        string   `json:"name"`
	Kind        string   `json:"kind"`               // enum, bool, int, float
	Values      []string `json:"values,omitempty"`   // of an enum
	Standard    string   `json:"standard,omitempty"` // list that the values of an enum are from, in place of Values
	Min         float64  `json:"min,omitempty"`      // of a number, with Max
	Max         float64  `json:"max,omitempty"`
	Unit        string   `json:"unit,omitempty"`
	Description Text     `json:"description,omitempty"`
}

// ManifestDestination is one place that events are sent to.
type ManifestDestination struct {
	Name      string    `json:"name"`
	Recipient string    `json:"recipient,omitempty"` // none: stays with the controller
	Country   string    `json:"country,omitempty"`
	Safeguard Safeguard `json:"safeguard,omitempty"`
	Host      string    `json:"host,omitempty"` // none: stays in the process or on its disk
	Purposes  []Purpose `json:"purposes"`       // of the events that go there
	Fields    []string  `json:"fields"`         // what an event has beside its properties
}

// ManifestCounter is one set of counts, which say nothing of any visitor.
type ManifestCounter struct {
	Name       string   `json:"name"`       // of the event
	Dimensions []string `json:"dimensions"` // each by itself, never crossed
	Bucket     string   `json:"bucket"`     // how fine the time is, e.g. "1 hour"
	Smallest   int      `json:"smallest"`   // cells below it are not published
	Retention  string   `json:"retention"`
}

// ManifestExperiment is one experiment with its arms, the control arm first.
type ManifestExperiment struct {
	Name          string        `json:"name"`
	Purpose       Purpose       `json:"purpose"`
	Arms          []ManifestArm `json:"arms"`
	PeriodSeconds int64         `json:"period_seconds"` // one visitor's exposure counts once in it
	KeepDays      float64       `json:"keep_days"`      // how long a visitor keeps an arm
}

// ManifestArm is one arm of an experiment.
type ManifestArm struct {
	Name   string `json:"name"`
	Weight int    `json:"weight"`
}
