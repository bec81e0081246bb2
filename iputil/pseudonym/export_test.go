package pseudonym

// HMAC signs as a keyring does whose key is random.
func HMAC(random [32]byte, purpose string, fields ...[]byte) ([]byte, error) {
	key, err := newEpochKey(0, "", &random)
	if err != nil {
		return nil, err
	}
	s, err := newScratch()
	if err != nil {
		return nil, err
	}
	if !s.load(key) || !s.sign(purpose, fields) {
		return nil, ErrNoKey
	}
	return s.sum[:], nil
}

// NewestKey returns a look at the memory of the newest key, for as long as the
// test holds it.
func NewestKey(k *Keyring) func() []uint64 {
	key := k.current.Load().keys[0]
	return func() (words []uint64) {
		for i := range keyedWords {
			words = append(words, key.inner[i].Load(), key.outer[i].Load())
		}
		return words
	}
}

// Scratch returns what is left in the memory that the last pseudonym was
// computed in, nil where the pool has let it go.
func Scratch(k *Keyring) []byte {
	s, _ := k.scratch.Get().(*scratch)
	if s == nil {
		return nil
	}
	state, _ := s.hash.AppendBinary(nil)
	left := append(state, s.inner[:keyedWords*8]...)
	left = append(left, s.outer[:keyedWords*8]...)
	left = append(left, s.after[:keyedWords*8]...)
	left = append(left, s.buf[:cap(s.buf)]...)
	return append(left, s.sum[:]...)
}

// SignsAfterDestruction reports whether somebody who holds a key while it is
// destroyed gets a pseudonym of what is left of it.
func SignsAfterDestruction() (bool, error) {
	key, err := newEpochKey(0, "", &[32]byte{1})
	if err != nil {
		return false, err
	}
	s, err := newScratch()
	if err != nil {
		return false, err
	}
	key.destroy()
	return s.load(key), nil
}
