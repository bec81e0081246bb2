package ledger

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Checkpoint says what a chain was at a time. Signed and kept where the
// ledger's host cannot change it, it proves that nothing up to Seq was changed,
// put in or taken out since: give it to [Verify]. It holds nothing of a person.
type Checkpoint struct {
	Seq  uint64    // number of the last record
	Link Link      // of that record
	Time time.Time // UTC, whole seconds
}

const (
	checkpointMagic = "candor ledger checkpoint 1\n"
	// maxCheckpoint is above the longest that Sign makes.
	maxCheckpoint = 512
)

// Checkpoint returns the checkpoint of what is durable now.
func (l *Files) Checkpoint() Checkpoint {
	_, now := l.at()
	return Checkpoint{Seq: now.seq, Link: now.link, Time: time.Now().UTC().Truncate(time.Second)}
}

func (c Checkpoint) text() []byte {
	return fmt.Appendf(nil, "%sentry %d\nlink %s\ntime %s\n", checkpointMagic, c.Seq, c.Link, c.Time.UTC().Format(time.RFC3339))
}

// Sign returns c as text with an Ed25519 signature (RFC 8032) over all lines
// but the last. It fails only when key is not a private key.
func (c Checkpoint) Sign(key ed25519.PrivateKey) ([]byte, error) {
	if len(key) != ed25519.PrivateKeySize {
		return nil, errors.New("ledger: checkpoint: the key is not an Ed25519 private key; make one with ed25519.GenerateKey")
	}
	b := c.text()
	return append(b, "signature "+base64.StdEncoding.EncodeToString(ed25519.Sign(key, b))+"\n"...), nil
}

// ReadCheckpoint reads what Sign made and verifies it. Any byte that is
// different is an error.
func ReadCheckpoint(text []byte, key ed25519.PublicKey) (Checkpoint, error) {
	if len(key) != ed25519.PublicKeySize {
		return Checkpoint{}, errors.New("ledger: checkpoint: the key is not an Ed25519 public key")
	}
	c, signature, err := parseCheckpoint(text)
	if err == nil && !ed25519.Verify(key, c.text(), signature) {
		err = errors.New("it is not signed by this key")
	}
	if err != nil {
		return Checkpoint{}, fmt.Errorf("ledger: checkpoint: %w", err)
	}
	return c, nil
}

var errCheckpoint = errors.New("it is not in the form of a signed checkpoint")

func parseCheckpoint(text []byte) (c Checkpoint, signature []byte, err error) {
	body, ok := bytes.CutPrefix(text, []byte(checkpointMagic))
	if !ok || len(text) > maxCheckpoint {
		return c, nil, errCheckpoint
	}
	lines := strings.Split(string(body), "\n")
	var values [4]string
	if len(lines) != len(values)+1 || lines[len(values)] != "" {
		return c, nil, errCheckpoint
	}
	for i, name := range []string{"entry ", "link ", "time ", "signature "} {
		if values[i], ok = strings.CutPrefix(lines[i], name); !ok {
			return c, nil, errCheckpoint
		}
	}
	c.Seq, err = strconv.ParseUint(values[0], 10, 64)
	link, err1 := hex.DecodeString(values[1])
	at, err2 := time.Parse(time.RFC3339, values[2])
	signature, err3 := base64.StdEncoding.Strict().DecodeString(values[3])
	if errors.Join(err, err1, err2, err3) != nil || len(link) != linkSize {
		return c, nil, errCheckpoint
	}
	c.Link, c.Time = Link(link), at.UTC()
	// One text for each checkpoint: no other spelling of a number or a time.
	if whole := append(c.text(), "signature "+values[3]+"\n"...); !bytes.Equal(whole, text) {
		return c, nil, errCheckpoint
	}
	return c, signature, nil
}
