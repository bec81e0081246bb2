package consent

import (
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
)

// Receipt is what somebody gets to keep of their choices: what was shown, what
// was said, when, how, and how to take it back. Its members are named as in
// ISO/IEC TS 27560:2023 (consent record information structure), those that only
// Kantara's Consent Receipt 1.1 has as there, and the rest in the same manner.
// Encoded as JSON it is what POST receipt answers.
type Receipt struct {
	SchemaVersion string            `json:"schema_version"`
	ReceiptID     string            `json:"receipt_id"`
	Record        ReceiptRecord     `json:"record"`
	Processing    ReceiptProcessing `json:"pii_processing"`
	Parties       []ReceiptParty    `json:"party_identification"`
	Events        []ReceiptEvent    `json:"event"`
}

// ReceiptRecord names the record and whose it is.
type ReceiptRecord struct {
	SchemaVersion string `json:"schema_version"`
	RecordID      string `json:"record_id"`
	PrincipalID   string `json:"pii_principal_id"` // the random subject
}

// ReceiptProcessing is what the choices are about.
type ReceiptProcessing struct {
	PrivacyNotice string           `json:"privacy_notice"` // path of the notice on this site
	PolicyVersion int              `json:"policy_version"` // of what is said here
	Language      string           `json:"language"`
	Purposes      []ReceiptPurpose `json:"purposes"`
}

// ReceiptPurpose is one purpose that something was said about, in the words of
// the policy that runs now; whether those are the words that were shown is told
// by the text_hash of the event.
type ReceiptPurpose struct {
	Purpose              string   `json:"purpose"`
	Type                 Purpose  `json:"purpose_type"`
	Description          string   `json:"description"`
	LawfulBasis          Basis    `json:"lawful_basis"`
	State                string   `json:"state"` // granted, denied, stale, unset: as it counts now
	Controllers          []string `json:"pii_controllers"`
	Retention            string   `json:"retention_period"`
	Recipients           []string `json:"recipient_third_parties,omitempty"`
	ThirdPartyDisclosure bool     `json:"thirdPartyDisclosure"` // Kantara
	WithdrawalMethod     string   `json:"withdrawal_method"`    // path to post to on this site
}

// ReceiptParty is the controller, the supervisory authority, or a recipient.
type ReceiptParty struct {
	ID        string    `json:"party_id"`
	Name      string    `json:"party_name"`
	Role      string    `json:"party_role"`
	Address   string    `json:"party_address,omitempty"`
	Email     string    `json:"party_email,omitempty"`
	URL       string    `json:"party_url,omitempty"`
	Country   string    `json:"party_country,omitempty"`
	Safeguard Safeguard `json:"transfer_safeguard,omitempty"`
}

// ReceiptEvent is one choice as the ledger has it.
type ReceiptEvent struct {
	Time          time.Time `json:"event_time"`
	Type          string    `json:"event_type"`                  // explicit: a visit alone is no event
	State         string    `json:"event_state"`                 // given, refused or withdrawn
	Validity      string    `json:"validity_duration,omitempty"` // ISO 8601, of what was given
	EntityID      string    `json:"entity_id"`                   // the random subject
	Granted       []Purpose `json:"granted,omitempty"`
	Denied        []Purpose `json:"denied,omitempty"`
	Method        Method    `json:"collection_method"`
	Language      string    `json:"language"`
	PolicyVersion int       `json:"policy_version"`
	TextHash      string    `json:"text_hash"` // SHA-256 of what was shown
	TextIsCurrent bool      `json:"text_is_current"`
	Regime        string    `json:"regime"`
	GPC           bool      `json:"gpc"`
}

// receiptSchema names the form of a Receipt.
const receiptSchema = "urn:candor:receipt:1 (ISO/IEC TS 27560:2023)"

