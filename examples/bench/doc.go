// Package bench measures what Candor costs a request, beside what others cost
// the same request:
//
//	go test -run '^$' -bench . -count 6 | tee bench.txt | go run ./ratios
//	benchstat bench.txt
//
// One request, with three proxy hops, a browser's user agent, a referrer, a
// query, four cookies and a consent cookie that the manager itself made, goes
// through each middleware around one trivial handler. Two floors are written by
// hand, each one straight function that does the same real work on that request
// and nothing else: Floor writes the log line, FloorChain also verifies the
// consent cookie and keeps the gate. What Candor costs above them is the price
// of its structure.
//
// The benchmarks are:
//
//   - Floor, CandorLog: the line, of the granted tier.
//   - FloorVerified: Floor, but with the two things that a log with tiers cannot
//     do without and Floor does: a context that handlers can ask, and the consent
//     cookie verified before it is believed. What it is above Floor no structure
//     can save.
//   - FloorChain, CandorChain: line, consent manager and cookie gate, around a
//     handler that asks for consent and sets one cookie.
//   - the same with Withheld: a visitor who never answered, so that the line is
//     of the strict tier, three of the four cookies are hidden and the new one
//     does not go out. CandorChainRefused: one who said no, so that the three
//     cookies are also expired.
//   - GorillaCombined, ChiLogger, HTTPLog, SlogHTTP, Hlog, HTTPSnoop: others'
//     access logs, each as its own documentation sets it up. They write the
//     whole address, path and query, and know nothing of consent.
//   - Visitors: CandorChain with 100 and with 1,000,000 visitors.
//   - Parts: what CandorLog is made of, one by one.
//   - CandorChainParallel: on all processors at once, for a mutex profile.
//
// All of them write to memory that counts and forgets. The response is one that
// costs nothing, so the figures are of the middleware alone and say little of a
// server's throughput, where the network and the pages dwarf them. What a server
// loses is measured by the command served, over loopback with wrk.
package bench
