package exchange_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent/exchange"
)

// base is a writer without optional interfaces; the others add one each.
type (
	base     struct{ http.ResponseWriter }
	flusher  struct{ called *[]string }
	hijacker struct{ called *[]string }
	reader   struct {
		w      http.ResponseWriter
		called *[]string
	}
	pusher struct{ called *[]string }
)

func (f flusher) Flush() { *f.called = append(*f.called, "Flush") }

func (h hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	*h.called = append(*h.called, "Hijack")
	return nil, nil, nil
}

func (r reader) ReadFrom(src io.Reader) (int64, error) {
	*r.called = append(*r.called, "ReadFrom")
	return io.Copy(base{r.w}, src)
}

func (p pusher) Push(string, *http.PushOptions) error {
	*p.called = append(*p.called, "Push")
	return nil
}

// subset returns a writer with exactly the interfaces of the mask.
func subset(mask int, w http.ResponseWriter, called *[]string) http.ResponseWriter {
	b, f, h, r, p := base{w}, flusher{called}, hijacker{called}, reader{w, called}, pusher{called}
	switch mask {
	case 0:
		return b
	case 1:
		return struct {
			base
			flusher
		}{b, f}
	case 2:
		return struct {
			base
			hijacker
		}{b, h}
	case 3:
		return struct {
			base
			flusher
			hijacker
		}{b, f, h}
	case 4:
		return struct {
			base
			reader
		}{b, r}
	case 5:
		return struct {
			base
			flusher
			reader
		}{b, f, r}
	case 6:
		return struct {
			base
			hijacker
			reader
		}{b, h, r}
	case 7:
		return struct {
			base
			flusher
			hijacker
			reader
		}{b, f, h, r}
	case 8:
		return struct {
			base
			pusher
		}{b, p}
	case 9:
		return struct {
			base
			flusher
			pusher
		}{b, f, p}
	case 10:
		return struct {
			base
			hijacker
			pusher
		}{b, h, p}
	case 11:
		return struct {
			base
			flusher
			hijacker
			pusher
		}{b, f, h, p}
	case 12:
		return struct {
			base
			reader
			pusher
		}{b, r, p}
	case 13:
		return struct {
			base
			flusher
			reader
			pusher
		}{b, f, r, p}
	case 14:
		return struct {
			base
			hijacker
			reader
			pusher
		}{b, h, r, p}
	}
	return struct {
		base
		flusher
		hijacker
		reader
		pusher
	}{b, f, h, r, p}
}

func offered(w http.ResponseWriter) [5]bool {
	_, f := w.(http.Flusher)
	_, fe := w.(interface{ FlushError() error })
	_, h := w.(http.Hijacker)
	_, r := w.(io.ReaderFrom)
	_, p := w.(http.Pusher)
	return [5]bool{f, f && fe, h, r, p}
}

// Every subset of the optional interfaces is offered exactly, and each call
// reaches the writer beneath.
func TestInterfaceSubsets(t *testing.T) {
	for mask := range 16 {
		t.Run(fmt.Sprintf("%04b", mask), func(t *testing.T) {
			var called, want []string
			rec := httptest.NewRecorder()
			beneath := subset(mask, rec, &called)
			_, w, _ := exchange.Begin(beneath, httptest.NewRequest("GET", "/", nil))
			has := func(bit int) bool { return mask&bit != 0 }
			require.Equal(t, [5]bool{has(1), has(1), has(2), has(4), has(8)}, offered(w))
			if p, ok := w.(http.Pusher); ok {
				require.NoError(t, p.Push("/x", nil))
				want = append(want, "Push")
			}
			if r, ok := w.(io.ReaderFrom); ok {
				n, err := r.ReadFrom(strings.NewReader(strings.Repeat("x", 2000)))
				require.NoError(t, err)
				require.EqualValues(t, 2000, n)
				require.Equal(t, 2000, rec.Body.Len())
				want = append(want, "ReadFrom")
			}
			if f, ok := w.(http.Flusher); ok {
				f.Flush()
				want = append(want, "Flush")
			}
			if h, ok := w.(http.Hijacker); ok {
				_, _, err := h.Hijack()
				require.NoError(t, err)
				want = append(want, "Hijack")
			}
			require.Equal(t, want, called)
			_, isString := w.(io.StringWriter)
			require.True(t, isString)
		})
	}
}

// The same interfaces as on the writers of the standard library.
func TestInterfacesOfTheStandardLibrary(t *testing.T) {
	check := func(t *testing.T, beneath http.ResponseWriter, r *http.Request) {
		_, w, _ := exchange.Begin(beneath, r)
		want := offered(beneath)
		want[1] = want[0]
		require.Equal(t, want, offered(w), "%T", beneath)
	}
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { check(t, w, r) })
	get(t, server(t, page, false))
	get(t, server(t, page, true))
	get(t, server(t, http.TimeoutHandler(page, time.Minute, ""), false))
	check(t, httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
}

// A writer that cannot flush says so, and the header stays open: row 7 inside
// TimeoutHandler.
func TestFlushThatIsNotSupported(t *testing.T) {
	s := server(t, http.TimeoutHandler(newWatch().Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := http.NewResponseController(w).Flush(); err == nil {
			t.Error("flushed what cannot be flushed")
		}
		if exchange.From(r.Context()).Committed() {
			t.Error("committed")
		}
		w.WriteHeader(418)
	})), time.Minute, ""), false)
	w, _, _ := get(t, s)
	require.Equal(t, 418, w.StatusCode)
}

// Code that unwraps until nothing can be unwrapped ends with a writer, and a
// guarded one.
func TestUnwrappingToTheEnd(t *testing.T) {
	rec := httptest.NewRecorder()
	_, w, r := exchange.Begin(rec, httptest.NewRequest("GET", "/", nil))
	for {
		u, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			break
		}
		w = u.Unwrap()
	}
	m := newWatch()
	exchange.From(r.Context()).OnHeader(m)
	w.Header().Set("Set-Cookie", "bad=1")
	write(w, 1)
	require.Empty(t, rec.Result().Header.Values("Set-Cookie"))
}

// CloseNotify is there for code of its age, whatever is beneath: it tells of the
// end of the request, and where that never ends it leaves no goroutine behind.
func TestCloseNotify(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		for _, r := range []*http.Request{
			httptest.NewRequestWithContext(ctx, "GET", "/", nil),
			httptest.NewRequestWithContext(context.Background(), "GET", "/", nil),
		} {
			_, w, _ := exchange.Begin(httptest.NewRecorder(), r)
			gone := w.(interface{ CloseNotify() <-chan bool }).CloseNotify()
			synctest.Wait()
			require.Empty(t, gone, "nobody left")
			if r.Context() == ctx {
				cancel()
				require.True(t, <-gone)
			}
		}
	})
}
