package logtest

import (
	"net/http"
	"slices"
)

// corpus is everything that one run sends: its canaries, and the requests and
// raw texts that carry them.
type corpus struct {
	canaries []*canary
	drafts   []*draft
	raw      []rawText
	peers    []*canary // one for each server, in the order of servers
}

// panicField carries the panic value to Panic.
const panicField = "Logtest-Panic"

// newCorpus invents the canaries of a run. Each place gets one of every kind; it
// goes out alone, so that no other makes a service refuse the request before it
// is read, and together with those of all other places, as a browser would.
func newCorpus(paths []string) *corpus {
	c := &corpus{}
	invent := newInventor()
	all := places()
	turn := 0
	next := func() string { turn++; return paths[turn%len(paths)] }
	for k := range panicValue {
		together := make([]*draft, len(paths))
		for i, path := range paths {
			together[i] = newDraft(path)
		}
		for _, p := range all {
			one := invent.canary(k, p.name)
			d := newDraft(next())
			if !one.put(p, d) {
				continue
			}
			c.canaries = append(c.canaries, one)
			c.drafts = append(c.drafts, d)
			for _, t := range together {
				if !p.solo {
					one.put(p, t)
				}
			}
		}
		c.drafts = append(c.drafts, together...)
		for _, shape := range rawShapes {
			one := invent.canary(k, shape.name)
			if text, ok := shape.write(one); ok {
				c.canaries = append(c.canaries, one)
				c.raw = append(c.raw, text)
			}
		}
	}
	thrown := invent.canary(panicValue, "panic of the handler")
	c.canaries = append(c.canaries, thrown)
	for _, path := range paths {
		d := newDraft(path)
		d.setHeader(panicField, thrown.value)
		c.drafts = append(c.drafts, d)
	}
	for range protocols {
		c.peers = append(c.peers, newPeer(ipv4), newPeer(ipv6))
	}
	c.canaries = append(c.canaries, c.peers...)
	for _, one := range c.canaries {
		slices.Sort(one.wholes)
		one.wholes = slices.Compact(one.wholes)
	}
	return c
}

func newDraft(path string) *draft {
	return &draft{method: http.MethodGet, path: path, segment: letters(8), header: http.Header{}}
}

// Panic panics with a canary that Run sends it, as a fault in a handler would.
// Mount it in the service under test, inside its middlewares, and name its path
// in Kit.Paths. Without a canary it answers 200.
func Panic(_ http.ResponseWriter, r *http.Request) {
	if value := r.Header.Get(panicField); value != "" {
		panic(value)
	}
}
