package exchange

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// The struct is small on purpose: it is made for every request, and what an
// allocation costs grows with its size. What most exchanges do not need stands
// behind pointers.

// Exchange is the record of one HTTP exchange: the one wrapper around its
// response, what the middlewares learned of it, and how it ended. It is made by
// [Begin], belongs to one request, and is safe for concurrent use.
type Exchange struct {
	beneath http.ResponseWriter
	header  http.Header // fetched once, see Header
	req     *http.Request
	cookies []string
	start   time.Time
	flags   atomic.Uint32

	committing sync.Mutex // held while header hooks run

	mu     sync.Mutex // guards what follows; never held while the writer beneath is called
	status int32
	hints  int32        // informational responses
	bytes  atomic.Int64 // accepted so far; added to without mu
	// length is what Content-Length promised, -1 where it did not, and, once the
	// exchange has ended, what bytes was then: the struct has no room for both.
	length int64
	first  time.Duration
	total  time.Duration
	route  string
	inner  *http.Request // as the innermost middleware passed it on, until the end

	// The first of each stand here, added under mu and read without: what is
	// counted does not change any more.
	counts atomic.Uint32 // eight bits for each
	before [3]HeaderHook
	atEnd  [2]EndHook
	slots  [3]slot
	more   *overflow // the others, and what is rare; nil for none

	// The usual storage field, one with one line, as it was at commit.
	keptKey, keptLine string
}

// The places in counts.
const (
	hooksBefore = 8 * iota
	hooksAtEnd
	slotsFilled
)

func (x *Exchange) count(of int) int { return int(x.counts.Load() >> of & 0xff) }

// add counts one more, with the lock held.
func (x *Exchange) add(of int) { x.counts.Store(x.counts.Load() + 1<<of) }

// overflow is what has no place in an Exchange. It is guarded by mu.
type overflow struct {
	kept []field // the other storage fields as they were at commit
	rest *rest
}

// rest is what is rarer still.
type rest struct {
	before   []HeaderHook
	atEnd    []EndHook
	slots    []slot
	template func(*http.Request) string // of the route
}

// overflow returns the place for more, with the lock held.
func (x *Exchange) overflow() *overflow {
	if x.more == nil {
		x.more = &overflow{}
	}
	return x.more
}

// rest returns the place for the rest, with the lock held.
func (x *Exchange) rest() *rest {
	more := x.overflow()
	if more.rest == nil {
		more.rest = &rest{}
	}
	return more.rest
}

// lock takes the lock and reports that it must be given back. Before Serve there
// is nobody to lock out.
func (x *Exchange) lock() (locked bool) {
	if !x.has(flagServed) {
		return false
	}
	x.mu.Lock()
	return true
}

// HeaderHook is called exactly once for a response, just before its final
// header goes out, by whatever way. It may change h, and must not write. A
// status of 0 means that a panic unwinds and nothing is sent: the hook may only
// take away, because a recoverer further out may answer with what is left; it
// is called again if a recoverer inside the exchange answers.
type HeaderHook interface {
	BeforeHeader(x *Exchange, status int, h http.Header)
}

// EndHook is called once, at the end of the exchange, when its Outcome is
// final. Nothing can be written any more.
type EndHook interface {
	AtEnd(x *Exchange)
}

// carrier is the context of the request and the exchange in one allocation.
type carrier struct {
	context.Context
	x Exchange
}

type carrierKey struct{}

// Value returns the exchange for the private key, and else what the parent has.
func (c *carrier) Value(key any) any {
	if key == (carrierKey{}) {
		return &c.x
	}
	return c.Context.Value(key)
}

// From returns the exchange that a context belongs to, or nil.
func From(ctx context.Context) *Exchange {
	x, _ := ctx.Value(carrierKey{}).(*Exchange)
	return x
}

