// Package async keeps a slow log from slowing requests.
//
// A disk that stalls, a pipe that nobody reads or a full collector would hold up
// every request that logs. Here Write copies the line into a queue of fixed size
// and returns; one goroutine hands the lines on:
//
//	out, err := async.New(async.Config{Output: file, Dropped: logging.Dropped, Together: 64 << 10})
//	defer out.Close(ctx)
//
// With Together, whole lines that come within some milliseconds are written at
// once: a system call for each is most of what a busy log costs. Leave it out for
// an output to which a Write is one record.
//
// When the queue is full, the newest line is dropped and counted, and a line
// that says how many stands in the output where they are missing.
//
// # Limits
//
// What is queued is lost when the process is killed or panics: where every line
// must survive that, write without a queue. The queue's memory is taken once,
// when it is made, and holds lines until others take their place. A line is
// never split or changed. At exit, after the server, close the Writer
// first and its output then. An Output that never returns keeps one goroutine,
// also after Close.
//
// Lines offered = Written + Failed + Dropped + Queued, at every moment that no
// Write is under way.
package async
