package exchange_test

import (
	"encoding/hex"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent/exchange"
)

// op is one thing that a handler may do with its writer.
type op byte

const (
	opCreated op = iota
	opNotFound
	opNoContent
	opNotModified
	opEarlyHints
	opWrite
	opWriteNothing
	opWriteString
	opFlush
	opFlushByController
	opCopy
	opCopyMuch
	opCopyNothing
	opBadCookie
	opGoodCookie
	opRawCookie
	opStorage
	opTrailer
	opCookieTrailer
	opDeclaredTrailer
	opLength
	opPanic
	opAbort
	ops
)

// declared is the Content-Length of opLength: more than maxOps can write, so
// that the response is cut short and never too long.
const declared, maxOps = 100_000, 12

func (o op) do(w http.ResponseWriter) {
	h := w.Header()
	switch o {
	case opCreated:
		w.WriteHeader(201)
	case opNotFound:
		w.WriteHeader(404)
	case opNoContent:
		w.WriteHeader(204)
	case opNotModified:
		w.WriteHeader(304)
	case opEarlyHints:
		w.WriteHeader(103)
	case opWrite:
		write(w, 7)
	case opWriteNothing:
		write(w, 0)
	case opWriteString:
		_, _ = io.WriteString(w, "hello")
	case opFlush:
		w.(http.Flusher).Flush()
	case opFlushByController:
		_ = http.NewResponseController(w).Flush()
	case opCopy:
		_, _ = io.Copy(w, io.MultiReader(strings.NewReader("ab"), strings.NewReader("c")))
	case opCopyMuch:
		_, _ = io.Copy(w, io.LimitReader(zeros{}, 5000))
	case opCopyNothing:
		_, _ = io.Copy(w, io.MultiReader())
	case opBadCookie:
		h.Add("Set-Cookie", "bad=1")
	case opGoodCookie:
		h.Add("Set-Cookie", "good=1")
	case opRawCookie:
		h["set-cookie"] = []string{"bad=2"}
	case opStorage:
		h.Set("NEL", "x")
	case opTrailer:
		h.Set(http.TrailerPrefix+"Server-Timing", "x")
	case opCookieTrailer:
		h.Set(http.TrailerPrefix+"Set-Cookie", "bad=3")
	case opDeclaredTrailer:
		h.Add("Trailer", "Checksum")
		h.Add("Trailer", "Set-Cookie")
		h.Set("Checksum", "x")
	case opLength:
		h.Set("Content-Length", fmt.Sprint(declared))
	case opPanic:
		panic("x")
	case opAbort:
		panic(http.ErrAbortHandler)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// model says, as plainly as it can be said, what is to be recorded.
func model(method string, list []op) (want exchange.Outcome, hooks []int) {
	length := false
	commit := func(status int) {
		if want.Status == 0 {
			want.Status, hooks = status, append(hooks, status)
			want.Aborted = length && method != "HEAD" && status != 204 && status != 304
		}
	}
	body := func(n int64) {
		commit(200)
		if method != "HEAD" && want.Status != 204 && want.Status != 304 {
			want.Bytes += n
		}
	}
	for _, o := range list {
		switch o {
		case opCreated:
			commit(201)
		case opNotFound:
			commit(404)
		case opNoContent:
			commit(204)
		case opNotModified:
			commit(304)
		case opEarlyHints:
			if want.Status == 0 {
				want.Informational++
			}
		case opWrite:
			body(7)
		case opWriteString:
			body(5)
		case opCopy:
			body(3)
		case opCopyMuch:
			body(5000)
		case opWriteNothing, opFlush, opFlushByController:
			commit(200)
		case opLength:
			length = true
		case opPanic, opAbort:
			want.Aborted, want.Panicked = true, o == opPanic
			if want.Status == 0 {
				hooks = append(hooks, 0)
			}
			return want, hooks
		}
	}
	commit(200)
	return want, hooks
}

// answer is what a client received.
type answer struct {
	status  int
	body    string
	header  http.Header
	trailer http.Header
	early   []http.Header
	broken  bool
}

func ask(t *testing.T, s *httptest.Server, method, query string) (a answer) {
	t.Helper()
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(_ int, h textproto.MIMEHeader) error {
			a.early = append(a.early, maps.Clone(http.Header(h)))
			return nil
		},
	})
	r, err := http.NewRequestWithContext(ctx, method, s.URL+"?"+query, nil)
	require.NoError(t, err)
	w, err := s.Client().Do(r)
	if err != nil {
		return answer{broken: true}
	}
	defer w.Body.Close()
	text, err := io.ReadAll(w.Body)
	if err != nil {
		return answer{broken: true}
	}
	a.status, a.body, a.header, a.trailer = w.StatusCode, string(text), w.Header, w.Trailer
	a.header.Del("Date")
	return a
}