// Begin returns the exchange of this request, with the writer and the request
// to go on with. The first middleware that calls it makes the exchange, which is
// its goroutine's alone until it calls Serve; later ones get the same. If something between them replaced the writer, they keep
// the one they were given: what is written there reaches the exchange's own
// writer later, and its hooks with it.
func Begin(w http.ResponseWriter, r *http.Request) (*Exchange, http.ResponseWriter, *http.Request) {
	own, wrapped := w.(interface{ exchange() *Exchange })
	if x := From(r.Context()); x != nil && !x.has(flagEnded) {
		if !wrapped || own.exchange() != x {
			x.set(flagSecondWriter)
		}
		return x, w, r
	}
	if wrapped && !own.exchange().has(flagEnded) {
		// Something replaced the context, and with it the exchange.
		x := own.exchange()
		return x, w, r.WithContext(context.WithValue(r.Context(), carrierKey{}, x))
	}
	c := &carrier{Context: r.Context()}
	x := &c.x
	x.beneath, x.req, x.cookies, x.start, x.length = w, r, r.Header["Cookie"], time.Now(), -1
	// Once: HTTP/2 panics when it is asked for after the handler returned.
	x.header = w.Header()
	return x, wrap(x), r.WithContext(c)
}

// Request returns the request as it came to the first middleware. It must not
// be changed.
func (x *Exchange) Request() *http.Request { return x.req }

// CookieLines returns the lines of the Cookie field as they came to the first
// middleware, also when the header map was changed since; nil when there were
// none. They must not be changed.
func (x *Exchange) CookieLines() []string { return x.cookies }

// Start returns when the exchange began, with a monotonic reading.
func (x *Exchange) Start() time.Time { return x.start }

// SecondWriter reports whether a middleware was given a writer that is not the
// exchange's own, because something between replaced it.
func (x *Exchange) SecondWriter() bool { return x.has(flagSecondWriter) }

// OnHeader registers a hook for the final header. Hooks run in the order in
// which they were registered, one that another hook registers after it. The
// same hook, which must be comparable, is registered once; after the header
// went out it is ignored.
func (x *Exchange) OnHeader(h HeaderHook) {
	if x.lock() {
		defer x.mu.Unlock()
	}
	n := x.count(hooksBefore)
	for i := range n {
		if x.before[i] == h {
			return
		}
	}
	switch {
	case x.has(flagCommitted | flagEnded):
	case n < len(x.before):
		x.before[n] = h
		x.add(hooksBefore)
	default:
		if more := x.rest(); !slices.Contains(more.before, h) {
			more.before = append(more.before, h)
			x.set(flagMore)
		}
	}
}

// hook returns the header hook with that number, nil when there is none.
func (x *Exchange) hook(i int) HeaderHook {
	if i < len(x.before) {
		if i < x.count(hooksBefore) {
			return x.before[i]
		}
		return nil
	}
	if !x.has(flagMore) {
		return nil
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if more := x.more.rest.before; i-len(x.before) < len(more) {
		return more[i-len(x.before)]
	}
	return nil
}

// OnEnd registers a hook for the end of the exchange. Hooks run in the order in
// which they were registered. The same hook, which must be comparable, is
// registered once; after the end it is ignored.
func (x *Exchange) OnEnd(h EndHook) {
	if x.lock() {
		defer x.mu.Unlock()
	}
	n := x.count(hooksAtEnd)
	for i := range n {
		if x.atEnd[i] == h {
			return
		}
	}
	switch {
	case x.has(flagEnded):
	case n < len(x.atEnd):
		x.atEnd[n] = h
		x.add(hooksAtEnd)
	default:
		if more := x.rest(); !slices.Contains(more.atEnd, h) {
			more.atEnd = append(more.atEnd, h)
		}
	}
}

// Route returns the route template of the request as the router has it, such
// as "GET /users/{id}", or "" while it is not known. A handler may ask: the
// router has chosen when it is called.
func (x *Exchange) Route() string {
	if x.has(flagEnded) {
		return x.route // final
	}
	x.mu.Lock()
	route, inner := x.route, x.inner
	var template func(*http.Request) string
	if x.more != nil && x.more.rest != nil {
		template = x.more.rest.template
	}
	x.mu.Unlock()
	switch {
	case route != "" || inner == nil:
		return route
	case template != nil:
		return template(inner)
	}
	return inner.Pattern
}

// RouteBy lets Route ask, until the end of the exchange, a router that does not
// fill the Pattern of a request: template is given r, or what a middleware
// further in made of it.
func (x *Exchange) RouteBy(r *http.Request, template func(*http.Request) string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.has(flagEnded) {
		x.inner, x.rest().template = r, template
	}
}

// SetRoute fills the route. The first one stays: the innermost middleware, next
// to the router, knows best and returns first.
func (x *Exchange) SetRoute(pattern string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.route == "" && !x.has(flagEnded) {
		x.route = pattern
	}
}
