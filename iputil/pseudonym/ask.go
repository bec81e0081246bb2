package pseudonym

import (
	"context"
	"crypto/rand"
	"time"
)

const (
	// askFor is how long a store may take to answer, askAgain how long one that
	// failed is left alone.
	askFor   = 5 * time.Second
	askAgain = 5 * time.Second
)

// askSoon asks the store without making the caller wait.
func (k *Keyring) askSoon() {
	if k.soon.CompareAndSwap(false, true) {
		go func() {
			defer k.soon.Store(false)
			k.ask()
		}()
	}
}

// ask turns over with the store's key of the present epoch, if it gives one,
// and has it forget those that are over. Whatever it does, keys that are over
// are destroyed here.
func (k *Keyring) ask() {
	k.asking.Lock()
	defer k.asking.Unlock()
	number := k.number(k.now())
	old := k.current.Load()
	if k.stop.Err() != nil || number < old.number || number == old.number && !old.wanting {
		return
	}
	ctx, cancel := context.WithTimeout(k.stop, askFor)
	defer cancel()

	forgot := k.store.Forget(ctx, Epoch{number - 1, k.epoch}) == nil
	var secret *[32]byte
	given := number == old.number && old.keys[0] != nil
	if !given {
		var fresh [32]byte
		rand.Read(fresh[:])
		key, err := k.store.Key(ctx, Epoch{number, k.epoch}, fresh)
		clear(fresh[:])
		if given = err == nil; given {
			secret = &key
		}
	}
	for _, did := range []bool{forgot, given} {
		if !did {
			k.failed.Add(1)
		}
	}

	k.mu.Lock()
	if k.closed {
		k.mu.Unlock()
		if secret != nil {
			clear(secret[:])
		}
		return
	}
	_, gone := k.install(number, secret, !forgot || !given)
	k.mu.Unlock()
	k.destroy(gone, !forgot)
}
