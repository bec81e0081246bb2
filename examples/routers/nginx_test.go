package routers_test

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// nginx starts one with the directives of a server block, and returns a way to
// it: it listens on a socket in a directory of its own, where nobody can be in
// its way. Without nginx a laptop skips; CANDOR_REQUIRE=1 fails.
func nginx(t *testing.T, server ...string) *http.Transport {
	t.Helper()
	program := ""
	for _, name := range []string{"nginx", "/usr/sbin/nginx", "/usr/local/sbin/nginx"} {
		if found, err := exec.LookPath(name); err == nil {
			program = found
			break
		}
	}
	if program == "" {
		const missing = "no nginx; install Debian's package"
		if os.Getenv("CANDOR_REQUIRE") == "1" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	dir, err := os.MkdirTemp("", "nginx") // the name of a socket must be short
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "unix", dir+"/socket")
	}
	lines := append([]string{
		"daemon off; master_process off; worker_processes 1; pid " + dir + "/pid; error_log stderr;",
		"events { worker_connections 64; }",
		"http { access_log off;",
		"client_body_temp_path " + dir + "/body; proxy_temp_path " + dir + "/proxy; fastcgi_temp_path " + dir + "/fastcgi;",
		"uwsgi_temp_path " + dir + "/uwsgi; scgi_temp_path " + dir + "/scgi;",
		"server { listen unix:" + dir + "/socket; root " + dir + ";",
	}, server...)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "conf"), []byte(strings.Join(append(lines, "} }"), "\n")), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "file.txt"), bytes.Repeat([]byte("0123456789"), 10_000), 0o600))

	said := &said{}
	command := exec.Command(program, "-p", dir, "-c", filepath.Join(dir, "conf"), "-e", "stderr")
	command.Stderr = said
	require.NoError(t, command.Start())
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	t.Cleanup(func() {
		_ = command.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
			_ = command.Process.Kill()
			<-ended
		}
	})
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if conn, err := dial(t.Context(), "", ""); err == nil {
			_ = conn.Close()
			transport := &http.Transport{DialContext: dial}
			t.Cleanup(transport.CloseIdleConnections)
			return transport
		}
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("nginx ended before it listened: %v\n%s", err, said)
		default:
		}
	}
	t.Fatalf("nginx does not listen:\n%s", said)
	return nil
}

// said is what a process printed so far.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}
