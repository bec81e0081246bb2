package ledger_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/ledger"
	"github.com/candorhttp/candor/consent/ledger/ledgertest"
)

func TestMemory(t *testing.T) {
	ledgertest.Run(t, func(*testing.T) consent.Ledger { return ledger.Memory() })
}

func TestMemoryInTheManifest(t *testing.T) {
	var m consent.Manifest
	ledger.Memory().Describe(&m)
	require.Len(t, m.Records, 1)
	require.Contains(t, m.Records[0].Holds, "random subject (not in refusals)")
}
