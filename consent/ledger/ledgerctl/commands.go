package main

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/ledger"
)

func verify(ctx context.Context, o options) (int, error) {
	var checkpoints []ledger.Checkpoint
	if o.checkpoint != "" {
		key, err := readKey[ed25519.PublicKey](o.key, "PUBLIC KEY", parsePublic)
		if err != nil {
			return exitFailed, err
		}
		text, err := readFile(o.checkpoint)
		if err != nil {
			return exitFailed, err
		}
		c, err := ledger.ReadCheckpoint(text, key)
		if err != nil {
			return exitFailed, err
		}
		checkpoints = append(checkpoints, c)
	} else if o.key != "" {
		return exitFailed, errors.New("-key: is of use with -checkpoint only")
	}
	r, err := ledger.Verify(ctx, o.dir, checkpoints...)
	if err != nil {
		return exitFailed, err
	}
	if r.Faulty > 0 {
		return tampered(o.stdout, r), nil
	}
	fmt.Fprintf(o.stdout, "good: %d entries, last number %d, link %s\n", r.Entries, r.Last, r.Link)
	for _, c := range checkpoints {
		fmt.Fprintf(o.stdout, "contains the checkpoint of %s at entry %d\n", c.Time.Format(time.RFC3339), c.Seq)
	}
	notes(o.stdout, r)
	return exitGood, nil
}

func tampered(w io.Writer, r ledger.Report) int {
	for _, f := range r.Faults {
		fmt.Fprintln(w, f)
	}
	fmt.Fprintf(w, "tampered: %d faults\n", r.Faulty)
	return exitTampered
}

// notes says what is not a fault and will be mended.
func notes(w io.Writer, r ledger.Report) {
	if r.Unfinished > 0 {
		fmt.Fprintf(w, "note: %d payloads are there although the chain says they are erased or pruned; the service removes them when it next opens the ledger\n", r.Unfinished)
	}
	if r.Torn > 0 {
		fmt.Fprintf(w, "note: %d bytes at the end are of a batch that nobody was told is kept; the service removes them when it next opens the ledger\n", r.Torn)
	}
}

func stats(ctx context.Context, o options) (int, error) {
	r, err := ledger.Verify(ctx, o.dir)
	if err != nil {
		return exitFailed, err
	}
	fmt.Fprintf(o.stdout, "entries: %d\ngrants: %d\nrefusals: %d\nwithdrawals: %d\nothers: %d\npolicies: %d\nimages: %d\nerased: %d\npruned: %d\nlast: %d\nlink: %s\n",
		r.Entries, r.Grants, r.Refusals, r.Withdrawals, r.Others, r.Policies, r.Images, r.Erased, r.Pruned, r.Last, r.Link)
	if r.Faulty > 0 {
		return tampered(o.stdout, r), nil
	}
	notes(o.stdout, r)
	return exitGood, nil
}

// checkpoint signs what was verified, and nothing else.
func checkpoint(ctx context.Context, o options) (int, error) {
	key, err := readKey[ed25519.PrivateKey](o.key, "PRIVATE KEY", parsePrivate)
	if err != nil {
		return exitFailed, err
	}
	r, err := ledger.Verify(ctx, o.dir)
	if err != nil {
		return exitFailed, err
	}
	if r.Faulty > 0 {
		return exitTampered, fmt.Errorf("not signed: %v (%d faults)", r.Faults[0], r.Faulty)
	}
	text, err := ledger.Checkpoint{Seq: r.Last, Link: r.Link, Time: time.Now().UTC().Truncate(time.Second)}.Sign(key)
	if err != nil {
		return exitFailed, err
	}
	if _, err := o.stdout.Write(text); err != nil {
		return exitFailed, err
	}
	return exitGood, nil
}

func export(ctx context.Context, o options) (int, error) {
	s, err := o.readSubject()
	if err != nil {
		return exitFailed, err
	}
	entries, err := ledger.ReadHistory(ctx, o.dir, s)
	if err != nil {
		return exitFailed, err
	}
	if err := ledger.Export(o.stdout, entries); err != nil {
		return exitFailed, err
	}
	return exitGood, nil
}

func erase(ctx context.Context, o options) (int, error) {
	s, err := o.readSubject()
	if err != nil {
		return exitFailed, err
	}
	return write(o, "erased", func(l *ledger.Files) (int, error) {
		own, err := l.History(ctx, s)
		if err != nil || len(own) == 0 {
			return 0, err
		}
		// The service must not believe a copy of the cookie when it starts again.
		image := consent.Entry{Time: time.Now().UTC().Truncate(time.Second), Kind: consent.EntryErasure, Subject: s.Image()}
		if _, err := l.Append(ctx, image); err != nil {
			return 0, err
		}
		return l.Erase(ctx, s)
	})
}

func prune(ctx context.Context, o options) (int, error) {
	day, err := time.Parse(time.DateOnly, o.before)
	if err != nil {
		return exitFailed, errors.New("-before: is not a day; write for example 2025-01-31")
	}
	return write(o, "pruned", func(l *ledger.Files) (int, error) { return l.Prune(ctx, day) })
}

// write does something with the ledger while nobody else has it.
func write(o options, what string, do func(*ledger.Files) (int, error)) (int, error) {
	l, err := o.open()
	if err != nil {
		return exitFailed, err
	}
	n, err := do(l)
	if err = errors.Join(err, l.Close()); err != nil {
		return exitFailed, err
	}
	fmt.Fprintf(o.stdout, "%s: %d\n", what, n)
	return exitGood, nil
}
