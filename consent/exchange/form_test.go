package exchange_test

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// The files of an uploaded form do not outlive the exchange, on whichever copy
// of the request the handler parsed it, and whether it returned or panicked.
func TestUploadsLeaveNoFiles(t *testing.T) {
	copies := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(w, r.Clone(r.Context())) })
	}
	for name, wrap := range map[string]func(http.Handler) http.Handler{
		"one middleware": func(next http.Handler) http.Handler { return newWatch().Middleware(next) },
		"another inside": func(next http.Handler) http.Handler {
			return newWatch().Middleware(copies(newWatch().Middleware(next)))
		},
	} {
		for _, http2 := range []bool{false, true} {
			for _, panics := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, http2=%v, panics=%v", name, http2, panics), func(t *testing.T) {
					dir := t.TempDir()
					t.Setenv("TMPDIR", dir)
					files := func() []os.DirEntry {
						list, err := os.ReadDir(dir)
						require.NoError(t, err)
						return list
					}
					during := make(chan int, 1)
					s := server(t, wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						if err := r.ParseMultipartForm(1); err != nil {
							t.Error(err)
						}
						during <- len(files())
						if panics {
							panic(http.ErrAbortHandler)
						}
					})), http2)
					var body bytes.Buffer
					form := multipart.NewWriter(&body)
					part, err := form.CreateFormFile("file", "secret.txt")
					require.NoError(t, err)
					_, err = part.Write(make([]byte, 11<<20)) // more than net/http keeps in memory beside what it is told
					require.NoError(t, err)
					require.NoError(t, form.Close())
					w, err := s.Client().Post(s.URL, form.FormDataContentType(), &body)
					if err == nil {
						w.Body.Close()
					}
					require.Equal(t, panics, err != nil)
					require.Equal(t, 1, <-during, "the file is there while the handler runs")
					s.Close()
					require.Empty(t, files())
				})
			}
		}
	}
}
