// Package audit finds in access logs what must not stand in them.
//
// A log's manifest promises which fields there are, what form they have, how
// much of an address they show and how long they are kept. Files that were
// written by an older version, by another program, or past the log by a handler
// keep no promise by themselves. An [Audit] reads the real files:
//
//	a, err := audit.New(manifest)
//	err = a.Read(file, "access.log", func(f audit.Finding) { t.Error(f) })
//
// # What is found
//
// Every key must be declared and stand once; every value must be a string, a
// number or another plain value of its declared form. Granted fields and the
// finer address need a line whose consent.state is "granted"; where the manifest
// shows that silence can open them (an opt-out regime, or a purpose that needs no
// yes), "unset" and "stale" do as well. Lines older than a field's retention may
// not have the field, and a line without a time is a finding, for its age cannot
// be told.
//
// Mail addresses, tokens, card numbers, phone numbers with a country code and IP
// addresses are searched where the declared form does not rule them out. What a
// form declares as a random identifier, by a fixed number of hexadecimal digits
// as in a UUID or a pseudonym, is not searched: random digits look like cards.
//
// In the combined format each part is held against the field that it shows. The
// format does not say what the visitor allowed: addresses are measured by what
// they may show with consent, and tiers cannot be told.
//
// # What is not
//
// A search knows shapes. It finds no names of persons, no short or spelled-out
// numbers, no passwords that look like words, and nothing that is encrypted or
// hashed into a declared identifier. An identifier of the site's own in a free
// field is taken for a token if it looks random, and for nothing if it does not.
// No finding is not a proof; the proof is a schema whose fields cannot hold what
// must stay out.
//
// # Cost
//
// A log is read once, line by line, with some 300 KiB of memory whatever its
// size. Lines of more than 64 KiB are findings and are skipped.
package audit
