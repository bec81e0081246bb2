// Package pseudonym makes names for visitors that stop meaning anyone when
// their time is over.
//
// A log must sometimes tell one visitor from another and must not say who they
// are. A hash of the address does not do: anybody can hash all four thousand
// million IPv4 addresses in minutes and look. Here the hash is keyed with random
// bytes that belong to one epoch (a UTC day by default) and one purpose, are
// written nowhere, and are destroyed when the following epoch ends:
//
//	names, err := pseudonym.New(pseudonym.Config{})
//	line, err = names.Append(line, "log", addr.AsSlice())
//
// # Who can still find whom
//
// While a key lives (its epoch and the next one), whoever reads the memory of
// the process can try every address and name the visitor. Somebody who can make
// requests and read the pseudonyms that come of them learns the pseudonyms of
// the addresses they can send from, for the epoch. Afterwards nobody can, the
// operator included: the same address has another pseudonym, and no key says
// that they were one. Core dumps, swap and suspended machines keep what was in
// memory; the runtime may have copied a key in ways that overwriting it does not
// reach.
//
// Pseudonyms are personal data as long as their key lives (GDPR Recital 26).
// Two purposes never share a pseudonym, so records kept for different reasons
// cannot be joined by it.
//
// # Format
//
// A pseudonym is "p1:", the epoch's label, ":", and 32 hexadecimal digits: the
// first 128 bits of HMAC-SHA256 over the purpose and the fields, each preceded
// by its length. Another construction would begin with another number.
package pseudonym
