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
// # What it comes to
//
// Of the 3.5 to 4 microseconds of CandorLog, on the machine of the README, a line takes
// 1.1 to be written (the pseudonym 0.35 of it), the decision 0.8 (the HMAC of the
// consent cookie 0.2, its base64 and payload 0.2, a state of 144 bytes 0.1), the
// exchange 0.7 (the request's copy 0.2, three clocks 0.13), the user agent 0.25 and
// the address 0.22; the rest is the collector's, which a benchmark's small heap calls
// every few thousand requests. No single piece stands out. By instructions, which
// noise does not touch (valgrind --tool=callgrind, without those of SHA-256),
// CandorLog is 1.65 of Floor and CandorChain 1.46 of FloorChain.
//
// FloorVerified is 1.4 to 1.55 of Floor: copying the request and believing only what
// is verified takes half as much again, however it is written. CandorLog is 1.4 to
// 1.5 of it. A cache of verified cookies would save the decision of a visitor who
// comes again. There is none: with a million of them it would be passed by, so that
// cost would grow with visitors.
//
// # What it does not say
//
// All of them write to memory that counts and forgets. The response is one that
// costs nothing, so the figures are of the middleware alone and say little of a
// server's throughput, where the network and the pages dwarf them. What a server
// loses is measured by the command served, over loopback with wrk.
package bench
