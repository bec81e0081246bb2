package main

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/examples/postgres/pgtest"
)

// cluster is replicas as processes of their own, behind a real HAProxy with the
// configuration of this module, on a real PostgreSQL.
type cluster struct {
	t        testing.TB
	binary   string
	keys     string // the file
	database string
	matomo   []string // one address a replica, or none
	replicas []*process
	url      string // of HAProxy
}

// process is one replica, also after it was started again.
type process struct {
	address     string
	said, wrote output
	cmd         *exec.Cmd
}

// output collects what a process says while others read it.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string { o.mu.Lock(); defer o.mu.Unlock(); return o.text.String() }

// newCluster starts n replicas and HAProxy; they end with the test.
func newCluster(t testing.TB, n int, matomo ...string) *cluster {
	t.Helper()
	haproxy := program(t, "haproxy")
	dir := t.TempDir()
	c := &cluster{t: t, binary: filepath.Join(dir, "replica"), keys: filepath.Join(dir, "keys"), database: pgtest.Start(t).URL(), matomo: matomo}
	out, err := exec.Command("go", "build", "-o", c.binary, ".").CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.NoError(t, os.WriteFile(c.keys, []byte(consent.GenerateKey()+"\n"), 0o600))
	out, err = exec.Command(c.binary, "-database", c.database, "-migrate").CombinedOutput()
	require.NoError(t, err, "%s", out)
	for i := range n {
		c.replicas = append(c.replicas, &process{address: freePort(t, "127.0.2.1")})
		c.start(i)
	}

	entry := freePort(t, "127.0.1.12")
	c.url = "http://" + entry
	text, err := os.ReadFile("../haproxy.cfg")
	require.NoError(t, err)
	config := strings.Replace(string(text), "127.0.0.1:8080", entry, 1)
	config, _, _ = strings.Cut(config, "\tserver ")
	for i, r := range c.replicas {
		config += fmt.Sprintf("\tserver %c %s\n", 'a'+i, r.address)
	}
	file := filepath.Join(dir, "haproxy.cfg")
	require.NoError(t, os.WriteFile(file, []byte(config), 0o600))
	proxy := &process{address: entry, cmd: exec.Command(haproxy, "-db", "-f", file)}
	c.launch("haproxy", proxy)
	return c
}

// start starts replica i, also again, and waits until it listens.
func (c *cluster) start(i int) {
	c.t.Helper()
	p := c.replicas[i]
	args := []string{"-addr", p.address, "-database", c.database, "-keys", c.keys, "-trusted-proxy", "127.0.0.12/32"}
	if len(c.matomo) > 0 {
		args = append(args, "-matomo", c.matomo[i])
	}
	p.cmd = exec.Command(c.binary, args...)
	c.launch(fmt.Sprintf("replica %c", 'a'+i), p)
}

func (c *cluster) launch(name string, p *process) {
	c.t.Helper()
	cmd := p.cmd
	cmd.Stdout, cmd.Stderr = &p.wrote, &p.said
	require.NoError(c.t, cmd.Start())
	c.t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
		if c.t.Failed() {
			c.t.Logf("%s said:\n%s", name, p.said.String())
		}
	})
	for end := time.Now().Add(30 * time.Second); ; {
		if conn, err := net.DialTimeout("tcp", p.address, time.Second); err == nil {
			_ = conn.Close()
			return
		}
		if time.Now().After(end) {
			c.t.Fatalf("%s does not listen:\n%s", name, p.said.String())
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// kill ends replica i as a power cut would.
func (c *cluster) kill(i int) {
	_ = c.replicas[i].cmd.Process.Kill()
	_ = c.replicas[i].cmd.Wait()
}

// stop ends all replicas in order.
func (c *cluster) stop() {
	c.t.Helper()
	for _, p := range c.replicas {
		require.NoError(c.t, p.cmd.Process.Signal(syscall.SIGTERM))
	}
	for _, p := range c.replicas {
		require.NoError(c.t, p.cmd.Wait(), "%s", p.said.String())
	}
}

// from returns a client with an address of its own, in a network of its own,
// that follows nobody and keeps no cookie.
func from(n int) *http.Client {
	local := &net.TCPAddr{IP: net.IPv4(127, byte(20+n), 1, 1)}
	return &http.Client{
		Transport:     &http.Transport{DialContext: (&net.Dialer{LocalAddr: local}).DialContext},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       15 * time.Second,
	}
}

func freePort(t testing.TB, host string) string {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

// program returns the path of a program that a test needs.
func program(t testing.TB, name string) string {
	t.Helper()
	for _, path := range []string{name, "/usr/sbin/" + name, "/usr/local/sbin/" + name} {
		if found, err := exec.LookPath(path); err == nil {
			return found
		}
	}
	missing := "no " + name + "; install Debian's package"
	if os.Getenv("CANDOR_REQUIRE") == "1" {
		t.Fatal(missing)
	}
	t.Skip(missing)
	return ""
}

var pseudonymInLine = regexp.MustCompile(`"client\.pseudonym":"p1:([^:"]+):([0-9a-f]{32})"`)

// names returns the pseudonyms in a replica's access log, by epoch.
func (p *process) names() map[string]map[string]bool {
	out := map[string]map[string]bool{}
	for _, m := range pseudonymInLine.FindAllStringSubmatch(p.wrote.String(), -1) {
		if out[m[1]] == nil {
			out[m[1]] = map[string]bool{}
		}
		out[m[1]][m[2]] = true
	}
	return out
}
