package exchange_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent/exchange"
)

// Where the rows of "what an exchange must record" are tested. Those whose name
// begins with their number are in rows, which [TestRows] sends over HTTP/1.1 and
// HTTP/2 and [TestRowsWithoutAConnection] runs on a recorder, inside and around
// http.TimeoutHandler:
//
//	1-13, 17, 18, 19, 21   rows
//	11 (recoverer outside) TestRecovererOutside, TestPanicLeavesNoTrailers
//	14                     TestHijack, TestAfterAHijackNothingIsJudged, TestHijackDuringTheHooks
//	15, 16                 TestTimeouts, TestTimeoutThatAnswersAfterTheReturn
//	17 (sendfile, errors)  TestReadFromReachesTheConnection, TestSourceThatFlushes, TestCopyErrors
//	19 (Set-Cookie)        TestEarlyHintsCarryNoStorage
//	20                     TestClientGone
//	22, 23                 TestTrailers, TestNothingPassesTheHook
//	24                     TestGoroutineAfterReturn, TestWriteThatEndsLateIsNotRecorded, TestHeaderAfterReturn
//	25                     TestStorageAddedAfterTheHeader
//	interfaces             TestInterfaceSubsets, TestUnwrapCommitsNothing, TestDeadlineCutsABlockedWrite, TestCloseNotify
//
// gin's, chi's and echo's writers are in examples/routers.

func row(name string, do http.HandlerFunc, want exchange.Outcome) rowCase {
	return rowCase{name: name, do: do, want: want}
}

type rowCase struct {
	name   string
	method string
	do     http.HandlerFunc
	want   exchange.Outcome
	// h2 is what HTTP/2 differs in; nil means nothing.
	h2 *exchange.Outcome
	// h1 says that HTTP/2 accepts something else and then fails.
	h1 bool
	// broken says that the client gets an error instead of a whole response.
	broken bool
}

