package audit

import "strconv"

// Kind says what is wrong with a line or a field of it.
type Kind string

const (
	Undeclared Kind = "undeclared" // a key that the manifest does not have
	Duplicate  Kind = "duplicate"  // a key that stands in its line twice
	Nested     Kind = "nested"     // an object or an array as value
	Form       Kind = "form"       // a value outside its declared form
	Tier       Kind = "tier"       // a granted field in a line whose visitor did not allow it
	Bits       Kind = "bits"       // an address that shows more than the declared bits
	Retention  Kind = "retention"  // a field in a line older than the field may get
	Undated    Kind = "undated"    // a line whose age cannot be told, or of more than a day ahead

	Email   Kind = "email"   // a mail address
	Token   Kind = "token"   // a JWT, a key, a UUID, long random text
	Card    Kind = "card"    // the number of a payment card
	Phone   Kind = "phone"   // a phone number with its country code
	Address Kind = "address" // an IP address with more than the declared bits

	Malformed Kind = "malformed" // a line that is not of the file's format
	Long      Kind = "long"      // a line of more than 64 KiB; it was skipped
)

// Finding is one thing that is wrong. It never holds a value from the log.
type Finding struct {
	File string // the name that was given to Read
	Line int    // from 1
	// Field is the key; "-" where the whole line is meant or where the key
	// itself could be somebody's: it is shown if it is 1 to 64 of [a-z0-9._-],
	// without a long number, and nothing that would be a finding in a value.
	Field string
	Kind  Kind
}

// String returns the finding as "file:line: field: kind".
func (f Finding) String() string {
	return f.File + ":" + strconv.Itoa(f.Line) + ": " + f.Field + ": " + string(f.Kind)
}

// noField stands where a finding has no field that can be shown.
const noField = "-"

// maxNameDigits is below the shortest card, phone and account numbers.
const maxNameDigits = 5

// shown returns a key as far as it may be printed.
func shown(key []byte) string {
	if len(key) == 0 || len(key) > 64 {
		return noField
	}
	digits := 0
	for _, c := range key {
		switch {
		case c >= '0' && c <= '9':
			if digits++; digits > maxNameDigits {
				return noField
			}
			continue
		case (c < 'a' || c > 'z') && c != '.' && c != '_' && c != '-':
			return noField
		}
		digits = 0
	}
	if find(key, everything, nothingKept) != 0 {
		return noField
	}
	return string(key)
}
