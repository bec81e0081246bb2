package pseudonym

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// ErrNoKey is returned when there is no key for now: the clock stands in an
// epoch whose key was destroyed already, or stands where no epoch can be.
var ErrNoKey = errors.New("no key for this epoch")

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
	// Destroyed is told of every key that was destroyed; nil tells nobody. It
	// is called without any lock held and must not block for long.
	Destroyed func(Receipt)
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Receipt says that the key of an epoch is gone from this process.
type Receipt struct {
	Epoch string    // the label that stands in the pseudonyms
	From  time.Time // when the epoch began
	Until time.Time // when it ended
	At    time.Time // when the key was destroyed
}

// Keyring makes pseudonyms with a random key for each epoch. It keeps the keys
// of the current epoch and the one before, and destroys older ones. Make it
// with New; the zero Keyring and a nil one make no pseudonyms. It is safe for
// concurrent use.
type Keyring struct {
	epoch     time.Duration
	destroyed func(Receipt)
	now       func() time.Time

	current atomic.Pointer[ring]
	mu      sync.Mutex // for turning over
	stop    *time.Timer
	closed  bool
}

// ring is the keys at one moment, newest first. It does not change.
type ring struct {
	keys [2]*epochKey
}

// epochKey is one epoch's key. Its hashes are keyed copies of it, so they are
// let go together.
type epochKey struct {
	number int64
	label  string
	hashes sync.Pool // of *keyed
	gone   atomic.Bool

	mu  sync.Mutex
	key [32]byte
}

type keyed struct {
	hash hash.Hash
	buf  []byte
	sum  [sha256.Size]byte
}

// New returns a Keyring whose keys live in this process alone: a restart makes
// new ones. Close it to destroy them.
func New(cfg Config) (*Keyring, error) {
	k := &Keyring{epoch: cfg.Epoch, destroyed: cfg.Destroyed, now: cfg.Now}
	if k.epoch == 0 {
		k.epoch = 24 * time.Hour
	}
	if k.epoch < time.Minute || k.epoch > 366*24*time.Hour {
		return nil, fmt.Errorf("pseudonym: config: Epoch: is %v; choose a minute to 366 days, or 0 for a day", cfg.Epoch)
	}
	if k.now == nil {
		k.now = time.Now
	}
	k.current.Store(&ring{})
	k.turn(k.number(k.now()))
	return k, nil
}

func (k *Keyring) number(t time.Time) int64 {
	n := t.UnixNano() / int64(k.epoch)
	if t.UnixNano()%int64(k.epoch) < 0 {
		n--
	}
	return n
}

func (k *Keyring) start(number int64) time.Time {
	return time.Unix(0, number*int64(k.epoch)).UTC()
}

// label names an epoch by its beginning, to the minute where it is not a day.
func (k *Keyring) label(number int64) string {
	if k.epoch%(24*time.Hour) == 0 {
		return k.start(number).Format("20060102")
	}
	return k.start(number).Format("200601021504")
}

// Append appends the pseudonym of the fields for a purpose to dst, as
// "p1:<epoch>:<32 hex digits>". The same purpose and fields give the same
// pseudonym within an epoch; nothing joins those of two purposes or two epochs.
// It fails with ErrNoKey, returning dst as it was, rather than letting anything
// of the fields out. At most 8 fields of at most 1 KiB each.
func (k *Keyring) Append(dst []byte, purpose string, fields ...[]byte) ([]byte, error) {
	if k == nil || k.now == nil {
		return dst, fmt.Errorf("pseudonym: %w", ErrNoKey)
	}
	if len(fields) > maxFields || len(purpose) > maxField {
		return dst, errors.New("pseudonym: too many or too long fields")
	}
	key := k.key(k.number(k.now()))
	if key == nil {
		return dst, fmt.Errorf("pseudonym: %w", ErrNoKey)
	}
	h, _ := key.hashes.Get().(*keyed)
	if h == nil {
		if h = key.newHash(); h == nil {
			return dst, fmt.Errorf("pseudonym: %w", ErrNoKey)
		}
	}
	// Lengths before the parts: no two lists of fields give the same bytes.
	h.buf = binary.AppendUvarint(h.buf[:0], uint64(len(purpose)))
	h.buf = append(h.buf, purpose...)
	for _, f := range fields {
		if len(f) > maxField {
			return dst, errors.New("pseudonym: too many or too long fields")
		}
		h.buf = binary.AppendUvarint(h.buf, uint64(len(f)))
		h.buf = append(h.buf, f...)
	}
	h.hash.Reset()
	h.hash.Write(h.buf)
	sum := h.hash.Sum(h.sum[:0])
	dst = append(dst, version...)
	dst = append(dst, key.label...)
	dst = append(dst, ':')
	dst = hex.AppendEncode(dst, sum[:tagBytes])
	clear(h.buf)
	if !key.gone.Load() {
		key.hashes.Put(h)
	}
	return dst, nil
}

