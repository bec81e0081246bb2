// Command ledgerctl is for whoever reviews or operates a ledger directory.
//
//	ledgerctl verify [-checkpoint FILE -key PUBLIC.pem] DIR
//	ledgerctl stats DIR
//	ledgerctl checkpoint -key PRIVATE.pem DIR > FILE
//	ledgerctl export -subject ID DIR
//	ledgerctl erase [-wait 10s] -subject ID DIR
//	ledgerctl prune [-wait 10s] -before 2025-01-31 DIR
//
// It exits with 0 when all is well, with 1 when the ledger is not what was
// written (each line names the entry and the kind of fault), and with 2 when it
// could not find out or could not do it. The kinds are those of
// ledger.FaultKind: missing, changed, payload, removed, unreadable, mark,
// checkpoint.
//
// verify, stats, checkpoint and export change nothing and may run beside the
// service. erase and prune need the service to be stopped; they wait for that
// as long as -wait says.
//
// A checkpoint says what the ledger was; keep it where the ledger's host cannot
// change it. Keys are PEM files, PKCS #8 and PKIX:
//
//	openssl genpkey -algorithm ed25519 -out private.pem
//	openssl pkey -in private.pem -pubout -out public.pem
//
// A subject is 32 hex digits or a UUID; "-" reads it from standard input, so
// that it stands in no list of processes and no history of a shell. export
// prints one JSON object for each entry.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/candorhttp/candor/consent/ledger"
)

const (
	exitGood     = 0
	exitTampered = 1
	exitFailed   = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

const usage = `usage: ledgerctl COMMAND [FLAGS] DIR
  verify      [-checkpoint FILE -key PUBLIC.pem]   0 good, 1 tampered, 2 could not read
  stats       counts; the first line is "entries: N"
  checkpoint  -key PRIVATE.pem                     a signed checkpoint
  export      -subject ID                          entries of one subject as JSON lines
  erase       -subject ID [-wait 10s]              remove them; the chain stays whole
  prune       -before DAY [-wait 10s]              remove payloads of earlier days (UTC)
`

// options are the flags of all commands.
type options struct {
	dir, checkpoint, key, subject, before string
	wait                                  time.Duration
	stdin                                 io.Reader
	stdout                                io.Writer
}

type command struct {
	flags string // names of the flags it takes, separated by spaces
	run   func(context.Context, options) (exit int, err error)
}

var commands = map[string]command{
	"verify":     {"checkpoint key", verify},
	"stats":      {"", stats},
	"checkpoint": {"key", checkpoint},
	"export":     {"subject", export},
	"erase":      {"subject wait", erase},
	"prune":      {"before wait", prune},
}

// run is main, with its surroundings given.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		fmt.Fprint(stderr, usage)
		return exitFailed
	}
	c, ok := commands[args[0]]
	if !ok {
		fmt.Fprint(stderr, usage)
		if args[0] == "-h" || args[0] == "-help" || args[0] == "--help" || args[0] == "help" {
			return exitGood
		}
		return exitFailed
	}
	o := options{stdin: stdin, stdout: stdout}
	if err := o.parse(args[0], c.flags, args[1:], stderr); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return exitGood
		}
		fmt.Fprintln(stderr, "ledgerctl:", err)
		return exitFailed
	}
	exit, err := c.run(ctx, o)
	if err != nil {
		fmt.Fprintln(stderr, "ledgerctl:", err)
		if errors.Is(err, ledger.ErrDamaged) {
			return exitTampered
		}
	}
	return exit
}
