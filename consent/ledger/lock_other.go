//go:build !unix || solaris || aix

package ledger

import (
	"errors"
	"os"
)

func tryLock(*os.File) (bool, error) {
	return false, errors.New("this system has no flock, so two writers could not be kept apart; use another ledger")
}
