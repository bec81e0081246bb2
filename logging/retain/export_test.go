package retain

import "time"

// ParseName says what the name of a file tells.
func ParseName(prefix, name string) (from, until time.Time, ok bool) {
	s, ok := parseName(prefix, name)
	return s.begin(), s.end(), ok
}

// FileName returns the name of the file that a line of now goes to.
func FileName(prefix string, now time.Time, period time.Duration) string {
	s, err := spanAt(now, period)
	if err != nil {
		return err.Error()
	}
	return s.fileName(prefix)
}

// CloseUnderneath closes the open file without f's knowledge.
func CloseUnderneath(f *File) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.file.Close()
}
