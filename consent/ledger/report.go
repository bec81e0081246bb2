package ledger

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"slices"
)

// FaultKind says in which way a ledger is not what was written.
type FaultKind string

const (
	FaultMissing    FaultKind = "missing"    // entries that were there are not
	FaultChanged    FaultKind = "changed"    // number, kind, day, reference, order or commitment were changed
	FaultPayload    FaultKind = "payload"    // the payload is not the one that was committed to
	FaultRemoved    FaultKind = "removed"    // the payload is gone and no erasure or pruning says so
	FaultUnreadable FaultKind = "unreadable" // not a record; what follows in the file cannot be told apart
	FaultMark       FaultKind = "mark"       // the mark of the last durable entry does not fit
	FaultCheckpoint FaultKind = "checkpoint" // a signed checkpoint says otherwise
)

// Fault is one thing that is wrong with a ledger. It holds nothing of a payload.
type Fault struct {
	Seq  uint64 // the entry, or the first of several
	Kind FaultKind
	Text string
}

// String returns the entry, the kind and what is wrong.
func (f Fault) String() string { return fmt.Sprintf("entry %d: %s: %s", f.Seq, f.Kind, f.Text) }

// maxFaults bounds Report.Faults; all are counted.
const maxFaults = 100

// Link is the last link of a chain; it stands for everything before it.
type Link [linkSize]byte

// String returns l in hex.
func (l Link) String() string { return hex.EncodeToString(l[:]) }

// Report is what [Verify] found.
type Report struct {
	Last uint64 // number of the last record, erasures and prunings counted
	Link Link   // of the last record

	// Entries are the choices that can be read, and among them, by kind:
	Entries, Grants, Refusals, Withdrawals, Others uint64
	// Policies are the policy versions that were announced, see
	// [consent.EntryPolicy].
	Policies uint64
	// Images are what is kept of erased subjects until no cookie of theirs can
	// live, see [consent.EntryErasure].
	Images uint64

	Erased uint64 // entries without payload that an erasure names
	Pruned uint64 // entries without payload that a pruning covers

	// Unfinished counts payloads that are there (again) although an erasure or
	// a pruning says they are gone: the process ended in between, or a copy was
	// put back. The next Open removes them.
	Unfinished uint64
	// Torn is how many bytes stand behind the last whole record: a batch that
	// nobody was told is durable. The next Open removes them.
	Torn int64

	Faults []Fault // at most 100, by entry
	Faulty uint64  // how many there are in all
}

func (r *Report) fault(seq uint64, kind FaultKind, format string, args ...any) {
	r.Faulty++
	if len(r.Faults) < maxFaults {
		r.Faults = append(r.Faults, Fault{seq, kind, fmt.Sprintf(format, args...)})
	}
}

func (r *Report) has(kind FaultKind) bool {
	return slices.ContainsFunc(r.Faults, func(f Fault) bool { return f.Kind == kind })
}

func (r *Report) sort() {
	slices.SortStableFunc(r.Faults, func(a, b Fault) int { return cmp.Compare(a.Seq, b.Seq) })
}

func (r *Report) count(k kind) {
	r.Entries++
	switch k {
	case kindImage:
		r.Images++
		r.Entries--
	case kindPolicy:
		r.Policies++
		r.Entries--
	case kindGrant:
		r.Grants++
	case kindRefusal:
		r.Refusals++
	case kindWithdrawal:
		r.Withdrawals++
	default:
		r.Others++
	}
}
