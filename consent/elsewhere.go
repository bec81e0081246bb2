package consent

import (
	"errors"
	"time"
)

// RefuseFor records a no that came by another way than the visitor's browser: a
// link in a mail, a letter. The subject is the host's own pseudonym of whoever
// said it, as unsubscribe makes one of a mail address; it is never one of a
// consent cookie, which changes nothing for the browsers of that person.
//
// The entry is an EntryWithdrawal with revision 1. If the ledger does not take
// it now it is appended later, as any no is, and recorded is false. It fails,
// with nothing recorded, for the zero Subject, for no purpose, and with
// ErrUnknownPurpose.
func (m *Manager) RefuseFor(s Subject, method Method, purposes ...Purpose) (recorded bool, err error) {
	grants := make(map[Purpose]bool, len(purposes))
	for _, p := range purposes {
		grants[p] = false
	}
	_, no, err := m.choices(Choices{Grants: grants})
	switch {
	case err != nil:
		return false, err
	case s.IsZero():
		return false, errors.New("consent: refuse: Subject: is nobody; give the pseudonym of who said no")
	case no == 0:
		return false, errors.New("consent: refuse: purposes: nothing that can be refused is named; name purposes of the policy")
	}
	language := m.rules.language("")
	return m.appendOrLater(Entry{
		Time: m.now().UTC().Truncate(time.Second), Kind: EntryWithdrawal, Subject: s, Revision: 1,
		Policy: m.rules.policy.Version, Denied: m.rules.purposes(no),
		Language: language, TextHash: m.rules.textHash[language], Method: method, Regime: OptIn.String(),
	}), nil
}
