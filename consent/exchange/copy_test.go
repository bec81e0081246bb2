package exchange_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent/exchange"
)

// sendfile: the connection's own ReadFrom gets the file.
func TestReadFromReachesTheConnection(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(name, make([]byte, 1<<20), 0o600))
	for _, header := range []bool{false, true} {
		var log []string
		m := newWatch()
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			spy := &spyWriter{ResponseWriter: w, log: &log}
			m.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				f, err := os.Open(name)
				require.NoError(t, err)
				defer f.Close()
				if header {
					w.WriteHeader(200)
				}
				n, err := io.Copy(w, f)
				require.NoError(t, err)
				require.EqualValues(t, 1<<20, n)
			})).ServeHTTP(spy, r)
		}))
		w, err := s.Client().Get(s.URL)
		require.NoError(t, err)
		n, err := io.Copy(io.Discard, w.Body)
		require.NoError(t, err)
		require.EqualValues(t, 1<<20, n)
		w.Body.Close()
		s.Close()
		if !header {
			require.Equal(t, "Write", log[0], "to know that there is data")
			log = log[1:]
		}
		require.Len(t, log, 1, "once")
		require.Contains(t, log[0], "os.", "with the file itself")
		require.EqualValues(t, 1<<20, m.result(t).Bytes)
	}
}

type spyWriter struct {
	http.ResponseWriter
	log *[]string
}

func (s *spyWriter) Write(p []byte) (int, error) {
	*s.log = append(*s.log, "Write")
	return s.ResponseWriter.Write(p)
}

func (s *spyWriter) ReadFrom(src io.Reader) (int64, error) {
	*s.log = append(*s.log, fmt.Sprintf("%T", src))
	return s.ResponseWriter.(io.ReaderFrom).ReadFrom(src)
}

// A source that flushes while it is read (a proxy of a stream) does not block.
func TestSourceThatFlushes(t *testing.T) {
	m := newWatch()
	s := server(t, m.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, &flushingReader{w: w, left: 3})
	})), false)
	_, body, _ := get(t, s)
	require.Equal(t, "xxx", body)
}

type flushingReader struct {
	w    http.ResponseWriter
	left int
}

func (f *flushingReader) Read(p []byte) (int, error) {
	if f.left == 0 {
		return 0, io.EOF
	}
	f.left--
	if err := http.NewResponseController(f.w).Flush(); err != nil {
		return 0, err
	}
	p[0] = 'x'
	return 1, nil
}

// An error that comes together with data is not lost, though a later read may
// not repeat it; nor is a writer that takes less than it was given.
func TestCopyErrors(t *testing.T) {
	broken := errors.New("broken")
	for _, tt := range []struct {
		name    string
		beneath http.ResponseWriter
		source  io.Reader
		want    error
		n       int64
	}{
		{"the end with the data", httptest.NewRecorder(), iotest.DataErrReader(strings.NewReader("abc")), nil, 3},
		{"an error with the data", httptest.NewRecorder(), &readsOnce{err: broken}, broken, 3},
		{"an error before the data", httptest.NewRecorder(), iotest.ErrReader(broken), broken, 0},
		{"empty reads before the data", httptest.NewRecorder(), io.MultiReader(&emptyReads{left: 2}, strings.NewReader("abc")), nil, 3},
		{"a short write", shortWriter{httptest.NewRecorder()}, strings.NewReader("abc"), io.ErrShortWrite, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var called []string
			x, w, _ := exchange.Begin(subset(4, tt.beneath, &called), httptest.NewRequest("GET", "/", nil))
			n, err := w.(io.ReaderFrom).ReadFrom(tt.source)
			require.ErrorIs(t, err, tt.want)
			require.Equal(t, tt.n, n)
			require.Equal(t, tt.n, x.Outcome().Bytes)
			require.Equal(t, tt.n > 0, x.Committed())
		})
	}
}

type shortWriter struct{ http.ResponseWriter }

func (s shortWriter) Write(p []byte) (int, error) { return s.ResponseWriter.Write(p[:len(p)-1]) }

type emptyReads struct{ left int }

func (e *emptyReads) Read([]byte) (int, error) {
	if e.left--; e.left < 0 {
		return 0, io.EOF
	}
	return 0, nil
}

type readsOnce struct {
	err  error
	done bool
}

func (d *readsOnce) Read(p []byte) (int, error) {
	if d.done {
		return 0, io.EOF
	}
	d.done = true
	return copy(p, "abc"), d.err
}
