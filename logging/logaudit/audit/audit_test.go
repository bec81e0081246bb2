package audit_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"flag"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/logging/logaudit/audit"
)

var cleanLines = flag.Int("lines", 100_000, "how many clean lines have no finding")

func TestCleanLinesHaveNoFinding(t *testing.T) {
	for name, combined := range map[string]bool{"json": false, "combined": true} {
		t.Run(name, func(t *testing.T) {
			a := newAudit(t)
			require.NoError(t, a.ReadAt(newTraffic(*cleanLines, combined), "access.log", now, func(f audit.Finding) { t.Fatal(f) }))
			require.Equal(t, audit.Stats{Files: 1, Lines: uint64(*cleanLines)}, a.Stats())
		})
	}
}

func TestFormatsAreToldApart(t *testing.T) {
	const bad = `{"time":"2026-11-24T09:12:30Z","user":"jo"}` + "\n"
	const badCombined = `203.0.113.0 - jo [24/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 1 "-" "-"` + "\n"
	zip := func(parts ...string) string {
		var b bytes.Buffer
		for _, p := range parts { // a member each, as appending rotators write
			z := gzip.NewWriter(&b)
			_, err := io.WriteString(z, p)
			require.NoError(t, err)
			require.NoError(t, z.Close())
		}
		return b.String()
	}
	for _, c := range []struct {
		name, log string
		want      []string
	}{
		{"nothing", "", nil},
		{"JSON", bad, []string{"user undeclared"}},
		{"JSON behind empty lines", "\n\r\n " + bad, []string{"user undeclared"}},
		{"JSON without a last newline", bad + strings.TrimSpace(bad), []string{"user undeclared", "user undeclared"}},
		{"JSON with carriage returns", strings.ReplaceAll(bad, "\n", "\r\n"), []string{"user undeclared"}},
		{"combined", badCombined, []string{"user undeclared"}},
		{"JSON in gzip", zip(bad), []string{"user undeclared"}},
		{"combined in gzip", zip(badCombined, badCombined), []string{"user undeclared", "user undeclared"}},
		{"nothing in gzip", zip(""), nil},
		{"a text", "panic: jo@example.org\nat once\n", []string{"- malformed", "- malformed"}},
		{"combined among JSON", bad + badCombined, []string{"user undeclared", "- malformed"}},
	} {
		t.Run(c.name, func(t *testing.T) { require.Equal(t, c.want, findings(t, newAudit(t), c.log)) })
	}
}

func TestLongLinesAreSkipped(t *testing.T) {
	line := func(n int) string {
		const rest = `{"time":"2026-11-24T09:12:30Z","http.route":"/"}`
		return strings.Replace(rest, "/", "/"+strings.Repeat(".", n-len(rest)), 1)
	}
	log := line(64<<10) + "\n" + line(64<<10) + "\r\n" + line(64<<10+1) + "\n" + line(64<<10+2) + "\r\n" + line(1<<20) + "\n" + line(100) + "\n" + line(300<<10)
	a := newAudit(t)
	var got []int
	require.NoError(t, a.ReadAt(strings.NewReader(log), "x", now, func(f audit.Finding) {
		require.Equal(t, audit.Long, f.Kind)
		got = append(got, f.Line)
	}))
	require.Equal(t, []int{3, 4, 5, 7}, got)
	require.Equal(t, uint64(7), a.Stats().Lines)
}

func TestFindingsNameFileAndLine(t *testing.T) {
	var got []string
	log := `{"time":"2026-11-24T09:12:30Z"}` + "\n\n" + `{"time":"2026-11-24T09:12:30Z","a":1}`
	require.NoError(t, newAudit(t).ReadAt(strings.NewReader(log), "dir/access.log", now, func(f audit.Finding) { got = append(got, f.String()) }))
	require.Equal(t, []string{"dir/access.log:3: a: undeclared"}, got)
}

func TestWhatCannotBeReadIsAnError(t *testing.T) {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, err := io.CopyN(z, newTraffic(1000, false), 100_000)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	broken := errors.New("broken disk")
	for name, log := range map[string]io.Reader{
		"from the start": iotest.ErrReader(broken),
		"in the middle":  io.MultiReader(strings.NewReader(`{"time":"2026-11-24T09:12:30Z"}`+"\n"), iotest.ErrReader(broken)),
		"gzip torn":      bytes.NewReader(zipped.Bytes()[:zipped.Len()/2]),
		"gzip's head":    strings.NewReader("\x1f\x8b"),
		"gzip's check":   bytes.NewReader(append(bytes.Clone(zipped.Bytes()[:zipped.Len()-8]), "12345678"...)),
	} {
		t.Run(name, func(t *testing.T) {
			err := newAudit(t).ReadAt(log, "access.log", now, func(audit.Finding) {})
			require.ErrorContains(t, err, "audit: access.log: ")
		})
	}
}

// endless gives the same bytes over and over.
type endless struct {
	text string
	left int
}

func (e *endless) Read(p []byte) (int, error) {
	if e.left <= 0 {
		return 0, io.EOF
	}
	n := copy(p, e.text)
	e.left -= n
	return n, nil
}

// Memory is bounded whatever the log: long lines, many keys, decompression.
func TestMemoryIsBounded(t *testing.T) {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, err := io.Copy(z, &endless{strings.Repeat("0", 1<<16), 64 << 20})
	require.NoError(t, err)
	require.NoError(t, z.Close())
	for name, log := range map[string]io.Reader{
		"one line":      &endless{strings.Repeat("0", 1<<16), 64 << 20},
		"one in gzip":   &zipped,
		"lines of keys": &endless{`{"a":1,"b":{},"c":[1]}` + "\n", 8 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAudit(t)
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			require.NoError(t, a.ReadAt(log, "access.log", now, func(audit.Finding) {}))
			runtime.GC()
			runtime.ReadMemStats(&after)
			require.Less(t, int64(after.HeapAlloc)-int64(before.HeapAlloc), int64(1<<20))
			require.Less(t, int64(after.HeapSys)-int64(before.HeapSys), int64(32<<20))
		})
	}
}

func TestReadUsesThePresent(t *testing.T) {
	old := time.Now().Add(-31 * 24 * time.Hour).UTC().Format(time.RFC3339)
	var got []audit.Kind
	require.NoError(t, newAudit(t).Read(strings.NewReader(`{"time":"`+old+`"}`), "x", func(f audit.Finding) { got = append(got, f.Kind) }))
	require.Equal(t, []audit.Kind{audit.Retention}, got)
}
