package ledger

import (
	"fmt"
	"strconv"

	"github.com/candorhttp/candor/consent"
)

// describe adds the row of a ledger that stays.
func describe(m *consent.Manifest, store string, keepDays int) {
	retention := "until erased; nothing is removed by age"
	if keepDays > 0 {
		retention = strconv.Itoa(keepDays) + " days; then kind, day and a salted commitment stay"
	}
	m.Records = append(m.Records, consent.ManifestRecords{Store: store, Holds: held(), Retention: retention})
}

// held is what every ledger holds.
func held() []string {
	return []string{
		"time", "kind of choice", "random subject (not in refusals)", "revision", "policy version",
		"purposes", "language", "hash of the text shown", "method", "regime", "Sec-GPC",
	}
}

func checkKeepDays(config string, days int) error {
	if days == 0 || days >= minKeepDays {
		return nil
	}
	return fmt.Errorf("ledger: %s: KeepDays: is %d; choose at least %d, or withdrawals are forgotten while copied cookies still live, or 0 to keep all", config, days, minKeepDays)
}
