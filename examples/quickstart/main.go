// Quickstart is a small shop, written as if nobody had thought of consent, and
// wrapped so that it keeps its privacy policy all the same.
//
//	go run ./examples/quickstart [-addr 127.0.0.1:8080] [-data DIR] [-log FILE]
//	    [-header X-Forwarded-For -trusted-proxy CIDR[,CIDR…]]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/iputil"
	"github.com/candorhttp/candor/logging"
)

func main() {
	// Whoever reads standard output may end before the shop does. Without this the
	// next log line would end the shop; so it is a line that is lost and counted.
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

// run serves the shop until ctx ends.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	flags := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	flags.SetOutput(stderr)
	addr := flags.String("addr", "127.0.0.1:8080", "address to listen on; port 0 picks one")
	data := flags.String("data", "", "directory for keys, records and events, so that choices survive a restart")
	logFile := flags.String("log", "", "file for the log lines instead of standard output")
	header := flags.String("header", "", "field in which a trusted proxy names the visitor")
	proxies := flags.String("trusted-proxy", "", "addresses of the proxies as CIDR, separated by commas")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return errors.New("takes flags only")
	}

	visitors, err := resolver(*header, *proxies)
	if err != nil {
		return err
	}
	logger := slog.New(slog.NewJSONHandler(stderr, nil))
	out, endLog, err := logTo(*logFile, stdout, logger)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, endLog()) }()
	records, end, err := recordsIn(*data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()
	// Behind the records' lock, so that two processes do not both make keys.
	keys, err := keysIn(*data)
	if err != nil {
		return err
	}
	sinks, endEvents, err := eventsIn(*data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, endEvents()) }()
	site, err := newSite(keys, visitors, records, out, logger, sinks...)
	if err != nil {
		return err
	}
	if err := loadCounts(site.counts, *data); err != nil {
		return errors.Join(err, site.close(ctx))
	}
	defer func() { err = errors.Join(err, saveCounts(site.counts, *data)) }()
	open, err := net.Listen("tcp", *addr)
	if err != nil {
		return errors.Join(err, site.close(ctx))
	}
	// From here on nothing but the resolver sees a visitor's whole address.
	listener, err := iputil.NewListener(open, iputil.HideNetwork)
	if err != nil {
		return errors.Join(err, open.Close(), site.close(ctx))
	}
	// Lines are written only once somebody connected, so this one is the first.
	fmt.Fprintf(stdout, "listening on http://%s\n", listener.Addr())
	return serve(ctx, site, listener, logger)
}

// serve answers until ctx ends, then lets what runs come to its end.
func serve(ctx context.Context, site *site, listener net.Listener, logger *slog.Logger) error {
	handler := wrap(site.inner, site.layers()...)
	var running sync.WaitGroup
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			running.Add(1)
			defer running.Done()
			handler.ServeHTTP(w, r)
		}),
		ConnContext:       iputil.ConnContext,
		ErrorLog:          logging.ErrorLog(logger),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       time.Minute,
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
	}
	always := context.WithoutCancel(ctx)
	grace, cancel := context.WithTimeout(always, 7*time.Second)
	defer cancel()
	if server.Shutdown(grace) != nil {
		// Whoever is still at it is too slow, or idle on purpose. Their requests end
		// with an error, and each has its line in the log.
		logger.Warn("connections that did not end are cut")
		err = errors.Join(err, server.Close())
		running.Wait()
	}
	parts, cancelParts := context.WithTimeout(always, 2*time.Second)
	defer cancelParts()
	err = errors.Join(err, site.close(parts))
	stats := site.gate.Stats()
	logger.Info("ended", "cookies.passed", stats.Passed, "cookies.no_consent", stats.NoConsent,
		"cookies.undeclared", stats.Undeclared, "cookies.withheld", stats.Withheld, "cookies.expired", stats.Expired)
	return err
}

// keysIn reads the keys from the directory and makes them at the first start.
// Without a directory they last as long as the process.
func keysIn(dir string) (consent.Keys, error) {
	if dir == "" {
		return consent.ParseKeys(consent.GenerateKey())
	}
	name := filepath.Join(dir, "keys")
	keys, err := consent.KeysFromFile(name)
	if !errors.Is(err, fs.ErrNotExist) {
		return keys, err
	}
	// Whole or not at all, whenever the process ends.
	f, err := os.OpenFile(name+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return consent.Keys{}, err
	}
	_, err = f.WriteString(consent.GenerateKey() + "\n")
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return consent.Keys{}, err
	}
	if err := os.Rename(name+".new", name); err != nil {
		return consent.Keys{}, err
	}
	return consent.KeysFromFile(name)
}

// resolver makes the resolver from the flags; without any, the peer is the
// visitor.
func resolver(header, proxies string) (*iputil.Resolver, error) {
	if header == "" && proxies != "" {
		return nil, errors.New("-trusted-proxy: names proxies and not what they say; give -header too, for example X-Forwarded-For")
	}
	p := iputil.Proxies{Header: header}
	for cidr := range strings.SplitSeq(proxies, ",") {
		if cidr = strings.TrimSpace(cidr); cidr == "" {
			continue
		}
		prefix, err := netip.ParsePrefix(cidr)
		if err != nil {
			return nil, errors.New("-trusted-proxy: is not a CIDR; write for example 127.0.0.0/8")
		}
		p.Trusted = append(p.Trusted, prefix)
	}
	return iputil.NewResolver(p)
}
