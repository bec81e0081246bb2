package experiment

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
)

// unitSize makes two visitors with one unit as unlikely as two equal UUIDs.
const unitSize = 16

// ticket is what the cookie keeps: "1.<unit>.<arm>.<day>.<period>".
type ticket struct {
	unit   string
	arm    string
	day    int64 // of the assignment, since the Unix epoch
	period int64 // in which the last exposure was counted; -1 for none yet
}

const ticketFormat = "1"

func newUnit() string {
	var b [unitSize]byte
	rand.Read(b[:]) // never fails, crypto/rand ends the program instead
	return base64.RawURLEncoding.EncodeToString(b[:])
}

func (t ticket) String() string {
	return strings.Join([]string{ticketFormat, t.unit, t.arm, strconv.FormatInt(t.day, 10), strconv.FormatInt(t.period, 10)}, ".")
}

// parseTicket reads what String wrote. The text was sealed by this site, perhaps
// by an older or a newer version of it.
func parseTicket(s string) (t ticket, ok bool) {
	part := strings.Split(s, ".")
	if len(s) > 128 || len(part) != 5 || part[0] != ticketFormat {
		return ticket{}, false
	}
	unit, err := base64.RawURLEncoding.Strict().DecodeString(part[1])
	day, err1 := strconv.ParseInt(part[3], 10, 64)
	period, err2 := strconv.ParseInt(part[4], 10, 64)
	if errors.Join(err, err1, err2) != nil || len(unit) != unitSize || !isName(part[2]) {
		return ticket{}, false
	}
	t = ticket{part[1], part[2], day, period}
	return t, t.String() == s
}
