package consent

import (
	"context"
	"time"
)

// EntryKind says what an [Entry] records.
type EntryKind string

const (
	EntryGrant      EntryKind = "grant"      // at least one yes, perhaps with some noes
	EntryRefusal    EntryKind = "refusal"    // noes by somebody who had granted nothing; holds no subject
	EntryWithdrawal EntryKind = "withdrawal" // noes that end or outlive a subject's earlier yes
	// EntryErasure says that somebody was erased. Its Subject is not theirs but a
	// one-way image of it, by which a copy of their cookie counts for nothing.
	EntryErasure EntryKind = "erasure"
	// EntryPolicy says that a version of the policy made earlier grants stale and
	// the host was told. It is nobody's.
	EntryPolicy EntryKind = "policy"
)

// Method says how a choice was made.
type Method string

const (
	MethodForm Method = "form" // the banner or the preferences page
	MethodJSON Method = "json" // the JSON endpoint
	MethodHost Method = "host" // Manager.Record, from a dialog of the host's
	// MethodUnsubscribe is a link or button in a mail (RFC 8058).
	MethodUnsubscribe Method = "unsubscribe"
)

// Entry is one record of one choice (GDPR Art. 7(1)). It holds no address, no
// user agent and no referrer. Times are the server's.
type Entry struct {
	Seq      uint64    `json:"seq"`  // given by the ledger, from 1
	Time     time.Time `json:"time"` // UTC, whole seconds; a refusal's is its month's first second
	Kind     EntryKind `json:"kind"`
	Subject  Subject   `json:"-"`                  // nobody in a refusal
	Revision uint64    `json:"revision,omitempty"` // of the subject from this entry on; one subject's entries link by it
	Policy   int       `json:"policy"`
	Granted  []Purpose `json:"granted,omitempty"` // what was said yes to now
	Denied   []Purpose `json:"denied,omitempty"`  // what was said no to now
	Language string    `json:"language"`
	TextHash string    `json:"text_hash"` // SHA-256 of what was shown in that language, hex
	Method   Method    `json:"method"`
	Regime   string    `json:"regime"`
	GPC      bool      `json:"gpc"`
}

// Ledger keeps entries. Implementations are safe for concurrent use.
type Ledger interface {
	// Append keeps e and returns its number. When it returns nil the entry is
	// durable as far as the ledger promises durability at all; when it returns
	// an error the entry must not appear later.
	Append(ctx context.Context, e Entry) (seq uint64, err error)
	// Scan yields every entry with a number above after, in order. It stops
	// with the error of yield.
	Scan(ctx context.Context, after uint64, yield func(Entry) error) error
	// History returns the entries of one subject in order, none when unknown.
	History(ctx context.Context, s Subject) ([]Entry, error)
	// Erase removes everything that leads to the subject, and returns how many
	// entries it emptied; 0 when unknown. Numbers are not used again, and Scan
	// passes over emptied entries.
	Erase(ctx context.Context, s Subject) (int, error)
}

// Follower is a Ledger that many processes share. A Manager runs Follow in one
// goroutine, so that a withdrawal made elsewhere counts here within two seconds.
type Follower interface {
	Ledger
	// Follow yields every entry with a number above after, in order, and then
	// each new one within a second after any process appended it. It returns
	// when ctx ends, when the ledger fails, and with the error of yield.
	Follow(ctx context.Context, after uint64, yield func(Entry) error) error
}
