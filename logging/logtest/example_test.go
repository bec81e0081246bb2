package logtest_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"testing"

	"github.com/candorhttp/candor/iputil"
	"github.com/candorhttp/candor/logging"
	"github.com/candorhttp/candor/logging/logtest"
)

// printing is a testing.TB for the example; a test passes its *testing.T.
type printing struct{ testing.TB }

func (printing) Helper()                           {}
func (printing) Fatal(args ...any)                 { fmt.Println(args...) }
func (printing) Errorf(format string, args ...any) { fmt.Printf(format+"\n", args...) }

// The service as it runs, its access log, its own log and its server's error
// log, behind a proxy that it trusts.
func ExampleKit_Run() {
	var t printing // in a test: func TestNothingLeaks(t *testing.T)

	var lines, own logtest.Buffer
	visitors, err := iputil.NewResolver(iputil.Proxies{
		Header:  "X-Forwarded-For",
		Trusted: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
	})
	if err != nil {
		t.Fatal(err)
	}
	access, err := logging.New(logging.Config{Output: &lines, Visitors: visitors})
	if err != nil {
		t.Fatal(err)
	}
	defer access.Close()
	logger := slog.New(slog.NewJSONHandler(&own, nil))

	mux := http.NewServeMux()
	mux.HandleFunc("/users/{id}", func(w http.ResponseWriter, r *http.Request) {
		logger.Info("user looked at", "request.id", logging.RequestID(r.Context()))
	})
	mux.HandleFunc("/panic", logtest.Panic)

	logtest.Kit{
		Handler:  access.Middleware(mux),
		Sinks:    []logtest.Sink{lines.Sink("access log"), own.Sink("own log")},
		Paths:    []string{"/users/{id}", "/panic"},
		ErrorLog: logging.ErrorLog(logger),
	}.Run(t)
	fmt.Println("done")
	// Output: done
}
