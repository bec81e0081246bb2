package ledger_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent/ledger"
	"github.com/candorhttp/candor/consent/ledger/ledgertest"
)

// naiveRecord is one record, read by the letter of the format.
type naiveRecord struct {
	seq, ref            uint64
	kind, gone          byte
	day                 int32
	commit, link        []byte
	salt, payload       []byte
	offset, size        int
	wantCommit, wantLnk []byte
}

// naive reads the first segment of a ledger with nothing but the package
// comment for a guide.
func naive(t testing.TB, dir string) (out []naiveRecord) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "00000000000000000001.records"))
	require.NoError(t, err)
	require.True(t, bytes.HasPrefix(b, []byte("candor ledger 1\n")))
	prev := make([]byte, 32)
	for at := 128; at+128 <= len(b); {
		size := int(binary.BigEndian.Uint16(b[at+28:])) * 128
		if size == 0 {
			break // room
		}
		r := b[at : at+size]
		n := naiveRecord{
			seq: binary.BigEndian.Uint64(r), ref: binary.BigEndian.Uint64(r[8:]), day: int32(binary.BigEndian.Uint32(r[24:])),
			kind: r[30], gone: r[31], commit: r[32:64], link: r[64:96], salt: r[96:128], payload: r[128:], offset: at, size: size,
			wantCommit: make([]byte, 32),
		}
		if n.kind < 64 && n.gone == 0 {
			mac := hmac.New(sha256.New, n.salt)
			mac.Write(r[:8])
			mac.Write(n.payload)
			n.wantCommit = mac.Sum(nil)
		}
		covered := append([]byte{}, r[:8]...)
		covered = append(covered, n.kind)
		covered = append(covered, r[24:28]...)
		covered = append(covered, r[8:16]...)
		covered = append(covered, prev...)
		covered = append(covered, n.commit...)
		sum := sha256.Sum256(covered)
		n.wantLnk = sum[:]
		prev = n.link
		out = append(out, n)
		at += size
	}
	return out
}

func TestTheChainIsAsDocumented(t *testing.T) {
	dir := t.TempDir()
	l := openFiles(t, dir)
	add(t, l, ledgertest.Grant(subject(1), 1))
	add(t, l, ledgertest.Refusal())
	add(t, l, ledgertest.Grant(subject(2), 1))
	n, err := l.Erase(t.Context(), subject(1))
	require.NoError(t, err)
	require.Equal(t, 1, n)
	records := naive(t, dir)
	require.Len(t, records, 4)
	for i, r := range records {
		require.EqualValues(t, i+1, r.seq)
		require.Equal(t, r.wantLnk, r.link, "link %d", r.seq)
		if r.gone == 0 {
			require.Equal(t, r.wantCommit, r.commit, "commit %d", r.seq)
		}
	}
	require.Equal(t, []byte{1, 2, 1, 64}, []byte{records[0].kind, records[1].kind, records[2].kind, records[3].kind})
	require.EqualValues(t, 1, records[3].ref)
	require.EqualValues(t, ledgertest.Refusal().Time.Unix()/86400, records[1].day)
	require.Equal(t, records[3].link, bytesOf(l.Checkpoint().Link))
	require.NotEqual(t, records[1].salt, records[2].salt)
	require.Equal(t, records[1].size, records[2].size, "the length says nothing of what was chosen")
}

func TestDaysBefore1970(t *testing.T) {
	dir := t.TempDir()
	l := openFiles(t, dir)
	e := ledgertest.Refusal()
	e.Time = time.Date(1969, 12, 31, 23, 0, 0, 0, time.UTC)
	add(t, l, e)
	require.EqualValues(t, -1, naive(t, dir)[0].day)
	good(t, dir)
}

func bytesOf(l ledger.Link) []byte { return l[:] }

// FuzzParse gives the reader of records anything at all.
func FuzzParse(f *testing.F) {
	dir := f.TempDir()
	l := openFiles(f, dir)
	add(f, l, ledgertest.Grant(subject(1), 1))
	add(f, l, ledgertest.Refusal())
	b, err := os.ReadFile(lastFile(f, dir))
	require.NoError(f, err)
	f.Add(b[128:1152])
	f.Add(b[640:800])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		n := 0
		ledger.Parse(bytes.NewReader(b), int64(len(b)), func(uint64, bool) { n++ })
		require.LessOrEqual(t, n, len(b)/128)
	})
}

// FuzzVerify gives the verifier a ledger with any bytes for its records: it
// must come to an end, and find only what was written or a fault.
func FuzzVerify(f *testing.F) {
	dir := f.TempDir()
	l := openFiles(f, dir)
	add(f, l, ledgertest.Grant(subject(1), 1))
	add(f, l, ledgertest.Refusal())
	require.NoError(f, l.Close())
	name := lastFile(f, dir)
	whole, err := os.ReadFile(name)
	require.NoError(f, err)
	whole = whole[:128+2*512]
	file, err := os.OpenFile(name, os.O_WRONLY, 0)
	require.NoError(f, err)
	f.Cleanup(func() { _ = file.Close() })
	f.Add(uint16(140), byte(1), uint16(0))
	f.Add(uint16(800), byte(0xff), uint16(100))
	f.Add(uint16(128), byte('^'), uint16(122)) // the number of an entry above 2⁶²
	f.Fuzz(func(t *testing.T, at uint16, flip byte, cut uint16) {
		b := bytes.Clone(whole[:len(whole)-int(cut)%len(whole)])
		if int(at) < len(b) {
			b[at] ^= flip
		}
		_, err := file.WriteAt(b, 0) // emptying it first makes ext4 wait for the disk
		require.NoError(t, errors.Join(err, file.Truncate(int64(len(b)))))
		r, err := ledger.VerifyOnce(t.Context(), dir, 0)
		require.NoError(t, err)
		// The number of the batch, at 16 to 23, may become another that is possible.
		if at >= 128 && (at-128)%512 >= 16 && (at-128)%512 < 24 && len(b) == len(whole) {
			return
		}
		require.Equal(t, bytes.Equal(b, whole), r.Faulty == 0, "at %d", at)
	})
}
