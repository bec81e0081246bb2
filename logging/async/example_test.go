package async_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/candorhttp/candor/logging/async"
)

func ExampleNew() {
	out, err := async.New(async.Config{Output: os.Stdout, Dropped: func(n uint64) []byte {
		return fmt.Appendf(nil, `{"time":%q,"candor.log.dropped":%d}`+"\n", time.Now().UTC().Format(time.RFC3339), n)
	}})
	if err != nil {
		panic(err)
	}
	fmt.Fprintln(out, `{"http.route":"/"}`)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := out.Close(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err) // how many lines were lost
	}
	fmt.Println(out.Stats().Written)
	// Output:
	// {"http.route":"/"}
	// 1
}
