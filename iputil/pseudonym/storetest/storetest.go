// Package storetest checks that a pseudonym.Store keeps its promises:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) pseudonym.Store { return newStore(t) })
//	}
package storetest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/candorhttp/candor/iputil/pseudonym"
)

// Run tests the Store that open returns, an empty one for each call.
func Run(t *testing.T, open func(*testing.T) pseudonym.Store) {
	t.Helper()
	tests := []struct {
		name string
		run  func(*testing.T, pseudonym.Store)
	}{
		{"the first key is kept", firstKeyIsKept},
		{"epochs and lengths have their own keys", keysAreApart},
		{"replicas that start at once agree", replicasAgree},
		{"a forgotten key is not made again", forgottenStaysForgotten},
		{"an epoch long past is not begun", longPastIsNotBegun},
		{"forgetting what is not there", forgetNothing},
		{"a context that has ended", endedContext},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { tt.run(t, open(t)) })
	}
}

// day is an epoch of a day, some days after the first one used here.
func day(n int64) pseudonym.Epoch { return pseudonym.Epoch{Number: 20000 + n, Length: 24 * time.Hour} }

func secret(b byte) (key [32]byte) {
	for i := range key {
		key[i] = b + byte(i)
	}
	return key
}

func wantKey(t *testing.T, s pseudonym.Store, e pseudonym.Epoch, fresh, want [32]byte) {
	t.Helper()
	got, err := s.Key(t.Context(), e, fresh)
	if err != nil {
		t.Fatalf("Key: %v", err)
	}
	if got != want {
		t.Fatal("Key: is not the one that was kept first")
	}
}

func wantNoKey(t *testing.T, s pseudonym.Store, e pseudonym.Epoch) {
	t.Helper()
	got, err := s.Key(t.Context(), e, secret(99))
	if !errors.Is(err, pseudonym.ErrNoKey) {
		t.Fatalf("Key: error is %v, want ErrNoKey", err)
	}
	if got != [32]byte{} {
		t.Fatal("Key: returns a key beside the error")
	}
}

func forget(t *testing.T, s pseudonym.Store, e pseudonym.Epoch) {
	t.Helper()
	if err := s.Forget(t.Context(), e); err != nil {
		t.Fatalf("Forget: %v", err)
	}
}

func firstKeyIsKept(t *testing.T, s pseudonym.Store) {
	wantKey(t, s, day(0), secret(1), secret(1))
	wantKey(t, s, day(0), secret(2), secret(1))
	// Forgetting those before it leaves it alone, however often.
	forget(t, s, day(0))
	forget(t, s, day(0))
	wantKey(t, s, day(0), secret(3), secret(1))
}

func keysAreApart(t *testing.T, s pseudonym.Store) {
	hours := pseudonym.Epoch{Number: day(0).Number, Length: time.Hour}
	wantKey(t, s, day(0), secret(1), secret(1))
	wantKey(t, s, day(1), secret(2), secret(2))
	wantKey(t, s, hours, secret(3), secret(3))
	forget(t, s, day(1))
	wantKey(t, s, hours, secret(4), secret(3))
	wantKey(t, s, day(1), secret(4), secret(2))
	wantNoKey(t, s, day(0))
}

func replicasAgree(t *testing.T, s pseudonym.Store) {
	const replicas = 16
	var keys [replicas][32]byte
	var errs [replicas]error
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range replicas {
		wg.Go(func() {
			<-start
			if errs[i] = s.Forget(t.Context(), day(-1)); errs[i] == nil {
				keys[i], errs[i] = s.Key(t.Context(), day(0), secret(byte(i)))
			}
		})
	}
	close(start)
	wg.Wait()
	for i := range replicas {
		if errs[i] != nil {
			t.Fatalf("replica %d: %v", i, errs[i])
		}
		if keys[i] != keys[0] {
			t.Fatalf("replicas 0 and %d have different keys", i)
		}
	}
	wantKey(t, s, day(0), secret(99), keys[0])
}

func forgottenStaysForgotten(t *testing.T, s pseudonym.Store) {
	wantKey(t, s, day(0), secret(1), secret(1))
	wantKey(t, s, day(1), secret(2), secret(2))
	forget(t, s, day(1))
	wantNoKey(t, s, day(0))
	wantNoKey(t, s, day(-1))
	// A replica that is late forgets less, which brings nothing back.
	forget(t, s, day(-1))
	wantNoKey(t, s, day(0))
	wantNoKey(t, s, day(-1))
	wantKey(t, s, day(1), secret(3), secret(2))
	// Also when nothing is left.
	forget(t, s, day(5))
	wantNoKey(t, s, day(1))
	wantNoKey(t, s, day(4))
	wantKey(t, s, day(5), secret(4), secret(4))
}

func longPastIsNotBegun(t *testing.T, s pseudonym.Store) {
	wantKey(t, s, day(2), secret(1), secret(1))
	wantNoKey(t, s, day(0))
	// The previous one may be: a replica's clock can be a little late.
	wantKey(t, s, day(1), secret(2), secret(2))
	wantKey(t, s, day(2), secret(3), secret(1))
}

func forgetNothing(t *testing.T, s pseudonym.Store) {
	forget(t, s, day(0))
	wantNoKey(t, s, day(-1))
	wantKey(t, s, day(0), secret(1), secret(1))
}

func endedContext(t *testing.T, s pseudonym.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	// Answered or refused, but never another key than the one kept.
	if key, err := s.Key(ctx, day(0), secret(1)); err == nil {
		wantKey(t, s, day(0), secret(2), key)
	}
	wantNothingElse := s.Forget(ctx, day(0))
	if wantNothingElse != nil && errors.Is(wantNothingElse, pseudonym.ErrNoKey) {
		t.Fatal("Forget: fails with ErrNoKey")
	}
}
