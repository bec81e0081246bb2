// Command served measures how many requests a second a server answers with the
// whole chain in front of it, and without, over loopback with wrk:
//
//	go run ./served -rounds 5 -time 5s
//
// Each server is a process of its own and writes its log to a file: bare writes
// none, candor a line at a time, queued through logging/async, which writes lines
// together, gorilla and httplog as they do. They take turns, so that whatever else
// the machine does meets all of them, and the table shows medians; beside the
// requests a second also what processor time the server's process took for one,
// which other processes disturb less. Two handlers stand behind: one that says a
// few bytes, where the chain is the largest part of what the server does, and one
// that renders a page of 30 rows with html/template, as a site does.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out, diagnostics io.Writer) error {
	flags := flag.NewFlagSet("served", flag.ContinueOnError)
	flags.SetOutput(diagnostics)
	server := flags.String("serve", "", "be this server, and nothing else: what the command starts itself as")
	log := flags.String("log", os.DevNull, "with -serve, the file for log lines")
	rounds := flags.Int("rounds", 5, "how often each server is asked")
	each := flags.Duration("time", 5*time.Second, "for how long")
	connections := flags.Int("connections", 32, "over how many connections")
	cookie := flags.Bool("granted", true, "send a consent cookie that grants")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *server != "" {
		return serve(ctx, *server, *log, out)
	}
	if *rounds < 1 || *each < time.Second || *connections < 1 {
		return errors.New("served: -rounds, -time or -connections: is too small; give at least 1, 1s and 1")
	}
	wrk, err := exec.LookPath("wrk")
	if err != nil {
		return errors.New("served: wrk is not installed; install Debian's package of that name")
	}
	dir, err := os.MkdirTemp("", "served")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var results []*result
	for _, page := range pages {
		for _, kind := range kinds {
			results = append(results, &result{page: page, kind: kind})
		}
	}
	for round := range *rounds {
		for i := range results {
			r := results[(i+round)%len(results)]
			if err := measure(ctx, wrk, dir, r, *each, *connections, *cookie); err != nil {
				return fmt.Errorf("served: %s %s: %w", r.kind, r.page, err)
			}
		}
	}
	_, err = fmt.Fprintf(out, "%d processors, %d connections, %d rounds of %v each\n\n%s", runtime.NumCPU(), *connections, *rounds, *each, table(results))
	return err
}

// measure starts one server, lets wrk ask it and adds what it found to the result.
func measure(ctx context.Context, wrk, dir string, r *result, each time.Duration, connections int, granted bool) error {
	s, err := start(ctx, r.kind+" "+r.page, dir)
	if err != nil {
		return err
	}
	defer s.stop()
	args := []string{"-t1", "-c" + strconv.Itoa(connections), "-d" + strconv.Itoa(int(each.Seconds())) + "s"}
	for _, field := range browserHeader {
		args = append(args, "-H", field)
	}
	if granted {
		args = append(args, "-H", "Cookie: "+ownCookies+s.cookie)
	} else {
		args = append(args, "-H", "Cookie: "+strings.TrimSuffix(ownCookies, "; "))
	}
	text, err := exec.CommandContext(ctx, wrk, append(args, s.url)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("wrk: %w: %s", err, text)
	}
	rate, requests, err := readReport(string(text))
	if err != nil {
		return err
	}
	r.rates = append(r.rates, rate)
	r.times = append(r.times, s.stop().Seconds()*1e6/requests)
	return nil
}

// readReport finds what wrk measured: requests a second, and how many there
// were. An answer that is no success, or a connection that failed, makes the
// figures worthless.
func readReport(text string) (rate, requests float64, err error) {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		name, value, _ := strings.Cut(line, ":")
		switch name {
		case "Requests/sec":
			rate, err = strconv.ParseFloat(strings.TrimSpace(value), 64)
		case "Non-2xx or 3xx responses", "Socket errors":
			err = errors.New(line)
		default:
			if count, _, ok := strings.Cut(line, " requests in "); ok {
				requests, err = strconv.ParseFloat(count, 64)
			}
		}
		if err != nil {
			return 0, 0, fmt.Errorf("wrk: %w", err)
		}
	}
	if !(rate > 0 && requests > 0) {
		return 0, 0, errors.New("wrk: does not say how many requests it made")
	}
	return rate, requests, nil
}
