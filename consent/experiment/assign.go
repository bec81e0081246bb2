package experiment

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math/bits"

	"github.com/candorhttp/candor/consent"
)

// errNoArm cannot happen with weights that New let through.
var errNoArm = errors.New("experiment: no arm")

// weighted is the assigner that needs nobody: a keyed hash of the unit decides.
// Without the key nobody can choose a unit for the arm they would like.
type weighted struct {
	key   []byte
	arms  []Arm
	total uint64
}

func newWeighted(keys consent.Keys, name string, arms []Arm) *weighted {
	w := &weighted{key: keys.Derive("experiment/"+name, sha256.Size)[0], arms: arms}
	for _, a := range arms {
		w.total += uint64(a.Weight)
	}
	return w
}

// Assign implements [Assigner].
func (w *weighted) Assign(_ context.Context, _, unit string) (string, error) {
	mac := hmac.New(sha256.New, w.key)
	mac.Write([]byte(unit))
	// The high word of the product is the hash scaled to [0, total).
	at, _ := bits.Mul64(binary.BigEndian.Uint64(mac.Sum(nil)), w.total)
	for _, a := range w.arms {
		if at < uint64(a.Weight) {
			return a.Name, nil
		}
		at -= uint64(a.Weight)
	}
	return "", errNoArm
}
