// Command ratios reads the output of go test -bench, of one run with any count,
// and prints a Markdown table of medians and of what they are to the floors and
// to gorilla's combined log:
//
//	go test -run '^$' -bench . -count 6 | go run ./ratios
package main

import (
	"fmt"
	"io"
	"os"
)

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(in io.Reader, out io.Writer) error {
	results, err := read(in)
	if err != nil {
		return err
	}
	_, err = io.WriteString(out, table(results))
	return err
}
