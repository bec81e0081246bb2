package audit

import "time"

// clock reads times. Lines of the same second stand together, so it remembers
// the last.
type clock struct {
	text []byte
	unix int64
	ok   bool
}

const combinedTime = "02/Jan/2006:15:04:05 -0700"

// rfc3339 reads the time of a line of JSON, in seconds since 1970.
func (c *clock) rfc3339(text []byte) (int64, bool) { return c.parse(time.RFC3339Nano, text) }

// common reads the time of a line of the combined format.
func (c *clock) common(text []byte) (int64, bool) { return c.parse(combinedTime, text) }

func (c *clock) parse(layout string, text []byte) (int64, bool) {
	if string(c.text) == string(text) {
		return c.unix, c.ok
	}
	t, err := time.Parse(layout, string(text))
	c.text, c.unix, c.ok = append(c.text[:0], text...), t.Unix(), err == nil
	return c.unix, c.ok
}
