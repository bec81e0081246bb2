// Replica is one of several processes that serve one small site from one
// PostgreSQL: the ledger of choices, the news of withdrawals and the keys of
// pseudonyms are shared through it.
//
//	go run ./replica -database URL -migrate
//	go run ./replica -database URL -keys FILE [-addr 127.0.0.1:8081]
//	    [-trusted-proxy CIDR[,CIDR…]] [-matomo URL]
package main

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/analytics"
	"github.com/candorhttp/candor/iputil"
	"github.com/candorhttp/candor/logging"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "replica:", err)
		os.Exit(1)
	}
}

// run serves the site until ctx ends.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	flags := flag.NewFlagSet("replica", flag.ContinueOnError)
	flags.SetOutput(stderr)
	addr := flags.String("addr", "127.0.0.1:8081", "address to listen on; port 0 picks one")
	database := flags.String("database", "", "URL of the PostgreSQL database that all replicas share")
	migrate := flags.Bool("migrate", false, "make the tables and end; the only run that needs the right to")
	keyFile := flags.String("keys", "", "file with the keys, the same for all replicas; make one with consent/keygen")
	proxies := flags.String("trusted-proxy", "", "addresses that the load balancer connects from as CIDR, separated by commas")
	matomo := flags.String("matomo", "", "address of the Matomo that events go to; none by default")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *database == "" || flags.NArg() > 0 {
		return errors.New("takes flags only, -database at least")
	}
	db, err := sql.Open("pgx", *database)
	if err != nil {
		return errors.New("-database: is not a URL; write for example postgres://service@db.internal/shop")
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	// The ledger writes on one connection at a time however many wait, so this is
	// enough, and max_connections bounds the number of replicas.
	db.SetMaxOpenConns(8)
	db.SetMaxIdleConns(8)
	if *migrate {
		return migrateAll(ctx, db)
	}
	keys, err := consent.KeysFromFile(*keyFile)
	if err != nil {
		return fmt.Errorf("-keys: %w", err)
	}
	visitors, err := resolver(*proxies)
	if err != nil {
		return err
	}
	logger := slog.New(slog.NewJSONHandler(stderr, nil))
	site, err := newSite(siteConfig{db: db, keys: keys, visitors: visitors, log: stdout, logger: logger, matomo: *matomo})
	if err != nil {
		return err
	}
	open, err := net.Listen("tcp", *addr)
	if err != nil {
		return errors.Join(err, site.close(ctx))
	}
	// From here on nothing but the resolver sees a visitor's whole address.
	listener, err := iputil.NewListener(open, iputil.HideNetwork)
	if err != nil {
		return errors.Join(err, open.Close(), site.close(ctx))
	}
	fmt.Fprintf(stdout, "listening on http://%s\n", listener.Addr())
	return serve(ctx, site, listener, logger)
}

// serve answers until ctx ends, then lets what runs come to its end: a replica
// that is replaced loses no request and no event.
func serve(ctx context.Context, site *site, listener net.Listener, logger *slog.Logger) error {
	server := &http.Server{
		Handler:           site.handler,
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
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	if shutdown := server.Shutdown(grace); shutdown != nil {
		err = errors.Join(err, shutdown, server.Close())
	}
	err = errors.Join(err, site.close(grace))
	for name, s := range site.events.Stats().Sinks {
		logger.Info("ended", "sink", name, "sent", s.Sent, "withdrawn", s.Dropped[analytics.Withdrawn])
	}
	return err
}

// resolver believes X-Forwarded-For from the load balancer and from nobody else.
func resolver(cidrs string) (*iputil.Resolver, error) {
	var p iputil.Proxies
	for cidr := range strings.SplitSeq(cidrs, ",") {
		if cidr = strings.TrimSpace(cidr); cidr == "" {
			continue
		}
		prefix, err := netip.ParsePrefix(cidr)
		if err != nil {
			return nil, errors.New("-trusted-proxy: is not a CIDR; write for example 10.0.0.10/32")
		}
		p.Header, p.Trusted = "X-Forwarded-For", append(p.Trusted, prefix)
	}
	return iputil.NewResolver(p)
}
