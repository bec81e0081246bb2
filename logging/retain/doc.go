// Package retain writes log files that expire.
//
// A policy says that logs are kept for a month; a rotation job that was never
// installed, or failed in March, keeps them for years. Here the writer of the
// lines also deletes them, by its own clock, also when nothing is logged:
//
//	out, err := retain.Open(retain.Config{Dir: "data/logs", Name: "access", Age: 29 * 24 * time.Hour})
//
// There is one file for each period (a UTC day by default). A file is deleted
// when the newest line that it can hold is older than Age, so a line lives at
// least Age and at most Age plus one period: that sum is [File.Retention], the
// number to publish. The line above keeps to "at most 30 days".
//
// # Files
//
// A file is named after what it can hold, as in
// "access-20261124T000000Z-20261125T000000Z.log": nothing else is needed to
// know when it must go, so a crash, a restart or another Period changes nothing
// for the files that are there. Only regular files whose names have exactly this
// form are opened or deleted. Symbolic links and directories with such names are
// reported and left alone. Files have mode 0600. A directory that is missing is
// made with mode 0700; one that others may write to is refused. (On Windows
// these modes mean nothing; set the directory's access list.)
//
// A line that a crash or a full disk cut short is ended before the next one is
// written, so that it spoils no other.
//
// # The clock
//
// What the clock says is believed at once, because deleting is the private
// outcome. Set forward, it deletes early, and nothing comes back when it is set
// back again. Set back, it makes lines go to the file whose period contains the
// new time; a file that begins more than an hour from now is then deleted, as it
// would outlive its lines by as much as the clock was wrong. A clock that is
// wrong at start therefore costs logs: start after it was set (systemd's
// time-sync.target). A clock that is set while the process sleeps is noticed
// within an hour.
//
// # Limits
//
// Deleting removes the name. Hard links, copies, backups, snapshots, files that
// were renamed or moved, and whoever has the file open keep the lines; flash
// memory and journals may. Lines are not forced to disk: a power failure loses
// the last ones. A longer Age applies to the files that are there too. Processes
// that share Dir and Name work while one replaces the other; each deletes by its
// own Age and clock.
//
// A deletion that fails is reported, counted and tried again each minute. While
// it fails, lines are older than Retention says: watch [Stats].NotDeleted.
package retain
