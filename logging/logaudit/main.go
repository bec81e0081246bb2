package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/candorhttp/candor/logging/logaudit/audit"
)

// Exit codes. go run itself answers 1 for both of the last.
const (
	clean  = 0
	found  = 1
	failed = 2
)

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// run is the command.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("logaudit", flag.ContinueOnError)
	flags.SetOutput(stderr)
	manifest := flags.String("manifest", "", "`file` with the manifest, whole or the log's part; required")
	at := flags.String("now", "", "`time` against which lines are as old as they are, as in 2026-11-24T00:00:00Z; default is the present")
	flags.Usage = func() {
		fmt.Fprintln(stderr, "usage: logaudit -manifest manifest.json access.log... (- is standard input)")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return clean
		}
		return failed
	}
	now := time.Now()
	if *at != "" {
		var err error
		if now, err = time.Parse(time.RFC3339, *at); err != nil {
			fmt.Fprintln(stderr, "logaudit: -now: is no time; write it like 2026-11-24T00:00:00Z")
			return failed
		}
	}
	if *manifest == "" || flags.NArg() == 0 {
		flags.Usage()
		return failed
	}
	a, err := open(*manifest)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return failed
	}
	p := newPrinter(stdout)
	unread := false
	for _, name := range flags.Args() {
		if err := read(a, name, now, stdin, p.print); err != nil {
			fmt.Fprintln(stderr, err)
			unread = true
		}
	}
	s := a.Stats()
	if err := p.close(s); err != nil {
		fmt.Fprintln(stderr, "logaudit: standard output:", err)
		return failed
	}
	switch {
	case unread:
		return failed
	case s.Findings > 0:
		return found
	}
	return clean
}

// open reads the manifest.
func open(name string) (*audit.Audit, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("logaudit: %w", err)
	}
	defer file.Close()
	return audit.New(file)
}

// read audits one log.
func read(a *audit.Audit, name string, now time.Time, stdin io.Reader, report func(audit.Finding)) error {
	if name == "-" {
		return a.ReadAt(stdin, name, now, report)
	}
	file, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("logaudit: %w", err)
	}
	defer file.Close()
	return a.ReadAt(file, name, now, report)
}
