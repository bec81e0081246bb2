package retain_test

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/candorhttp/candor/logging/retain"
)

// At most 30 days: 29 and the day that a file covers.
func ExampleOpen() {
	data, err := os.MkdirTemp("", "")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(data)
	out, err := retain.Open(retain.Config{
		Dir: filepath.Join(data, "logs"), Name: "access", Age: 29 * 24 * time.Hour,
		Report: func(e retain.Event) {
			if e.Err != nil {
				fmt.Println("alert:", e.Kind, e.Err)
			}
		},
	})
	if err != nil {
		panic(err)
	}
	defer out.Close()
	fmt.Fprintln(out, `{"http.route":"/"}`)
	fmt.Println(out.Retention(), out.Stats().Lines)
	// Output: 720h0m0s 1
}
