package audit_test

import (
	"bytes"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/logging/logaudit/audit"
)

func BenchmarkRead(b *testing.B) {
	for _, format := range []struct {
		name     string
		combined bool
	}{{"json", false}, {"combined", true}} {
		b.Run(format.name, func(b *testing.B) {
			log, err := io.ReadAll(newTraffic(20000, format.combined))
			require.NoError(b, err)
			a := newAudit(b)
			b.SetBytes(int64(len(log)))
			b.ReportAllocs()
			for b.Loop() {
				err := a.ReadAt(bytes.NewReader(log), "access.log", now, func(f audit.Finding) { b.Fatal(f) })
				require.NoError(b, err)
			}
		})
	}
}
