package consent

// Text is a text in one or more languages: BCP 47 tag to plain text.
type Text map[string]string

// Policy is the privacy policy as data. It holds no code, so that a lawyer's
// edit is a diff. Make one with [ParsePolicy] or as a literal; [New] validates
// and copies it.
type Policy struct {
	// Version counts up by one with every published change, from 1.
	Version int `json:"version"`
	// Effective is the day from which this version holds, as YYYY-MM-DD.
	Effective string `json:"effective"`
	// Languages lists the languages every Text must have, the default first.
	Languages  []string     `json:"languages"`
	Controller Controller   `json:"controller"`
	Authority  Authority    `json:"authority"`
	Processing []Processing `json:"processing"`
	Recipients []Recipient  `json:"recipients,omitempty"`
	// Changes says what each version changed, for the notice.
	Changes []Change `json:"changes,omitempty"`
	// GrantDays is how long a yes is good, in days; 0 means 180, at most 400
	// (RFC 6265bis §5.5 caps cookie lifetimes there).
	GrantDays int `json:"grant_days,omitempty"`
	// ReaskDays is how long a no is respected before the visitor may be asked
	// again, in days from the end of the month of the refusal; 0 means 180, at
	// least GrantDays (a no lasts as long as a yes), at most 365.
	ReaskDays int `json:"reask_days,omitempty"`
}

// Controller is who is responsible (GDPR Art. 13(1)(a)).
type Controller struct {
	Name    string `json:"name"`
	Address string `json:"address"`
	Email   string `json:"email"`
}

// Authority is the supervisory authority a visitor may complain to (GDPR Art. 13(2)(d)).
type Authority struct {
	Name string `json:"name"`
	URL  string `json:"url"`
}

// Processing declares one purpose.
type Processing struct {
	Purpose Purpose `json:"purpose"`
	// Number stands for the purpose in cookies, 1 to 255. It is never used
	// again for another purpose, also not after the purpose was removed.
	Number int   `json:"number"`
	Basis  Basis `json:"basis"`
	Title  Text  `json:"title"`
	Text   Text  `json:"text"` // one plain sentence
	// Retention says how long the data is kept, in words.
	Retention Text `json:"retention"`
	// Recipients are names of Policy.Recipients that receive the data.
	Recipients []string `json:"recipients,omitempty"`
	// SharesData marks sale or sharing in the sense of Global Privacy Control:
	// Sec-GPC: 1 denies the purpose.
	SharesData bool `json:"shares_data,omitempty"`
	// GoodSince is the policy version since which a grant is still good: set it
	// to the new version where a change is material, and visitors are asked
	// again for this purpose. 0 means 1.
	GoodSince int `json:"good_since,omitempty"`
}

// Safeguard is what protects a transfer outside the EEA (GDPR Chapter V).
type Safeguard string

const (
	SafeguardNone       Safeguard = "none" // inside the EEA: none needed
	SafeguardAdequacy   Safeguard = "adequacy"
	SafeguardSCC        Safeguard = "scc"
	SafeguardDPF        Safeguard = "dpf"
	SafeguardDerogation Safeguard = "derogation"
)

// Recipient is somebody who receives data.
type Recipient struct {
	Name      string    `json:"name"`
	Country   string    `json:"country"` // ISO 3166-1 alpha-2
	Safeguard Safeguard `json:"safeguard"`
}

// Change is one entry of the policy's history.
type Change struct {
	Version   int    `json:"version"`
	Effective string `json:"effective"`
	Summary   Text   `json:"summary"`
}
