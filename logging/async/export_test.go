package async

// Queue is the queue of a Writer alone.
type Queue struct{ q queue }

// NewQueue returns one of a size.
func NewQueue(lines, bytes int) *Queue {
	return &Queue{queue{bytes: make([]byte, bytes), lines: make([]entry, lines)}}
}

// Push copies a line in, unless there is no room.
func (q *Queue) Push(line []byte, missing uint64) bool { return q.q.push(line, missing) }

// Pop takes the oldest line out; there must be one.
func (q *Queue) Pop() (string, uint64) {
	line, missing := q.q.pop(nil)
	return string(line), missing
}