// judged is what the hook of watch, and the exchange itself, make of an answer.
func (a answer) judged() answer {
	if a.broken {
		return a
	}
	a.header = maps.Clone(a.header)
	var good []string
	for _, line := range a.header.Values("Set-Cookie") {
		if strings.HasPrefix(line, "good=") {
			good = append(good, line)
		}
	}
	delete(a.header, "Set-Cookie")
	if good != nil {
		a.header["Set-Cookie"] = good
	}
	// Shown to the client only where no trailer can follow: to a HEAD.
	if lines, ok := a.header["Trailer"]; ok {
		a.header["Trailer"] = slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return l == "Set-Cookie" })
	}
	a.header.Set("X-Judged", fmt.Sprint(a.status))
	for _, h := range a.early {
		h.Del("Set-Cookie")
		h.Del("NEL")
	}
	a.trailer = maps.Clone(a.trailer)
	a.trailer.Del("Set-Cookie")
	if len(a.trailer) == 0 {
		a.trailer = nil
	}
	return a
}

// FuzzHandlers lets a handler do anything in any order over real servers. What
// the client receives is what it receives without the exchange, judged; what is
// recorded is what the model says; and the model agrees with the client.
func FuzzHandlers(f *testing.F) {
	for _, seed := range [][]op{
		{}, {opWrite}, {opCreated, opNotFound, opWrite}, {opEarlyHints, opEarlyHints, opNotFound, opWrite},
		{opFlush, opNotFound}, {opFlushByController}, {opNotModified, opWrite}, {opNoContent, opCopyMuch},
		{opPanic}, {opWrite, opAbort}, {opWrite, opFlush, opPanic}, {opCopyMuch, opPanic}, {opCopyNothing, opNotFound},
		{opBadCookie, opGoodCookie, opRawCookie, opStorage, opEarlyHints, opWrite, opBadCookie},
		{opDeclaredTrailer, opWrite, opFlush, opTrailer, opCookieTrailer}, {opLength, opCopy}, {opLength, opNoContent},
		{opWriteNothing, opWriteString, opCopy, opCopyMuch}, {opLength, opCopyMuch, opFlush, opCopyMuch},
	} {
		text := make([]byte, len(seed))
		for i, o := range seed {
			text[i] = byte(o)
		}
		for how := range byte(4) {
			f.Add(how, text)
		}
	}
	// More than one: a client repeats a request when a reused connection breaks.
	records := make(chan *watch, 16)
	script := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := hex.DecodeString(r.URL.RawQuery)
		for _, o := range text {
			op(o).do(w)
		}
	})
	wrapped := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m := newWatch()
		records <- m
		m.Middleware(script).ServeHTTP(w, r)
	})
	var with, without [2]*httptest.Server
	for i := range 2 {
		for h, s := range map[*httptest.Server]**httptest.Server{
			httptest.NewUnstartedServer(wrapped): &with[i], httptest.NewUnstartedServer(script): &without[i],
		} {
			h.Config.ErrorLog = log.New(io.Discard, "", 0)
			if h.EnableHTTP2 = i == 1; h.EnableHTTP2 {
				h.StartTLS()
			} else {
				h.Start()
			}
			f.Cleanup(h.Close)
			*s = h
		}
	}
	f.Fuzz(func(t *testing.T, how byte, text []byte) {
		text = text[:min(len(text), maxOps)]
		list := make([]op, len(text))
		for i := range text {
			text[i] %= byte(ops)
			list[i] = op(text[i])
		}
		method, protocol := []string{"GET", "HEAD"}[how&1], how>>1&1
		got := ask(t, with[protocol], method, hex.EncodeToString(text))
		want, hooks := model(method, list)
		m := <-records
		for len(records) > 0 {
			m = <-records
		}
		recorded := m.result(t)
		if method == "HEAD" && protocol == 1 {
			// Go's client resets an HTTP/2 stream as soon as it has the header.
			recorded.ClientGone, recorded.WriteError = false, false
		}
		require.Equal(t, want, recorded)
		require.Equal(t, hooks, m.statuses)
		bare := ask(t, without[protocol], method, hex.EncodeToString(text)).judged()
		if slices.Contains(list, opCookieTrailer) {
			// Where that was the only trailer net/http need not send chunks.
			got.header.Del("Content-Length")
			bare.header.Del("Content-Length")
		}
		require.Equal(t, bare, got)
		if !got.broken {
			require.Equal(t, got.status, want.Status)
			require.EqualValues(t, len(got.body), want.Bytes)
			require.Len(t, got.early, want.Informational)
		}
	})
}