// receipt makes the receipt of a subject from its entries, of which the last
// that said something about each purpose are told; nil for none.
func (m *Manager) receipt(s Subject, entries []Entry) *Receipt {
	if len(entries) == 0 {
		return nil
	}
	p := m.rules.policy
	last := entries[len(entries)-1]
	language := m.rules.language(last.Language)
	id := uuid.UUID(s)
	r := &Receipt{
		SchemaVersion: receiptSchema,
		ReceiptID:     uuid.NewSHA1(id, []byte("receipt "+strconv.FormatUint(last.Revision, 10))).String(),
		Record:        ReceiptRecord{receiptSchema, uuid.NewSHA1(id, []byte("record")).String(), id.String()},
		Processing: ReceiptProcessing{
			PrivacyNotice: m.prefix + "notice", PolicyVersion: p.Version, Language: language, Purposes: []ReceiptPurpose{},
		},
		Parties: []ReceiptParty{
			{ID: "controller", Name: p.Controller.Name, Role: "PII controller", Address: p.Controller.Address, Email: p.Controller.Email},
			{ID: "authority", Name: p.Authority.Name, Role: "authority", URL: p.Authority.URL},
		},
		Events: []ReceiptEvent{},
	}
	states := m.lastSaid(entries)
	var named []string
	for i, d := range p.Processing {
		state, said := states[i]
		if !said {
			continue
		}
		r.Processing.Purposes = append(r.Processing.Purposes, ReceiptPurpose{
			Purpose: d.Title[language], Type: d.Purpose, Description: d.Text[language], LawfulBasis: d.Basis, State: state.String(),
			Controllers: []string{"controller"}, Retention: d.Retention[language], Recipients: slices.Clone(d.Recipients),
			ThirdPartyDisclosure: len(d.Recipients) > 0, WithdrawalMethod: m.prefix + "withdraw",
		})
		named = append(named, d.Recipients...)
	}
	for _, party := range p.Recipients {
		if slices.Contains(named, party.Name) {
			r.Parties = append(r.Parties, ReceiptParty{ID: party.Name, Name: party.Name, Role: "third party", Country: party.Country, Safeguard: party.Safeguard})
		}
	}
	for _, e := range telling(entries) {
		r.Events = append(r.Events, m.event(id.String(), e))
	}
	return r
}

func (m *Manager) event(id string, e Entry) ReceiptEvent {
	out := ReceiptEvent{
		Time: e.Time, Type: "explicit", State: "refused", EntityID: id, Granted: e.Granted, Denied: e.Denied,
		Method: e.Method, Language: e.Language, PolicyVersion: e.Policy, TextHash: e.TextHash,
		TextIsCurrent: e.TextHash == m.rules.textHash[e.Language], Regime: e.Regime, GPC: e.GPC,
	}
	switch {
	case len(e.Granted) > 0:
		out.State, out.Validity = "given", "P"+strconv.Itoa(int(m.rules.grantDays))+"D"
	case e.Kind == EntryWithdrawal:
		out.State = "withdrawn"
	}
	return out
}

// lastSaid returns, by the index of the purpose, how the last thing that was
// said about it counts now.
func (m *Manager) lastSaid(entries []Entry) map[int]State {
	today := dayOf(m.now())
	out := map[int]State{}
	for _, e := range entries {
		for _, p := range e.Granted {
			i, ok := m.rules.index[p]
			switch {
			case !ok:
			case e.Policy < m.rules.policy.Processing[i].GoodSince:
				out[i] = Stale
			case today >= dayOf(e.Time)+m.rules.grantDays:
				out[i] = Unset
			default:
				out[i] = Granted
			}
		}
		for _, p := range e.Denied {
			if i, ok := m.rules.index[p]; ok {
				out[i] = Denied
			}
		}
	}
	return out
}

// telling is those entries that hold the last word on some purpose.
func telling(entries []Entry) (out []Entry) {
	said := map[Purpose]bool{}
	for _, e := range slices.Backward(entries) {
		before := len(said)
		for _, list := range [][]Purpose{e.Granted, e.Denied} {
			for _, p := range list {
				said[p] = true
			}
		}
		if len(said) > before {
			out = append(out, e)
		}
	}
	slices.Reverse(out)
	return out
}

// History is everything that is kept about somebody. Encoded as JSON it is what
// POST history answers.
type History struct {
	PrincipalID string         `json:"pii_principal_id,omitempty"` // none for somebody who granted nothing
	Entries     []HistoryEntry `json:"entries"`                    // of the ledger, oldest first
	Host        []Part         `json:"host,omitempty"`             // what the host's own exporters gave
}

// HistoryEntry is an Entry without its number, which would tell how many others
// chose.
type HistoryEntry struct{ Entry }

// MarshalJSON implements json.Marshaler.
func (e HistoryEntry) MarshalJSON() ([]byte, error) {
	type entry Entry
	return json.Marshal(struct {
		Seq int `json:"seq,omitempty"` // shadows the entry's
		entry
	}{0, entry(e.Entry)})
}
