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
// Make one [Keyring] for the process and give it to whatever needs it. When
// Append fails, write the record without a pseudonym: there is none to be had.
//
// # Who can still find whom
//
// While a key lives (its epoch and the next one), whoever reads the memory of
// the process can try every IPv4 address, there are few of them, and name the
// visitor. Somebody who can make requests and read the pseudonyms that come of
// them learns the pseudonyms of the addresses they can send from, for the epoch.
// Afterwards nobody can, the operator included: the same address has another
// pseudonym, and no key says that they were one.
//
// Destroying means that the key's memory is overwritten, and that nobody who was
// reading it meanwhile uses what they read. Core dumps, swap, backups of virtual
// machines and suspended ones keep what was in memory, and what a processor's
// registers and a goroutine's stack held for a moment is not reached.
//
// Pseudonyms are personal data as long as their key lives (GDPR Recital 26), and
// longer for whoever can join them to something else: requests of one visitor
// within an epoch stay together. Two purposes never share a pseudonym, so
// records kept for different reasons cannot be joined by it.
//
// # Replicas
//
// Without a [Store], keys live in one process: replicas give one visitor
// different pseudonyms, and a restart begins anew. With one, such as [Postgres],
// the first replica that comes to an epoch makes its key, all use it, and each
// has the store delete what is over. Then everything that the store keeps, keeps
// keys as well: its backups, its logs, its replicas. A backup of today's keys
// brings back, for whoever has it and the log, everybody who is in today's log.
// A pseudonym is never waited for: while the store does not answer there is none.
//
// # Limits
//
// A clock that goes back finds the previous epoch's key and no older one; one
// that is late by more than an epoch gets no key from a store. At most 8 fields
// of 1 KiB are taken.
//
// # Format
//
// A pseudonym is "p1:", the epoch's label, ":", and 32 hexadecimal digits: the
// first 128 bits of HMAC-SHA256 (RFC 2104) over the purpose and the fields, each
// preceded by its length as an unsigned varint. The label is the UTC date the
// epoch began, with hour and minute where epochs are not whole days. Another
// construction would begin with another number.
package pseudonym
