// Package ledger keeps consent decisions where they can be shown later.
//
// A site that relies on consent must be able to prove it (GDPR Art. 7(1)): who
// said yes, when, to which text. The record must not itself become a file on
// people: it holds no address, no browser and no page, and somebody who only
// ever said no is not in it as a person at all. And it must forget one person
// without losing the proof for the others.
//
//	records, err := ledger.Open(ledger.FilesConfig{Dir: "data/consent"})
//	defer records.Close()
//	manager, err := consent.New(consent.Config{…, Ledger: records})
//
// [Open] keeps entries in a directory, for one process. [Postgres] keeps them in
// a database, for many:
//
//	records, err := ledger.Postgres(db, ledger.PostgresConfig{})
//	err = records.Migrate(ctx) // when deploying
//
// [Memory] is for tests and trials: nothing survives the process, so grants that
// were withdrawn before a restart are believed again by a process that starts
// with an empty one, if the visitor's browser (or a copy of its cookie) still
// holds them and the signing keys are the same. Where that matters, rotate the
// keys at the restart or use a ledger that stays.
//
// # What is kept
//
// Every entry has a payload (the choice and the random subject, padded so that
// its length says little), a random salt of 32 bytes, and a place in a chain
// that shows number, kind and day only, the same in both stores:
//
//	commit = HMAC-SHA256(salt, seq ‖ padded payload)
//	link   = SHA-256(seq ‖ kind ‖ day ‖ ref ‖ previous link ‖ commit)
//
// Integers are big-endian: seq and ref 8 bytes, kind 1, day 4 (days of Unix
// time). The first previous link is zeros, and so is the commit of an erasure
// (kind 64, ref is the entry) or a pruning (kind 65, day is the first day kept).
// Erasing overwrites payload and salt with zeros, or sets them to NULL; without
// the salt the commitment says nothing about the payload, and the chain still
// verifies. Of who is erased one thing stays: whoever calls Erase appends a
// [consent.EntryErasure] before, which holds an image of the subject, so that a
// copy of their cookie counts for nothing after a restart and in other processes
// (ledgerctl does, and the endpoints of the manager). Images are erased when the
// longest-lived cookie has ended, after 400 days.
//
// # Durability of files
//
// [Files.Append] returns when the entry is on the disk; whoever waits at the
// same time shares one fsync. An entry that was acknowledged is there after
// kill -9, and after a loss of power if the disk does what fsync asks of it. An
// entry whose Append failed is not there later, with one exception: the batch
// reached the disk, its fsync failed, removing it failed as well, and the
// process ended before it could be tried again. When the disk is full or
// read-only, Append fails and works again as soon as the disk does.
//
// Open removes the torn tail that a sudden end leaves. Everything else that is
// not as it was written is an error wrapping [ErrDamaged], from Open, Scan,
// History and Erase alike; nothing is dropped. Damage cannot be told from a torn
// tail in one place: the batch before a sudden end under load (when the writer
// had no moment to note how far it was, or power was lost before that note was
// on the disk). A local file system with flock is needed; network file systems
// differ. Of the disk it is assumed that it writes sectors of 512 bytes whole or
// not at all, and leaves alone what is not written.
//
// A second process that opens the directory waits for [FilesConfig.LockWait], so
// that a restart can overlap, and then gets [ErrLocked].
//
// # Durability in PostgreSQL
//
// [InPostgres.Append] returns when the entry is committed, so it is as durable
// as the server's settings make a commit (fsync, synchronous_commit, replication).
// Processes take turns on one row, candor_ledger_head; writers of one process
// that wait at the same time share a turn. Serialization failures, deadlocks and
// lost connections are tried again until [PostgresConfig.Timeout]. When the
// answer to a commit is lost, the entry is looked up before anybody is told; if
// the server stays away for longer, its writer is told that it failed, and the
// entry is erased should it turn up, unless the process has ended by then. A
// process that falls silent in its turn loses it after 10 seconds. The tables
// must be reached on the primary; a pool in between may pool transactions or
// sessions, not statements.
//
// # Who can do what
//
// Whoever reads a copy of the files reads the entries not erased. Entries of one
// subject link to each other by the random subject and to nothing outside the
// visitor's cookie: not to the access log, whose lines for the privacy
// endpoints carry no identifier and no finer time than a second. Against this
// holds what protects the host: the directory is for one user alone (mode 0700),
// and an encrypted disk. In a database: give nobody but the service a right on
// the tables, and the service no more than [InPostgres.Migrate] says: without
// DELETE, and UPDATE of the chain's columns, a service that was taken over can
// erase what it wrote and cannot change it.
//
// Whoever has a copy of the cookie of somebody who was erased can tell from the
// image that they were, and when, until the image is erased; and with the chain,
// which entries were theirs by kind and day. Nobody finds a subject from its
// image.
//
// Whoever reads the chain of what was erased learns that on a day somebody made
// a choice of a kind, and which entries were erased together, so probably were
// one person's.
//
// Whoever changes, reorders or removes single entries, by mistake or design, is
// found by [Verify], which names the entry.
//
// Whoever knows this format and may write the files can replace the end of the
// chain or all of it with one that verifies, or append erasures. The chain has
// no secret that could prevent it: a key on the same host would be theirs too.
// Against them only a [Checkpoint] holds that was signed before and is kept
// elsewhere, by an auditor or on a medium that cannot be rewritten: it proves
// everything up to its entry, and nothing after it.
//
// Whoever has the signing key and the files, the operator for one, can sign
// what they like. Only checkpoints that somebody else received in time hold
// against that.
//
// Whoever puts back an old copy of the whole directory undoes erasures and loses
// what came later. A checkpoint shows that something is missing, not what. After
// a restore, erase again whom you know to have erased, and rotate the keys
// ([consent.Keys]), because withdrawals since the copy are unknown and their
// grants would count again.
//
// Whoever puts back single payloads is found: Verify counts them as unfinished.
// Open removes them again; in PostgreSQL they stay until somebody erases or
// prunes that again.
//
// Whoever floods the service makes the ledger grow; the manager limits grants by
// network, and refusals cost one small entry each. In files History and Erase
// read the whole ledger (about a second for a million entries), so one runs at a
// time; in PostgreSQL they use an index.
//
// Whoever reads the memory of the process reads the entries in it.
//
// # What erasing does not reach
//
// Backups and snapshots of the directory, replicas of the disk, and the journal
// of the file system if it keeps data. Blocks that a copy-on-write file system
// or the translation layer of a flash disk replaced instead of overwriting. What
// was exported. Give backups an end, or encrypt them with keys that have one.
//
// In PostgreSQL also: the old version of the row until the table is vacuumed,
// and its bytes in free space of the page until that is used again or VACUUM
// FULL has run; the write-ahead log until it is recycled, and wherever it is
// archived; standbys that are behind. Keep archives no longer than backups.
//
// Erasing undoes the proof as well: what was erased can no longer be shown to
// anybody, only that an entry of this kind was there on that day. Pruning by age
// forgets which revisions were replaced, so [Files.Prune] and [InPostgres.Prune]
// never remove what is younger than the oldest cookie that can live.
//
// # Reviewing
//
// [Verify] and the command ledgerctl read a directory beside the running
// service; [InPostgres.Verify] reads a database from one snapshot. Sign a
// checkpoint from time to time and send it away:
//
//	text, err := records.Checkpoint().Sign(key)
//
// # Other ledgers
//
// [Files] and [InPostgres] pass the tests of package ledgertest, which are for
// anybody's. A ledger that many processes share is a [consent.Follower].
//
// # Formats
//
// Version 1 of the files ("candor ledger 1"), of the tables and of the
// checkpoints is read by all later versions. Payloads are JSON; fields may be
// added. The numbers of kinds are never used again: 1 grant, 2 refusal,
// 3 withdrawal, 4 image of an erased subject, 5 policy version, 63 any other,
// 64 erasure, 65 pruning.
package ledger
