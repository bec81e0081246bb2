package pseudonym

import (
	"crypto/rand"
	"math"
	"time"
)

// Receipt says that the key of an epoch is gone from this process. It holds
// nothing that was computed from the key.
type Receipt struct {
	Epoch string    // the label that stands in the pseudonyms
	From  time.Time // when the epoch began, in UTC
	Until time.Time // when it ended, in UTC
	At    time.Time // when the key was destroyed, in UTC
	// Kept says that the store could not be told to delete its copy. It is told
	// again until it does.
	Kept bool
}

func (k *Keyring) number(t time.Time) int64 {
	ns := t.UnixNano()
	n := ns / int64(k.epoch)
	if ns < n*int64(k.epoch) { // before 1970 the quotient is rounded up
		n--
	}
	return n
}

func (k *Keyring) start(number int64) time.Time {
	return time.Unix(0, number*int64(k.epoch)).UTC()
}

// label names an epoch by its beginning, to the minute where it is not a day:
// as no epoch is shorter than a minute, no two have the same label.
func (k *Keyring) label(number int64) string {
	if k.epoch%(24*time.Hour) == 0 {
		return k.start(number).Format("20060102")
	}
	return k.start(number).Format("200601021504")
}

// turn makes the key of an epoch the newest one and destroys what is older than
// the one before.
func (k *Keyring) turn(number int64) *ring {
	k.mu.Lock()
	old := k.current.Load()
	if k.closed || old.number >= number {
		k.mu.Unlock()
		return old
	}
	var random [32]byte
	rand.Read(random[:]) // never fails, crypto/rand ends the program instead
	next, gone := k.install(number, &random, false)
	k.mu.Unlock()
	k.destroy(gone, false)
	return next
}

// install puts a key, nil for none, in front of the one before, and returns
// those that are over. The lock is held.
func (k *Keyring) install(number int64, secret *[32]byte, wanting bool) (next *ring, gone []*epochKey) {
	old := k.current.Load()
	next = &ring{number: number, wanting: wanting}
	if old.number == number {
		next.keys = old.keys
	}
	if secret != nil {
		if key, err := newEpochKey(number, k.label(number), secret); err == nil {
			next.keys[0] = key
			k.made.Add(1)
		}
		clear(secret[:])
	}
	for _, o := range old.keys {
		switch {
		case o == nil || o.number == number:
		case o.number == number-1:
			next.keys[1] = o
		default:
			gone = append(gone, o)
		}
	}
	k.current.Store(next)
	k.schedule(number)
	return next, gone
}

// schedule turns over also when nobody asks, so that an idle process keeps no
// key past its time. The lock is held.
func (k *Keyring) schedule(number int64) {
	if k.timer != nil {
		k.timer.Stop()
	}
	wait := k.start(number + 1).Sub(k.now())
	// A clock that is set forward while waiting is noticed within the hour.
	wait = min(max(wait, time.Millisecond), time.Hour)
	if k.current.Load().wanting {
		wait = min(wait, askAgain)
	}
	k.timer = time.AfterFunc(wait, func() {
		if k.store != nil {
			k.ask()
		} else {
			k.turn(k.number(k.now()))
		}
		k.mu.Lock()
		if !k.closed {
			k.schedule(k.current.Load().number)
		}
		k.mu.Unlock()
	})
}

// Close destroys all keys of this process and stops. What a Store keeps stays
// there, for other replicas and for after a restart. No pseudonym is made
// afterwards. It may be called more than once, and while pseudonyms are being
// made.
func (k *Keyring) Close() {
	if k == nil || k.now == nil {
		return
	}
	k.mu.Lock()
	k.closed = true
	k.cancel()
	if k.timer != nil {
		k.timer.Stop()
	}
	old := k.current.Load()
	k.current.Store(&ring{number: math.MaxInt64})
	k.mu.Unlock()
	k.destroy(old.keys[:], false)
	// What was under way ends with k.stop; the store is not used afterwards.
	k.asking.Lock()
	defer k.asking.Unlock()
}

func (k *Keyring) destroy(keys []*epochKey, kept bool) {
	for _, key := range keys {
		if key == nil {
			continue
		}
		key.destroy()
		k.gone.Add(1)
		if k.destroyed != nil {
			k.destroyed(Receipt{Epoch: key.label, From: k.start(key.number), Until: k.start(key.number + 1), At: k.now().UTC(), Kept: kept})
		}
	}
}
