package pseudonym

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// ErrNoKey is returned when there is no key for now: the keyring is closed, or
// the clock stands in an epoch whose key was destroyed already.
var ErrNoKey = errors.New("pseudonym: no key for this epoch")

// errTooLong is a caller's mistake. It says nothing of the fields.
var errTooLong = errors.New("pseudonym: too many or too long fields; give at most 8 of at most 1 KiB")

const (
	version   = "p1:"
	tagBytes  = 16 // of HMAC-SHA256, cut to 128 bits (RFC 2104 §5)
	maxFields = 8
	maxField  = 1 << 10
)

// Config configures a [Keyring]. The zero Config is the usual one.
type Config struct {
	// Epoch is how long one key is used, counted from the Unix epoch in UTC;
	// 0 means 24 hours, which are UTC days. At least a minute, at most 366 days.
	Epoch time.Duration
	// Store shares the keys with other replicas; nil keeps them in this process
	// alone. It is asked in the background: for as long as it does not answer,
	// at most the first moments of an epoch when all is well, there are no
	// pseudonyms.
	Store Store
	// Destroyed is told of every key that was destroyed; nil tells nobody. It
	// is called without any lock held, from whatever goroutine met the new
	// epoch first, must not block for long and must not call Close.
	Destroyed func(Receipt)
	// Now is the clock; nil means time.Now. It is called concurrently and must
	// not call the keyring. A clock that runs ahead destroys keys early, and
	// when it is set back there are no pseudonyms until it has caught up.
	Now func() time.Time
}

// Keyring makes pseudonyms with a random key for each epoch. It keeps the keys
// of the current epoch and the one before, and destroys older ones. Make it
// with New; the zero Keyring and a nil one make no pseudonyms. It is safe for
// concurrent use.
type Keyring struct {
	epoch     time.Duration
	store     Store // nil: none
	destroyed func(Receipt)
	now       func() time.Time

	current atomic.Pointer[ring]
	scratch sync.Pool // of *scratch; they hold no key between uses

	mu     sync.Mutex // for turning over
	timer  *time.Timer
	closed bool

	soon   atomic.Bool // somebody is about to ask the store
	asking sync.Mutex  // held while the store is asked
	stop   context.Context
	cancel context.CancelFunc

	made, gone, refused, failed atomic.Uint64
}

// ring is the keys at one moment, newest first. It does not change. number is
// the newest epoch there was, also when there is no key for it.
type ring struct {
	number  int64
	keys    [2]*epochKey
	wanting bool // the store has not done all that it was asked
}

// New returns a Keyring. Without a Store its keys live in this process alone, and
// a restart makes new ones. A Store that does not answer within five seconds is
// no error: it is asked again until it does. Close it to destroy the keys. The
// error names the field at fault.
func New(cfg Config) (*Keyring, error) {
	k := &Keyring{epoch: cfg.Epoch, store: cfg.Store, destroyed: cfg.Destroyed, now: cfg.Now}
	if k.epoch == 0 {
		k.epoch = 24 * time.Hour
	}
	if k.epoch < time.Minute || k.epoch > 366*24*time.Hour {
		return nil, fmt.Errorf("pseudonym: config: Epoch: is %v; choose a minute to 366 days, or 0 for a day", cfg.Epoch)
	}
	if k.now == nil {
		k.now = time.Now
	}
	if s, err := newScratch(); err != nil {
		return nil, err
	} else {
		k.scratch.Put(s)
	}
	k.stop, k.cancel = context.WithCancel(context.Background())
	k.current.Store(&ring{number: math.MinInt64})
	if k.store != nil {
		k.ask()
	} else {
		k.turn(k.number(k.now()))
	}
	return k, nil
}

// Append appends the pseudonym of the fields for a purpose to dst, as
// "p1:<epoch>:<32 hex digits>". The same purpose and fields give the same
// pseudonym within an epoch; nothing joins those of two purposes or two epochs.
// It fails with ErrNoKey, returning dst as it was, rather than letting anything
// of the fields out. At most 8 fields of at most 1 KiB each.
func (k *Keyring) Append(dst []byte, purpose string, fields ...[]byte) ([]byte, error) {
	if k == nil || k.now == nil {
		return dst, ErrNoKey
	}
	return k.AppendAt(dst, k.now(), purpose, fields...)
}

// AppendAt is Append for what happened a moment ago, such as the beginning of a
// request whose record says when that was: both are of the same epoch then. The
// key must still be there, so the time lies in this epoch or the one before. A
// time to come counts only where the keyring's own clock has it as well.
func (k *Keyring) AppendAt(dst []byte, at time.Time, purpose string, fields ...[]byte) ([]byte, error) {
	if k == nil || k.now == nil {
		return dst, ErrNoKey
	}
	if len(fields) > maxFields || len(purpose) > maxField {
		return k.refuse(dst, errTooLong)
	}
	for _, f := range fields {
		if len(f) > maxField {
			return k.refuse(dst, errTooLong)
		}
	}
	key := k.key(k.number(at))
	if key == nil {
		return k.refuse(dst, ErrNoKey)
	}
	s, _ := k.scratch.Get().(*scratch)
	if s == nil {
		var err error
		if s, err = newScratch(); err != nil {
			return k.refuse(dst, err)
		}
	}
	made := s.load(key) && s.sign(purpose, fields)
	if made {
		dst = append(dst, version...)
		dst = append(dst, key.label...)
		dst = append(dst, ':')
		dst = hex.AppendEncode(dst, s.sum[:tagBytes])
	}
	s.wipe()
	k.scratch.Put(s)
	if !made {
		return k.refuse(dst, ErrNoKey)
	}
	return dst, nil
}

func (k *Keyring) refuse(dst []byte, err error) ([]byte, error) {
	k.refused.Add(1)
	return dst, err
}

// key returns the key of an epoch, making a new one when its time comes.
func (k *Keyring) key(number int64) *epochKey {
	r := k.current.Load()
	if number > r.number && number <= k.number(k.now()) {
		if k.store != nil {
			k.askSoon()
		} else {
			r = k.turn(number)
		}
	}
	// A clock that went back further than the previous epoch finds no key:
	// what was destroyed is not made again under the same label.
	for _, key := range r.keys {
		if key != nil && key.number == number {
			return key
		}
	}
	return nil
}

// Stats counts what a [Keyring] did since it was made.
type Stats struct {
	Made      uint64 // keys, those given by a store included
	Destroyed uint64 // keys
	Refused   uint64 // pseudonyms that were not made
	Failed    uint64 // times the store did not give or forget a key
}

// Stats returns the counters. It is safe for concurrent use; those of the zero
// Keyring and a nil one are zero.
func (k *Keyring) Stats() Stats {
	if k == nil {
		return Stats{}
	}
	return Stats{Made: k.made.Load(), Destroyed: k.gone.Load(), Refused: k.refused.Load(), Failed: k.failed.Load()}
}

// String says what it is and nothing of its keys.
func (k *Keyring) String() string { return "pseudonym.Keyring" }

// Format implements fmt.Formatter so that no verb prints a key.
func (k *Keyring) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

// LogValue implements slog.LogValuer so that no log holds a key.
func (k *Keyring) LogValue() slog.Value { return slog.StringValue(k.String()) }
