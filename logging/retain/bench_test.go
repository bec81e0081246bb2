package retain_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/logging/retain"
)

// line is as long as one of an access log.
var line = append(bytes.Repeat([]byte{'x'}, 449), '\n')

func BenchmarkWrite(b *testing.B) {
	f := open(b, retain.Config{Dir: directory(b), Age: day})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.Write(line); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPlainFile is what the operating system's part of a write costs.
func BenchmarkPlainFile(b *testing.B) {
	f, err := os.OpenFile(filepath.Join(b.TempDir(), "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	require.NoError(b, err)
	defer f.Close()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.Write(line); err != nil {
			b.Fatal(err)
		}
	}
}