func rows() []rowCase {
	abort := exchange.Outcome{Aborted: true}
	panicked := exchange.Outcome{Aborted: true, Panicked: true}
	sent := func(o exchange.Outcome, status int, n int64) exchange.Outcome {
		o.Status, o.Bytes = status, n
		return o
	}
	list := []rowCase{
		row("1 nothing", func(w http.ResponseWriter, r *http.Request) {}, exchange.Outcome{Status: 200}),
		row("2 two WriteHeaders", func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(201)
			w.WriteHeader(500)
			write(w, 1)
		}, exchange.Outcome{Status: 201, Bytes: 1}),
		row("3 WriteHeader after a write", func(w http.ResponseWriter, r *http.Request) {
			write(w, 1)
			w.WriteHeader(500)
		}, exchange.Outcome{Status: 200, Bytes: 1}),
		row("4 103 then 404", func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(103)
			w.WriteHeader(404)
			write(w, 2)
		}, exchange.Outcome{Status: 404, Bytes: 2, Informational: 1}),
		row("5 103 then a write", func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(103)
			write(w, 2)
		}, exchange.Outcome{Status: 200, Bytes: 2, Informational: 1}),
		row("6 Flush then WriteHeader", func(w http.ResponseWriter, r *http.Request) {
			w.(http.Flusher).Flush()
			w.WriteHeader(500)
		}, exchange.Outcome{Status: 200}),
		row("7 ResponseController.Flush only", func(w http.ResponseWriter, r *http.Request) {
			_ = http.NewResponseController(w).Flush()
		}, exchange.Outcome{Status: 200}),
		{name: "8 HEAD", method: "HEAD", do: func(w http.ResponseWriter, r *http.Request) { write(w, 5) }, want: exchange.Outcome{Status: 200}},
		row("9 304 then a write", func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(304)
			write(w, 5)
		}, exchange.Outcome{Status: 304}),
		row("9 204 then a write", func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(204)
			write(w, 5)
		}, exchange.Outcome{Status: 204}),
		{name: "10 WriteHeader(0)", do: func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(0) }, want: panicked, broken: true},
		{name: "11 panic before a write", do: func(w http.ResponseWriter, r *http.Request) { panic("x") }, want: panicked, broken: true},
		{name: "12a write, panic", do: func(w http.ResponseWriter, r *http.Request) {
			write(w, 7)
			panic("x")
		}, want: sent(panicked, 200, 7), broken: true},
		{name: "12b write, flush, panic", do: func(w http.ResponseWriter, r *http.Request) {
			write(w, 7)
			w.(http.Flusher).Flush()
			panic("x")
		}, want: sent(panicked, 200, 7), broken: true},
		{name: "12b write much, panic", do: func(w http.ResponseWriter, r *http.Request) {
			write(w, 10_000)
			panic("x")
		}, want: sent(panicked, 200, 10_000), broken: true},
		{name: "13 abort before a write", do: func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) }, want: abort, broken: true},
		{name: "13 abort after a write", do: func(w http.ResponseWriter, r *http.Request) {
			write(w, 7)
			panic(http.ErrAbortHandler)
		}, want: sent(abort, 200, 7), broken: true},
		row("17 io.Copy of a file", func(w http.ResponseWriter, r *http.Request) {
			name := filepath.Join(os.TempDir(), fmt.Sprintf("exchange-%d", time.Now().UnixNano()))
			_ = os.WriteFile(name, make([]byte, 100_000), 0o600)
			defer os.Remove(name)
			f, _ := os.Open(name)
			defer f.Close()
			_, _ = io.Copy(w, f)
		}, exchange.Outcome{Status: 200, Bytes: 100_000}),
		row("17 an empty source sends nothing", func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(w, strings.NewReader(""))
			w.WriteHeader(418)
		}, exchange.Outcome{Status: 418}),
		row("19 two 103s then 200", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Link", "</a>")
			w.WriteHeader(103)
			w.Header().Set("Link", "</b>")
			w.WriteHeader(103)
			w.WriteHeader(200)
		}, exchange.Outcome{Status: 200, Informational: 2}),
		{name: "21 less than Content-Length", do: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "10")
			write(w, 4)
		}, want: exchange.Outcome{Status: 200, Bytes: 4, Aborted: true}, broken: true},
		{name: "more than Content-Length", h1: true, do: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "4")
			write(w, 4)
			write(w, 4)
		}, want: exchange.Outcome{Status: 200, Bytes: 4}},
		{name: "HEAD with Content-Length", method: "HEAD", do: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "10")
		}, want: exchange.Outcome{Status: 200}},
		row("WriteString", func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "hello")
		}, exchange.Outcome{Status: 200, Bytes: 5}),
	}
	h2 := exchange.Outcome{Status: 200, Bytes: 2, Informational: 1}
	return append(list, rowCase{
		name: "18 101 by hand", do: func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(101)
			write(w, 2)
		}, want: exchange.Outcome{Status: 101}, h2: &h2, broken: true,
	})
}

// Every row over both protocols: what is recorded is what was agreed, and equal
// to what the client received wherever it received a whole response.
func TestRows(t *testing.T) {
	for _, tt := range rows() {
		for _, http2 := range []bool{false, true} {
			if http2 && tt.h1 {
				continue
			}
			t.Run(fmt.Sprintf("%s/http2=%v", tt.name, http2), func(t *testing.T) {
				m := newWatch()
				s := server(t, m.Middleware(tt.do), http2)
				method := tt.method
				if method == "" {
					method = "GET"
				}
				r, err := http.NewRequest(method, s.URL, nil)
				require.NoError(t, err)
				w, err := s.Client().Do(r)
				want := tt.want
				if http2 && tt.h2 != nil {
					want = *tt.h2
				} else if tt.h2 != nil {
					if err == nil {
						w.Body.Close()
					}
					require.Equal(t, want, m.result(t))
					return
				}
				if tt.broken && err != nil {
					require.Equal(t, want, m.result(t))
					return
				}
				require.NoError(t, err)
				body, readErr := io.ReadAll(w.Body)
				w.Body.Close()
				got := m.result(t)
				require.Equal(t, want, got)
				if !tt.broken {
					require.NoError(t, readErr)
					require.Equal(t, w.StatusCode, got.Status, "as the client saw it")
					require.EqualValues(t, len(body), got.Bytes, "as the client saw it")
					require.Equal(t, []int{got.Status}, m.statuses, "hooks ran once")
					require.Equal(t, fmt.Sprint(got.Status), w.Header.Get("X-Judged"), "and before the header went out")
				} else if tt.h2 == nil {
					require.Error(t, readErr)
				}
			})
		}
	}
}

