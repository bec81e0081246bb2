package main

import (
	"bufio"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/ledger"
)

func (o *options) parse(name, flags string, args []string, stderr io.Writer) error {
	set := flag.NewFlagSet("ledgerctl "+name, flag.ContinueOnError)
	set.SetOutput(stderr)
	for f := range strings.FieldsSeq(flags) {
		switch f {
		case "checkpoint":
			set.StringVar(&o.checkpoint, f, "", "`file` with a signed checkpoint that the ledger must contain")
		case "key":
			set.StringVar(&o.key, f, "", "PEM `file` with the Ed25519 key")
		case "subject":
			set.StringVar(&o.subject, f, "", "subject as hex or UUID, - for standard input")
		case "before":
			set.StringVar(&o.before, f, "", "first `day` to keep, 2025-01-31")
		case "wait":
			set.DurationVar(&o.wait, f, 10*time.Second, "how long to wait for the service to let go of the directory")
		}
	}
	if err := set.Parse(args); err != nil {
		return err
	}
	if set.NArg() != 1 || set.Arg(0) == "" {
		return errors.New("give one ledger directory, after the flags")
	}
	o.dir = set.Arg(0)
	return nil
}

// maxKeyFile is far above what a PEM file of one key takes.
const maxKeyFile = 64 << 10

func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(f, maxKeyFile+1))
	if err == nil && len(b) > maxKeyFile {
		err = fmt.Errorf("%s: is too large", name)
	}
	return b, errors.Join(err, f.Close())
}

// readKey reads a key of type K from a PEM file. Its errors say nothing of what
// is in it.
func readKey[K any](name, block string, parse func([]byte) (any, error)) (K, error) {
	var none K
	if name == "" {
		return none, fmt.Errorf("-key: is missing; name a PEM file with a %s", block)
	}
	b, err := readFile(name)
	if err != nil {
		return none, err
	}
	p, _ := pem.Decode(b)
	if p == nil || p.Type != block {
		return none, fmt.Errorf("-key: the file has no %s in PEM", block)
	}
	parsed, err := parse(p.Bytes)
	if key, ok := parsed.(K); ok && err == nil {
		return key, nil
	}
	return none, errors.New("-key: the key is not an Ed25519 key")
}

var (
	parsePrivate = x509.ParsePKCS8PrivateKey
	parsePublic  = x509.ParsePKIXPublicKey
)

// readSubject returns the subject that -subject means.
func (o *options) readSubject() (consent.Subject, error) {
	text := o.subject
	if text == "-" {
		line, err := bufio.NewReader(io.LimitReader(o.stdin, 128)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return consent.Subject{}, err
		}
		text = strings.TrimSpace(line)
	}
	id, err := uuid.Parse(text)
	if err != nil || consent.Subject(id).IsZero() {
		return consent.Subject{}, errors.New("-subject: is not a subject; give 32 hex digits or a UUID, or - to read it from standard input")
	}
	return consent.Subject(id), nil
}

// open takes the ledger for writing. It makes none where there is none.
func (o *options) open() (*ledger.Files, error) {
	names, err := os.ReadDir(o.dir)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(names, func(d os.DirEntry) bool { return strings.HasSuffix(d.Name(), ".records") }) {
		return nil, errors.New("there is no ledger in this directory")
	}
	return ledger.Open(ledger.FilesConfig{Dir: o.dir, LockWait: max(o.wait, 1)})
}
