package site

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/candorhttp/candor/iputil"
	"github.com/candorhttp/candor/logging"
)

// Main is the main function of the programs: it serves a site until it is
// interrupted.
func Main(handler func(*Site) http.Handler) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := Serve(ctx, handler, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// Serve serves a site until ctx ends.
func Serve(ctx context.Context, handler func(*Site) http.Handler, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("site", flag.ContinueOnError)
	flags.SetOutput(stderr)
	addr := flags.String("addr", "127.0.0.1:8080", "address to listen on; port 0 picks one")
	if err := flags.Parse(args); err != nil {
		return err
	}
	logger := slog.New(slog.NewJSONHandler(stderr, nil))
	s, err := New(Config{Output: stdout, Logger: logger})
	if err != nil {
		return err
	}
	open, err := net.Listen("tcp", *addr)
	if err != nil {
		return errors.Join(err, s.Close(ctx))
	}
	// From here on nobody but the log's resolver sees a visitor's whole address,
	// the router's own logger included.
	listener, err := iputil.NewListener(open, iputil.HideNetwork)
	if err != nil {
		return errors.Join(err, open.Close(), s.Close(ctx))
	}
	fmt.Fprintf(stdout, "listening on http://%s\n", listener.Addr())
	server := &http.Server{
		Handler:           handler(s),
		ConnContext:       iputil.ConnContext,
		ErrorLog:          logging.ErrorLog(logger),
		ReadHeaderTimeout: 10 * time.Second,
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err = <-failed:
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return errors.Join(err, server.Shutdown(grace), s.Close(grace))
}
