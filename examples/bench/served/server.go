package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/go-chi/httplog/v3"
	"github.com/gorilla/handlers"

	"github.com/candorhttp/candor/logging"
	"github.com/candorhttp/candor/logging/async"
)

var (
	kinds = []string{"bare", "candor", "queued", "gorilla", "httplog"}
	pages = []string{"hello", "template"}
)

// What wrk sends beside what it sends anyway: a browser's fields.
var browserHeader = []string{
	"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
	"Accept-Language: en-GB,en;q=0.9",
	"User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
	"Referer: https://search.example/find?q=teapots",
	"X-Forwarded-For: 203.0.113.77",
}

const ownCookies = "session=c2Vzc2lvbg; theme=dark; lang=en; visits=7; "

// serve is one server until ctx ends. It prints its address and, on the same
// line, the consent cookie of a visitor who granted.
func serve(ctx context.Context, name, log string, out io.Writer) error {
	kind, page, _ := strings.Cut(name, " ")
	lines, err := os.OpenFile(log, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer lines.Close()
	var taken io.Writer = lines
	if kind == "queued" {
		queue, err := async.New(async.Config{Output: lines, Dropped: logging.Dropped, Together: 64 << 10})
		if err != nil {
			return err
		}
		defer queue.Close(context.WithoutCancel(ctx))
		taken = queue
	}
	s, err := newSite(taken)
	if err != nil {
		return err
	}
	defer s.close()
	inner := http.NewServeMux()
	switch page {
	case "hello":
		inner.HandleFunc("GET /pots", hello)
	case "template":
		inner.HandleFunc("GET /pots", rendered)
	default:
		return fmt.Errorf("served: page %q is not known", page)
	}
	var h http.Handler
	switch kind {
	case "bare":
		h = inner
	case "candor", "queued":
		h = s.access.Middleware(s.manager.Middleware(s.gate.Middleware(inner)))
	case "gorilla":
		h = handlers.CombinedLoggingHandler(lines, inner)
	case "httplog":
		logger := slog.New(slog.NewJSONHandler(lines, &slog.HandlerOptions{ReplaceAttr: httplog.SchemaECS.ReplaceAttr}))
		h = httplog.RequestLogger(logger, &httplog.Options{Level: slog.LevelInfo, Schema: httplog.SchemaECS})(inner)
	default:
		return fmt.Errorf("served: server %q is not known", kind)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	cookie, err := s.choose()
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(out, "http://%s/pots?page=2&q=secret %s\n", l.Addr(), cookie); err != nil {
		return err
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// choose grants by the manager's own endpoint and returns the pair for the
// Cookie field.
func (s *site) choose() (string, error) {
	r := httptest.NewRequest(http.MethodPost, "http://shop.example/privacy/decision", strings.NewReader(`{"grants":{"analytics":true,"preferences":true}}`))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	s.manager.Middleware(s.manager.Handler()).ServeHTTP(w, r)
	set := w.Result().Cookies()
	if w.Code != http.StatusOK || len(set) != 1 {
		return "", fmt.Errorf("served: the choice was answered %d", w.Code)
	}
	return set[0].Name + "=" + set[0].Value, nil
}

// process is a server in a process of its own.
type process struct {
	url, cookie string
	cmd         *exec.Cmd
}

// start starts this command again as a server and waits for its address.
func start(ctx context.Context, name, dir string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	log := filepath.Join(dir, strings.ReplaceAll(name, " ", "-"))
	cmd := exec.CommandContext(ctx, self, "-serve", name, "-log", log)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &process{cmd: cmd}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		s.stop()
		return nil, fmt.Errorf("says no address: %w", err)
	}
	s.url, s.cookie, _ = strings.Cut(strings.TrimSpace(line), " ")
	return s, nil
}

// stop ends the server and returns the processor time that it took.
func (s *process) stop() time.Duration {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	_ = s.cmd.Wait()
	if s.cmd.ProcessState == nil {
		return 0
	}
	return s.cmd.ProcessState.UserTime() + s.cmd.ProcessState.SystemTime()
}
