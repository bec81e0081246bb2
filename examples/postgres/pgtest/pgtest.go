// Package pgtest starts a PostgreSQL server for a test, from the binaries that
// are installed, in a directory of its own.
package pgtest

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

// Server is a running PostgreSQL server.
type Server struct {
	t    testing.TB
	bin  string
	dir  string
	port int
	as   *syscall.SysProcAttr
	cmd  *exec.Cmd
	log  bytes.Buffer
}

// Start starts a server that ends with the test. Where PostgreSQL is not
// installed the test is skipped, and fails when CANDOR_REQUIRE is 1.
func Start(t testing.TB) *Server {
	t.Helper()
	s := &Server{t: t, bin: binaries()}
	if s.bin == "" {
		if os.Getenv("CANDOR_REQUIRE") == "1" {
			t.Fatal("PostgreSQL is not installed; install Debian's package postgresql")
		}
		t.Skip("PostgreSQL is not installed")
	}
	// Not t.TempDir, whose parents only root may enter.
	dir, err := os.MkdirTemp("", "candor-postgres-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s.dir = dir
	if os.Getuid() == 0 {
		s.dropRoot()
	}
	s.run("initdb", "-D", s.data(), "-U", "candor", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C")
	s.port = freePort(t)
	s.Run()
	t.Cleanup(s.Kill)
	return s
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// binaries returns the directory of the newest server that is installed.
func binaries() string {
	if p, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(p)
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	slices.SortFunc(found, func(a, b string) int { return version(b) - version(a) })
	if len(found) == 0 {
		return ""
	}
	return filepath.Dir(found[0])
}

func version(path string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
	return n
}

// dropRoot has the server run as somebody else, because it refuses to be root.
func (s *Server) dropRoot() {
	var id, group int
	for _, name := range []string{"postgres", "nobody"} {
		if u, err := user.Lookup(name); err == nil {
			id, _ = strconv.Atoi(u.Uid)
			group, _ = strconv.Atoi(u.Gid)
			break
		}
	}
	if id == 0 {
		s.t.Fatal("no user to run PostgreSQL as; add one named postgres")
	}
	if err := os.Chown(s.dir, id, group); err != nil {
		s.t.Fatal(err)
	}
	s.as = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(id), Gid: uint32(group)}}
}

func (s *Server) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.bin, name), args...)
	cmd.Dir, cmd.SysProcAttr = s.dir, s.as
	return cmd
}

func (s *Server) run(name string, args ...string) {
	s.t.Helper()
	if out, err := s.command(name, args...).CombinedOutput(); err != nil {
		s.t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

// Run starts the server again, after Kill or Stop.
func (s *Server) Run() {
	s.t.Helper()
	s.cmd = s.command("postgres", "-D", s.data(), "-p", strconv.Itoa(s.port), "-k", s.dir,
		"-c", "listen_addresses=127.0.0.1", "-c", "max_connections=200")
	s.cmd.Stderr = &s.log
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	db := s.Open()
	defer db.Close()
	for end := time.Now().Add(30 * time.Second); ; {
		ctx, cancel := context.WithTimeout(s.t.Context(), time.Second)
		err := db.PingContext(ctx)
		cancel()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			s.Kill()
			s.t.Fatalf("PostgreSQL does not answer: %v\n%s", err, s.log.String())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Kill ends the server at once, as a power cut would.
func (s *Server) Kill() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Signal(syscall.SIGQUIT)
	_ = s.cmd.Wait()
	s.cmd = nil
}

// Stop ends the server in order, whoever is connected.
func (s *Server) Stop() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Signal(syscall.SIGINT)
	_ = s.cmd.Wait()
	s.cmd = nil
}

// Open returns a pool of connections to the server, each time another one.
func (s *Server) Open() *sql.DB {
	s.t.Helper()
	db, err := sql.Open("pgx", s.URL())
	if err != nil {
		s.t.Fatal(err)
	}
	return db
}

// URL is where the server is, for a driver.
func (s *Server) URL() string {
	return fmt.Sprintf("postgres://candor@127.0.0.1:%d/postgres?sslmode=disable", s.port)
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
