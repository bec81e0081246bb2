package ledger

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/candorhttp/candor/consent"
)

const (
	// readTogether is how many entries one query reads, so that none is long
	// and no connection is held while the caller looks at them.
	readTogether = 1000
	// followEvery is how often a follower asks.
	followEvery = 300 * time.Millisecond
)

const columns = `seq, kind, day, ref, commitment, link, salt, payload`

// row is one row, read into the form that records have in files.
type row struct {
	seq, ref                    int64
	kind, day                   int32
	commit, link, salt, payload sql.RawBytes
	buf                         []byte
	targets                     []any
}

func newRow() *row {
	r := &row{buf: make([]byte, minEntry)}
	r.targets = []any{&r.seq, &r.kind, &r.day, &r.ref, &r.commit, &r.link, &r.salt, &r.payload}
	return r
}

// scan reads the row. The record is good until the next.
func (r *row) scan(rows *sql.Rows) (record, error) {
	if err := rows.Scan(r.targets...); err != nil {
		return nil, err
	}
	n := unit
	if r.payload != nil || r.salt != nil {
		n = payloadAt + max(len(r.payload), 1)
	}
	for len(r.buf) < n {
		r.buf = make([]byte, 2*len(r.buf))
	}
	out := record(r.buf[:n])
	clear(out[:payloadAt])
	binary.BigEndian.PutUint64(out[0:], uint64(r.seq))
	binary.BigEndian.PutUint64(out[8:], uint64(r.ref))
	binary.BigEndian.PutUint32(out[24:], uint32(r.day))
	out[30] = byte(min(uint32(r.kind), 255)) // none above is one that is written
	copy(out[32:64], r.commit)
	copy(out[64:96], r.link)
	copy(out[saltAt:payloadAt], r.salt)
	if n > unit {
		clear(out[payloadAt:])
		copy(out[payloadAt:], r.payload)
	} else if out.kind().kept() {
		out[goneAt] = 1
	}
	return out, nil
}

// queryer is a database or a transaction.
type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// each calls visit for each row of a query.
func each(ctx context.Context, q queryer, visit func(record) error, query string, args ...any) error {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for r := newRow(); rows.Next(); {
		rec, err := r.scan(rows)
		if err == nil {
			err = visit(rec)
		}
		if err != nil {
			return err
		}
	}
	return rows.Err()
}

// head returns the end of the chain.
func head(ctx context.Context, q queryer) (m mark, err error) {
	var seq int64
	var link []byte
	if err := q.QueryRowContext(ctx, `SELECT seq, link FROM candor_ledger_head`).Scan(&seq, &link); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return m, err
	}
	return headOf(seq, link)
}

func headOf(seq int64, link []byte) (mark, error) {
	if seq < 0 || len(link) != linkSize {
		return mark{}, fmt.Errorf("%w: the table candor_ledger_head was emptied or changed", ErrDamaged)
	}
	return mark{uint64(seq), [linkSize]byte(link)}, nil
}

// linkOf returns the link of an entry, from which the next continues.
func linkOf(ctx context.Context, q queryer, seq uint64) (out [linkSize]byte, err error) {
	if seq == 0 {
		return out, nil
	}
	var link []byte
	err = q.QueryRowContext(ctx, `SELECT link FROM candor_ledger WHERE seq = $1`, int64(seq)).Scan(&link)
	if errors.Is(err, sql.ErrNoRows) || err == nil && len(link) != linkSize {
		return out, fmt.Errorf("%w: entry %d is missing", ErrDamaged, seq)
	}
	copy(out[:], link)
	return out, err
}

