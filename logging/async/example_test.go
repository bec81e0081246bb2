package async_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/candorhttp/candor/logging"
	"github.com/candorhttp/candor/logging/async"
)

func ExampleNew() {
	out, err := async.New(async.Config{Output: os.Stdout, Dropped: logging.Dropped})
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
