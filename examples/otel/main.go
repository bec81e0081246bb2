// Otel is Candor together with OpenTelemetry: otelhttp for spans and metrics,
// otelslog for logs. It tries each arrangement of the two with one visitor and
// says where the visitor's full address came to lie:
//
//	go run .
//
// README.md holds the table and what to learn from it.
package main

import (
	"context"
	"fmt"
	"os"
)

func main() {
	table, err := table(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, "otel:", err)
		os.Exit(1)
	}
	fmt.Print(table)
}