// The rows on a recorder and inside http.TimeoutHandler, both of which take a
// 103 as final and so are exempt from those.
func TestRowsWithoutAConnection(t *testing.T) {
	for _, tt := range rows() {
		if tt.want.Informational > 0 || tt.h2 != nil {
			continue
		}
		method := tt.method
		if method == "" {
			method = "GET"
		}
		t.Run(tt.name+"/recorder", func(t *testing.T) {
			m := newWatch()
			w := httptest.NewRecorder()
			func() {
				defer func() { _ = recover() }()
				m.Middleware(tt.do).ServeHTTP(w, httptest.NewRequest(method, "/", nil))
			}()
			want := tt.want
			if tt.name == "more than Content-Length" {
				want.Bytes = 8 // a recorder takes all it is given
			}
			require.Equal(t, want, m.result(t))
			if !tt.want.Aborted {
				require.Equal(t, want.Status, w.Result().StatusCode)
			}
		})
		for _, http2 := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/inside TimeoutHandler/http2=%v", tt.name, http2), func(t *testing.T) { insideTimeoutHandler(t, tt, method, http2) })
			t.Run(fmt.Sprintf("%s/around TimeoutHandler/http2=%v", tt.name, http2), func(t *testing.T) { aroundTimeoutHandler(t, tt, method, http2) })
		}
	}
}

func insideTimeoutHandler(t *testing.T, tt rowCase, method string, http2 bool) {
	if strings.HasPrefix(tt.name, "6 ") || strings.HasPrefix(tt.name, "12b write, flush") {
		return // its writer is no Flusher: the assertion itself panics
	}
	m := newWatch()
	s := server(t, http.TimeoutHandler(m.Middleware(tt.do), time.Minute, ""), http2)
	r, err := http.NewRequest(method, s.URL, nil)
	require.NoError(t, err)
	want := tt.want
	if tt.name == "more than Content-Length" {
		want.Bytes = 8 // it buffers
	}
	w, err := s.Client().Do(r)
	if err == nil {
		defer w.Body.Close()
	}
	require.Equal(t, want, m.result(t))
	if !want.Aborted {
		require.NoError(t, err)
		body, _ := io.ReadAll(w.Body)
		require.Equal(t, want.Status, w.StatusCode)
		if tt.name != "more than Content-Length" {
			require.EqualValues(t, want.Bytes, len(body))
		}
	}
}

func aroundTimeoutHandler(t *testing.T, tt rowCase, method string, http2 bool) {
	if strings.HasPrefix(tt.name, "6 ") || strings.HasPrefix(tt.name, "12b write, flush") {
		return
	}
	if tt.name == "more than Content-Length" {
		return // written at once, too much is refused as a whole
	}
	m := newWatch()
	s := server(t, m.Middleware(http.TimeoutHandler(tt.do, time.Minute, "")), http2)
	r, err := http.NewRequest(method, s.URL, nil)
	require.NoError(t, err)
	w, err := s.Client().Do(r)
	if err == nil {
		defer w.Body.Close()
	}
	got := m.result(t)
	require.Equal(t, tt.want.Panicked, got.Panicked)
	require.Equal(t, tt.want.Aborted, got.Aborted)
	if !got.Aborted {
		require.NoError(t, err)
		body, _ := io.ReadAll(w.Body)
		require.Equal(t, exchange.Outcome{Status: w.StatusCode, Bytes: int64(len(body))}, got)
		require.Equal(t, tt.want.Status, got.Status)
	} else if got.Panicked {
		require.Zero(t, got.Status, "what it held back was not sent")
	}
}
