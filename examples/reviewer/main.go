package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/signal"
	"syscall"
	"time"
)

const (
	exitClean  = 0
	exitFound  = 1
	exitFailed = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// options are what the command line says.
type options struct {
	site                     *url.URL
	manifest                 string
	accept, refuse, withdraw string // CSS selectors
	withdrawAt               string // path
	pages                    []string
	max                      int
	logs                     []string
	ledger                   string
	report                   string
	chromium                 string
}

func parse(args []string, stderr io.Writer) (*options, error) {
	o := &options{}
	flags := flag.NewFlagSet("reviewer", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.manifest, "manifest", "", "file or address of the manifest; \"none\" for a site that has none; default is /privacy/manifest.json of the site")
	flags.StringVar(&o.accept, "accept", `form button[name="action"][value="accept"]`, "CSS selector of the button that says yes")
	flags.StringVar(&o.refuse, "refuse", `form button[name="action"][value="refuse"]`, "CSS selector of the button that says no")
	flags.StringVar(&o.withdraw, "withdraw", `form[action$="/withdraw"] button`, "CSS selector of the button that takes a yes back")
	flags.StringVar(&o.withdrawAt, "withdraw-at", "/privacy/", "path of the page with that button")
	flags.Func("page", "path of a further page to open; may be given again", func(s string) error { o.pages = append(o.pages, s); return nil })
	flags.IntVar(&o.max, "max", 20, "how many pages to open at the most, each time")
	flags.StringVar(&o.ledger, "ledger", "", "directory of the site's ledger, to verify its chain; the service may be running")
	flags.StringVar(&o.report, "report", "report.html", "file for the report")
	flags.StringVar(&o.chromium, "chromium", os.Getenv("CANDOR_CHROMIUM"), "the browser's program; default is the one found on the PATH")
	flags.Usage = func() {
		fmt.Fprintln(stderr, "usage: reviewer [flags] URL [access.log…]")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if flags.NArg() == 0 {
		flags.Usage()
		return nil, errors.New("reviewer: the site's address is missing")
	}
	site, err := url.Parse(flags.Arg(0))
	if err != nil || site.Host == "" || site.Scheme != "http" && site.Scheme != "https" {
		return nil, errors.New("reviewer: the site's address is not one of http or https")
	}
	if site.Path == "" {
		site.Path = "/"
	}
	if o.max < 1 || o.max > 1000 {
		return nil, errors.New("reviewer: -max: choose 1 to 1000")
	}
	o.site, o.logs = site, flags.Args()[1:]
	return o, nil
}

// run is the command.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return exitClean
	}
	var r *review
	if err == nil {
		r, err = look(ctx, o)
	}
	if err == nil {
		err = r.write(o.report)
	}
	if err != nil {
		fmt.Fprintln(stderr, err)
		return exitFailed
	}
	for _, f := range r.Findings {
		fmt.Fprintln(stdout, f)
	}
	fmt.Fprintf(stdout, "%d findings; report in %s\n", len(r.Findings), o.report)
	if len(r.Findings) > 0 {
		return exitFound
	}
	return exitClean
}

// look does the whole review.
func look(ctx context.Context, o *options) (*review, error) {
	m, raw, err := readManifest(ctx, o)
	if err != nil {
		return nil, err
	}
	r := &review{Site: o.site.Scheme + "://" + o.site.Host, Manifest: m, HasManifest: raw != nil, When: time.Now().UTC()}
	if r.Visits, r.Notes, err = browse(ctx, o); err != nil {
		return nil, err
	}
	r.Findings = judge(o.site, m, r.Visits)
	switch {
	case len(o.logs) == 0:
		r.Notes = append(r.Notes, "No log file was given, so none was audited.")
	case raw == nil:
		r.Notes = append(r.Notes, "Without a manifest there is nothing to hold the log files against; they were not read.")
	default:
		found, lines, err := auditLogs(raw, o.logs)
		if err != nil {
			return nil, err
		}
		r.Findings = append(r.Findings, found...)
		r.Logs, r.Lines = o.logs, lines
	}
	r.Kept = retention(m)
	if o.ledger == "" {
		r.Notes = append(r.Notes, "No ledger was given, so none was verified.")
		return r, nil
	}
	found, holds, err := verifyLedger(ctx, o.ledger)
	if err != nil {
		return nil, err
	}
	r.Findings, r.Ledger = append(r.Findings, found...), holds
	return r, nil
}