// read yields what stands behind from and moves it there. Links and payloads
// are checked on the way. No query is open while yield runs.
func (l *InPostgres) read(ctx context.Context, from *mark, yield func(consent.Entry) error) error {
	h := newHasher()
	for {
		next, entries := *from, []consent.Entry(nil)
		err := each(ctx, l.db, func(r record) error {
			next.seq++
			if r.seq() != next.seq || !r.prevOK(h, &next.link) || !r.wellFormed() || !r.sound(h) {
				return fmt.Errorf("%w: entry %d is missing or was changed", ErrDamaged, next.seq)
			}
			next.link = [linkSize]byte(r.link())
			if !r.kind().kept() || r.gone() {
				return nil
			}
			e, err := r.entry()
			entries = append(entries, e)
			return err
		}, `SELECT `+columns+` FROM candor_ledger WHERE seq > $1 ORDER BY seq LIMIT `+fmt.Sprint(readTogether), int64(from.seq))
		if err != nil {
			return err
		}
		for _, e := range entries {
			if err := yield(e); err != nil {
				return stop{err}
			}
		}
		n := next.seq - from.seq
		if *from = next; n < readTogether {
			return ctx.Err()
		}
	}
}

// stop is an error of the caller's own, to be given back as it is.
type stop struct{ error }

// usable is asked first by everything that reads.
func (l *InPostgres) usable(ctx context.Context) error {
	if l.isClosed() {
		return ErrClosed
	}
	return ctx.Err()
}

// Scan implements [consent.Ledger]. Entries that are appended while it runs are
// yielded as well. What it yields was verified against the chain.
func (l *InPostgres) Scan(ctx context.Context, after uint64, yield func(consent.Entry) error) error {
	return wrap("scan", l.scan(ctx, after, yield))
}

func (l *InPostgres) scan(ctx context.Context, after uint64, yield func(consent.Entry) error) error {
	if err := l.usable(ctx); err != nil {
		return err
	}
	end, err := head(ctx, l.db)
	if err != nil || after >= end.seq {
		return err
	}
	link, err := linkOf(ctx, l.db, after)
	if err != nil {
		return err
	}
	from := mark{after, link}
	if err := l.read(ctx, &from, yield); err != nil {
		return err
	}
	if from.seq < end.seq {
		return fmt.Errorf("%w: entry %d is missing", ErrDamaged, from.seq+1)
	}
	return nil
}

// Follow implements [consent.Follower].
func (l *InPostgres) Follow(ctx context.Context, after uint64, yield func(consent.Entry) error) error {
	return wrap("follow", l.follow(ctx, after, yield))
}

func (l *InPostgres) follow(ctx context.Context, after uint64, yield func(consent.Entry) error) error {
	if err := l.usable(ctx); err != nil {
		return err
	}
	link, err := linkOf(ctx, l.db, after)
	if err != nil {
		return err
	}
	for from := (mark{after, link}); ; {
		if err := l.read(ctx, &from, yield); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-l.ended.Done():
			return ErrClosed
		case <-time.After(followEvery):
		}
	}
}

func wrap(what string, err error) error {
	var s stop
	if errors.As(err, &s) {
		return s.error
	}
	if err != nil {
		return fmt.Errorf("ledger: %s: %w", what, err)
	}
	return nil
}

// ofSubject is the condition that the index is for.
const ofSubject = `substring(payload from 1 for 16) = $1 AND substring(payload from 1 for 16) <> '\x00000000000000000000000000000000' AND kind <> 4`

// History implements [consent.Ledger].
func (l *InPostgres) History(ctx context.Context, s consent.Subject) (out []consent.Entry, err error) {
	if err := l.usable(ctx); err != nil {
		return nil, wrap("history", err)
	}
	h := newHasher()
	err = each(ctx, l.db, func(r record) error {
		if !r.sound(h) {
			return fmt.Errorf("%w: the payload of entry %d was changed", ErrDamaged, r.seq())
		}
		e, err := r.entry()
		out = append(out, e)
		return err
	}, `SELECT `+columns+` FROM candor_ledger WHERE `+ofSubject+` ORDER BY seq`, s[:])
	if err != nil {
		return nil, wrap("history", err)
	}
	return out, nil
}
