package async

// queue is a ring of bytes with the lines that stand in it, oldest first. It
// never grows.
type queue struct {
	bytes      []byte
	head, used int // the oldest byte, and how many there are

	lines        []entry
	first, count int // the oldest line, and how many there are
}

type entry struct {
	length  int
	missing uint64 // lines dropped right before this one
}

// push copies a line in, unless there is no room.
func (q *queue) push(line []byte, missing uint64) bool {
	if q.count == len(q.lines) || len(line) > len(q.bytes)-q.used {
		return false
	}
	tail := (q.head + q.used) % len(q.bytes)
	n := copy(q.bytes[tail:], line)
	copy(q.bytes, line[n:])
	q.used += len(line)
	q.lines[(q.first+q.count)%len(q.lines)] = entry{len(line), missing}
	q.count++
	return true
}

// pop appends the oldest line to dst and makes room. There must be one.
func (q *queue) pop(dst []byte) (line []byte, missing uint64) {
	e := q.lines[q.first]
	n := min(e.length, len(q.bytes)-q.head)
	dst = append(dst, q.bytes[q.head:q.head+n]...)
	dst = append(dst, q.bytes[:e.length-n]...)
	q.head = (q.head + e.length) % len(q.bytes)
	q.used -= e.length
	q.first = (q.first + 1) % len(q.lines)
	q.count--
	return dst, e.missing
}

// follows reports whether there is another line of at most that length, with
// none dropped before it.
func (q *queue) follows(room int) bool {
	return q.count > 0 && q.lines[q.first].length <= room && q.lines[q.first].missing == 0
}

// halfFull reports whether half of the room for lines or for bytes is taken.
func (q *queue) halfFull() bool {
	return 2*q.count >= len(q.lines) || 2*q.used >= len(q.bytes)
}

// clear removes all lines and returns how many there were.
func (q *queue) clear() int {
	lines := q.count
	q.head, q.used, q.first, q.count = 0, 0, 0, 0
	return lines
}
