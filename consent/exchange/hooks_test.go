package exchange_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent/exchange"
)

// named is a hook that notes its calls. It is registered as one or the other, or
// both.
type named struct {
	name  string
	calls *[]string
}

func (n named) BeforeHeader(*exchange.Exchange, int, http.Header) {
	*n.calls = append(*n.calls, "header "+n.name)
}
func (n named) AtEnd(*exchange.Exchange) { *n.calls = append(*n.calls, "end "+n.name) }

// Hooks run as what they were registered as, in their order, few or many.
func TestHooksRunAsWhatTheyAre(t *testing.T) {
	for _, many := range []int{2, 4, 5, 9} {
		var calls, headers, ends []string
		x, w, r := exchange.Begin(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
		for i := range many {
			h := named{string(rune('a' + i)), &calls}
			if i%3 != 1 {
				x.OnHeader(h)
				headers = append(headers, "header "+h.name)
			}
			if i%3 != 0 {
				x.OnEnd(h)
				ends = append(ends, "end "+h.name)
			}
		}
		x.OnHeader(named{"a", &calls}) // once
		x.Serve(http.NotFoundHandler(), w, r)
		require.Equal(t, slices.Concat(headers, ends), calls)
	}
}

// An end hook becomes a header hook while the header hooks run: it is not passed
// over, whatever stands before it.
func TestEndHookThatBecomesAHeaderHook(t *testing.T) {
	var calls []string
	x, w, r := exchange.Begin(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	late := named{"late", &calls}
	x.OnEnd(late)
	x.OnHeader(registers{late})
	x.Serve(http.NotFoundHandler(), w, r)
	require.Equal(t, []string{"header late", "end late"}, calls)
}

type registers struct{ h exchange.HeaderHook }

func (r registers) BeforeHeader(x *exchange.Exchange, _ int, _ http.Header) { x.OnHeader(r.h) }

func TestEndHookOf(t *testing.T) {
	var calls []string
	x, w, r := exchange.Begin(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	x.OnHeader(named{"a header hook alone", &calls})
	_, ok := exchange.EndHookOf[named](x)
	require.False(t, ok)
	for range 9 {
		x.OnEnd(new(countingHook))
	}
	x.OnEnd(named{"first", &calls})
	x.OnEnd(named{"second", &calls})
	found, ok := exchange.EndHookOf[named](x)
	require.True(t, ok)
	require.Equal(t, "first", found.name)
	x.Serve(http.NotFoundHandler(), w, r)
	_, ok = exchange.EndHookOf[*countingHook](x)
	require.True(t, ok, "also after the end")
}

// The first identifier stays, before, during and after the exchange.
func TestID(t *testing.T) {
	one, two := [16]byte{1}, [16]byte{2}
	x, w, r := exchange.Begin(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	_, ok := x.ID()
	require.False(t, ok)
	require.Equal(t, one, x.LoadOrStoreID(one))
	x.Serve(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		require.Equal(t, one, exchange.From(r.Context()).LoadOrStoreID(two))
	}), w, r)
	id, ok := x.ID()
	require.True(t, ok)
	require.Equal(t, one, id)
	late, w, r := exchange.Begin(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	late.Serve(http.NotFoundHandler(), w, r)
	require.Equal(t, two, late.LoadOrStoreID(two))
	require.Equal(t, two, late.LoadOrStoreID(one))
}

// Several lines and a single empty one stay as they came.
func TestCookieLines(t *testing.T) {
	for _, lines := range [][]string{nil, {"a=1"}, {"a=1", "b=2"}, {"", "a=1"}} {
		r := httptest.NewRequest("GET", "/", nil)
		if lines != nil {
			r.Header["Cookie"] = slices.Clone(lines)
		}
		x, _, _ := exchange.Begin(httptest.NewRecorder(), r)
		delete(r.Header, "Cookie")
		require.Equal(t, lines, x.CookieLines())
	}
	r := httptest.NewRequest("GET", "/", nil)
	r.Header["Cookie"] = []string{""}
	x, _, _ := exchange.Begin(httptest.NewRecorder(), r)
	require.Empty(t, x.CookieLines(), "as if there were none")
}
