package exchange

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// The struct is small on purpose: it is made for every request, and what an
// allocation costs grows with its size. What most exchanges do not need stands
// behind a pointer.

// Exchange is the record of one HTTP exchange: the one wrapper around its
// response, what the middlewares learned of it, and how it ended. It is made by
// [Begin], belongs to one request, and is safe for concurrent use.
type Exchange struct {
	beneath http.ResponseWriter
	header  http.Header // fetched once, see Header
	req     *http.Request
	cookie  [1]string // the usual single line, see CookieLines
	start   time.Time
	flags   atomic.Uint32
	counts  atomic.Uint32 // of hooks and slots, see count

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
	inner  atomic.Pointer[http.Request] // as the innermost middleware passed it on, until the end

	// The first of each stand here, added under mu and read without: what is
	// counted does not change any more.
	hooks [4]any // each a HeaderHook, an EndHook or both, see hookedAs
	slots [2]slot
	id    [16]byte // with flagID

	more     *overflow // the others, and what is rare; nil for none
	keptLine string    // with flagKept: the one line of Set-Cookie as it was at commit
}

// The places in counts: how many hooks and slots there are, and two bits for
// each hook that say what it is.
const (
	hooksHeld   = 0
	slotsFilled = 8
	hookedAs    = 16

	asHeader = 1
	asEnd    = 2
)

func (x *Exchange) count(of int) int { return int(x.counts.Load() >> of & 0xff) }

// hookIs reports whether the hook with that number was registered as that.
func (x *Exchange) hookIs(i int, as uint32) bool {
	return x.counts.Load()>>(hookedAs+2*i)&as != 0
}

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
	cookies  []string                   // with flagCookies
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

// carrier is, in one allocation, the context of the request that goes on, the
// exchange, and that request.
type carrier struct {
	context.Context
	x Exchange
	r http.Request
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
// its goroutine's alone until it calls Serve; later ones get the same. If
// something between them replaced the writer, they keep the one they were given:
// what is written there reaches the exchange's own writer later, and its hooks
// with it.
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
	x.beneath, x.req, x.start, x.length = w, r, time.Now(), -1
	x.keepCookies(r.Header["Cookie"])
	// Once: HTTP/2 panics when it is asked for after the handler returned.
	x.header = w.Header()
	// Only WithContext can set a context; the compiler keeps its copy off the heap.
	c.r = *r.WithContext(c)
	return x, wrap(x), &c.r
}

// Request returns the request as it came to the first middleware. It must not
// be changed.
func (x *Exchange) Request() *http.Request { return x.req }

// CookieLines returns the lines of the Cookie field as they came to the first
// middleware, also when the header map was changed since; nil when there were
// none or a single empty one. They must not be changed.
func (x *Exchange) CookieLines() []string {
	if x.has(flagCookies) {
		x.mu.Lock()
		defer x.mu.Unlock()
		return x.more.rest.cookies
	}
	if x.cookie[0] == "" {
		return nil
	}
	return x.cookie[:]
}

// keepCookies keeps the lines for CookieLines, while nobody else knows of x.
func (x *Exchange) keepCookies(lines []string) {
	switch len(lines) {
	case 0:
	case 1:
		x.cookie[0] = lines[0]
	default:
		x.rest().cookies = lines
		x.set(flagCookies)
	}
}

// ID returns the identifier of the exchange in the host's own records, which is
// the request.id of an access log, and false while nobody has given it one.
func (x *Exchange) ID() (id [16]byte, ok bool) {
	if !x.has(flagID) {
		return id, false
	}
	return x.id, true // it does not change any more
}

// LoadOrStoreID returns the identifier of the exchange, after giving it id if it
// had none. As that changes nothing that was recorded, it does so also after the
// end.
func (x *Exchange) LoadOrStoreID(id [16]byte) [16]byte {
	if x.lock() {
		defer x.mu.Unlock()
	}
	if !x.has(flagID) {
		x.id = id
		x.set(flagID)
	}
	return x.id
}

// Start returns when the exchange began, with a monotonic reading.
func (x *Exchange) Start() time.Time { return x.start }

// SecondWriter reports whether a middleware was given a writer that is not the
// exchange's own, because something between replaced it.
func (x *Exchange) SecondWriter() bool { return x.has(flagSecondWriter) }

// Route returns the route template of the request as the router has it, such
// as "GET /users/{id}", or "" while it is not known. A handler may ask: the
// router has chosen when it is called.
func (x *Exchange) Route() string {
	if x.has(flagEnded) {
		return x.route // final
	}
	x.mu.Lock()
	route, inner := x.route, x.inner.Load()
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
		x.inner.Store(r)
		x.rest().template = template
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