// key returns the key of an epoch, making the newest one when its time comes.
func (k *Keyring) key(number int64) *epochKey {
	r := k.current.Load()
	for range 2 {
		for _, key := range r.keys {
			if key != nil && key.number == number {
				return key
			}
		}
		// A clock that went back further than the previous epoch finds no key:
		// what was destroyed is not made again under the same label.
		if r.keys[0] != nil && number < r.keys[0].number {
			return nil
		}
		r = k.turn(number)
	}
	return nil
}

// turn makes the key of an epoch the newest one and destroys what is older than
// the one before.
func (k *Keyring) turn(number int64) *ring {
	k.mu.Lock()
	old := k.current.Load()
	if k.closed || old.keys[0] != nil && old.keys[0].number >= number {
		k.mu.Unlock()
		return old
	}
	key := &epochKey{number: number, label: k.label(number)}
	rand.Read(key.key[:]) // never fails, crypto/rand ends the program instead
	next := &ring{keys: [2]*epochKey{key}}
	var gone []*epochKey
	for _, o := range old.keys {
		if o != nil && o.number == number-1 {
			next.keys[1] = o
		} else if o != nil {
			gone = append(gone, o)
		}
	}
	k.current.Store(next)
	k.schedule(number)
	k.mu.Unlock()
	k.destroy(gone)
	return next
}

// schedule turns over also when nobody asks, so that an idle process keeps no
// key past its time. The lock is held.
func (k *Keyring) schedule(number int64) {
	if k.stop != nil {
		k.stop.Stop()
	}
	wait := k.start(number + 1).Sub(k.now())
	// A clock that is set forward while waiting is noticed within the hour.
	wait = min(max(wait, time.Millisecond), time.Hour)
	k.stop = time.AfterFunc(wait, func() {
		now := k.number(k.now())
		k.turn(now)
		k.mu.Lock()
		if !k.closed && k.current.Load().keys[0].number >= now {
			k.schedule(k.current.Load().keys[0].number)
		}
		k.mu.Unlock()
	})
}

// Close destroys all keys and stops. No pseudonym is made afterwards.
func (k *Keyring) Close() {
	if k == nil || k.now == nil {
		return
	}
	k.mu.Lock()
	k.closed = true
	if k.stop != nil {
		k.stop.Stop()
	}
	old := k.current.Swap(&ring{})
	k.mu.Unlock()
	k.destroy(old.keys[:])
}

func (k *Keyring) destroy(keys []*epochKey) {
	for _, key := range keys {
		if key == nil {
			continue
		}
		key.gone.Store(true)
		key.mu.Lock()
		clear(key.key[:])
		key.mu.Unlock()
		for {
			h, _ := key.hashes.Get().(*keyed)
			if h == nil {
				break
			}
			clear(h.sum[:])
		}
		if k.destroyed != nil {
			k.destroyed(Receipt{Epoch: key.label, From: k.start(key.number), Until: k.start(key.number + 1), At: k.now().UTC()})
		}
	}
}

func (e *epochKey) newHash() *keyed {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.gone.Load() {
		return nil
	}
	return &keyed{hash: hmac.New(sha256.New, e.key[:]), buf: make([]byte, 0, 128)}
}

// String says what it is and nothing of its keys.
func (k *Keyring) String() string { return "pseudonym.Keyring" }

// Format implements fmt.Formatter so that no verb prints a key.
func (k *Keyring) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

// LogValue implements slog.LogValuer so that no log holds a key.
func (k *Keyring) LogValue() slog.Value { return slog.StringValue(k.String()) }
