package main

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent/ledger"
)

// build compiles the quickstart once for a test.
func build(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "quickstart")
	out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput()
	require.NoError(t, err, string(out))
	return binary
}

// process is the quickstart as its own process.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	url    string
	stdout chan string // everything after the first line
	stderr *recorder
}

func launch(t *testing.T, binary string, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(binary, append([]string{"-addr", "127.0.0.1:0"}, args...)...), stdout: make(chan string, 1), stderr: &recorder{}}
	p.cmd.Dir = t.TempDir()
	p.cmd.Stderr = p.stderr
	out, err := p.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, p.cmd.Start())
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	lines := bufio.NewReader(out)
	first, err := lines.ReadString('\n')
	require.NoError(t, err, p.stderr.String())
	url, ok := strings.CutPrefix(strings.TrimSpace(first), "listening on ")
	require.True(t, ok, first)
	p.url = url
	go func() { rest, _ := io.ReadAll(lines); p.stdout <- string(rest) }()
	return p
}

// end asks the process to stop and returns what it printed.
func (p *process) end(signal os.Signal) string {
	p.t.Helper()
	require.NoError(p.t, p.cmd.Process.Signal(signal))
	text := <-p.stdout
	require.NoError(p.t, p.cmd.Wait(), p.stderr.String())
	left, err := os.ReadDir(p.cmd.Dir)
	require.NoError(p.t, err)
	require.Empty(p.t, left, "leaves nothing where it was started")
	return text
}

func TestChoicesSurviveARestart(t *testing.T) {
	binary, data := build(t), filepath.Join(t.TempDir(), "data")
	log := filepath.Join(t.TempDir(), "access.log")
	p := launch(t, binary, "-data", data, "-log", log)
	w, err := http.PostForm(p.url+"/privacy/decision", map[string][]string{"action": {"accept"}})
	require.NoError(t, err)
	w.Body.Close()
	cookie := w.Request.Response.Cookies()[0]
	require.Empty(t, p.end(syscall.SIGTERM), "the lines are in the file")
	text, err := os.ReadFile(log)
	require.NoError(t, err)
	require.Equal(t, 2, strings.Count(string(text), "\n"), "nothing lost")
	info, err := os.Stat(filepath.Join(data, "keys"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	keys, err := os.ReadFile(filepath.Join(data, "keys"))
	require.NoError(t, err)

	p = launch(t, binary, "-data", data)
	r, err := http.NewRequest("GET", p.url+"/privacy/decision", nil)
	require.NoError(t, err)
	r.AddCookie(cookie)
	w, err = http.DefaultClient.Do(r)
	require.NoError(t, err)
	body, _ := io.ReadAll(w.Body)
	w.Body.Close()
	require.Contains(t, string(body), `"analytics":"granted"`)
	require.Equal(t, 1, strings.Count(p.end(os.Interrupt), "\n"))
	again, err := os.ReadFile(filepath.Join(data, "keys"))
	require.NoError(t, err)
	require.Equal(t, keys, again, "read again, not made anew")
	for _, out := range []string{p.stderr.String(), string(text)} {
		require.NotContains(t, out, strings.TrimSpace(string(keys)))
	}

	// Without the directory the keys are others, and the choice is unset.
	p = launch(t, binary)
	r.URL.Host = strings.TrimPrefix(p.url, "http://")
	w, err = http.DefaultClient.Do(r)
	require.NoError(t, err)
	body, _ = io.ReadAll(w.Body)
	w.Body.Close()
	require.Contains(t, string(body), `"source":"default"`)
	p.end(syscall.SIGTERM)
}

// Every answered choice is in the ledger when the process is killed, and a grant
// that was withdrawn before stays withdrawn after.
func TestRecordsSurviveAKill(t *testing.T) {
	binary, data := build(t), filepath.Join(t.TempDir(), "data")
	p := launch(t, binary, "-data", data)
	decide := func(action string, cookies ...*http.Cookie) *http.Cookie {
		r, err := http.NewRequest("POST", p.url+"/privacy/decision", strings.NewReader("action="+action))
		require.NoError(t, err)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for _, c := range cookies {
			r.AddCookie(c)
		}
		w, err := http.DefaultTransport.RoundTrip(r)
		require.NoError(t, err)
		w.Body.Close()
		require.Equal(t, http.StatusSeeOther, w.StatusCode)
		return w.Cookies()[0]
	}
	var yes *http.Cookie
	for range 5 {
		yes = decide("accept")
		decide("refuse")
	}
	decide("refuse", yes)
	require.NoError(t, p.cmd.Process.Kill())
	require.Error(t, p.cmd.Wait())

	report, err := ledger.Verify(t.Context(), filepath.Join(data, "consent"))
	require.NoError(t, err)
	require.Empty(t, report.Faults)
	require.Equal(t, [3]uint64{5, 5, 1}, [3]uint64{report.Grants, report.Refusals, report.Withdrawals})

	p = launch(t, binary, "-data", data)
	r, err := http.NewRequest("GET", p.url+"/privacy/decision", nil)
	require.NoError(t, err)
	r.AddCookie(yes)
	w, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	body, _ := io.ReadAll(w.Body)
	w.Body.Close()
	require.Contains(t, string(body), `"analytics":"unset"`)
	require.NotContains(t, string(body), "granted")
	p.end(syscall.SIGTERM)
}

// A request that runs when the process is told to stop is answered to its end.
func TestEndsCleanly(t *testing.T) {
	p := launch(t, build(t))
	w, err := http.Get(p.url + "/stream")
	require.NoError(t, err)
	defer w.Body.Close()
	go func() { time.Sleep(100 * time.Millisecond); _ = p.cmd.Process.Signal(syscall.SIGTERM) }()
	body, err := io.ReadAll(w.Body)
	require.NoError(t, err)
	require.Equal(t, 5, strings.Count(string(body), "data: "))
	text := <-p.stdout
	require.NoError(t, p.cmd.Wait())
	require.Contains(t, text, `"http.route":"/stream"`)
	require.NotContains(t, text, "error.type")
	require.Contains(t, p.stderr.String(), `"msg":"ended"`)
}

// Those who do not end are cut, and nothing of the others is lost with them.
func TestEndsAlsoWithoutTheSlow(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	p := launch(t, build(t), "-data", data)
	for _, text := range []string{
		"GET /download HTTP/1.1\r\nHost: shop.example\r\n\r\n",
		"POST /privacy/decision HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 100\r\n\r\n{",
	} {
		c, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
		require.NoError(t, err)
		defer c.Close()
		require.NoError(t, c.(*net.TCPConn).SetReadBuffer(4096))
		_, err = io.WriteString(c, text)
		require.NoError(t, err)
	}
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	client := &http.Client{Jar: jar}
	for range 2 {
		w, err := client.PostForm(p.url+"/privacy/decision", map[string][]string{"action": {"accept"}})
		require.NoError(t, err)
		w.Body.Close()
	}
	r, err := http.NewRequest("GET", p.url+"/users/42", nil)
	require.NoError(t, err)
	r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0")
	w, err := client.Do(r)
	require.NoError(t, err)
	w.Body.Close()
	client.CloseIdleConnections()
	text := p.end(syscall.SIGTERM)
	require.Contains(t, p.stderr.String(), "connections that did not end are cut")
	require.Equal(t, 2, strings.Count(text, `"error.type"`), text)
	events, err := filepath.Glob(filepath.Join(data, "events", "*.log"))
	require.NoError(t, err)
	require.Len(t, events, 1)
	kept, err := os.ReadFile(events[0])
	require.NoError(t, err)
	require.Contains(t, string(kept), `"http.route":"/users/{id}"`)
}

func TestFlagsThatAreNotTaken(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, args := range [][]string{
		{"-header", "X-Forwarded-For"}, {"-trusted-proxy", "127.0.0.0/8"}, {"-header", "X-Forwarded-For", "-trusted-proxy", "nonsense"}, {"-addr", "nowhere:99999"}, {"extra"}, {"-unknown"},
		{"-log", filepath.Join(t.TempDir(), "missing", "log")},
	} {
		require.Error(t, run(ctx, args, io.Discard, io.Discard), "%v", args)
	}
	broken := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(broken, "keys"), []byte("not a key"), 0o600))
	err := run(ctx, []string{"-data", broken}, io.Discard, io.Discard)
	require.ErrorContains(t, err, "key 1 is not of the form")
	// A process that was killed while it made its keys.
	cut := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(cut, "keys.new"), []byte("ck1_"), 0o600))
	require.NoError(t, run(ctx, []string{"-addr", "127.0.0.1:0", "-data", cut}, io.Discard, io.Discard))
	info, err := os.Stat(filepath.Join(cut, "keys"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode())
	require.NoError(t, run(ctx, []string{"-addr", "127.0.0.1:0", "-header", "X-Forwarded-For", "-trusted-proxy", "10.0.0.0/8, 127.0.0.1/32"}, io.Discard, io.Discard))
}

// A log that is not taken costs lines and no visitor an answer: a full disk, a
// reader that is gone, and one that reads nothing.
func TestTheShopGoesOnWithoutItsLog(t *testing.T) {
	binary := build(t)
	for name, tt := range map[string]struct {
		args []string
		gone bool
		says string
	}{
		"full disk":    {[]string{"-log", "/dev/full"}, false, `"msg":"log lines were lost","lines":500}`},
		"closed pipe":  {nil, true, `"msg":"log lines were lost","lines":500}`},
		"unread lines": {nil, false, `"msg":"the end of the log is lost"`},
	} {
		t.Run(name, func(t *testing.T) {
			r, w, err := os.Pipe()
			require.NoError(t, err)
			defer r.Close()
			stderr := &recorder{}
			cmd := exec.Command(binary, append([]string{"-addr", "127.0.0.1:0"}, tt.args...)...)
			cmd.Dir, cmd.Stdout, cmd.Stderr = t.TempDir(), w, stderr
			require.NoError(t, cmd.Start())
			t.Cleanup(func() { _ = cmd.Process.Kill() })
			require.NoError(t, w.Close())
			line := make([]byte, 64)
			n, err := r.Read(line)
			require.NoError(t, err)
			if tt.gone {
				require.NoError(t, r.Close())
			}
			url := strings.TrimSpace(strings.TrimPrefix(string(line[:n]), "listening on "))
			client := &http.Client{Timeout: 20 * time.Second}
			for range 500 { // a pipe holds 64 KiB
				answer, err := client.Get(url + "/users/42")
				require.NoError(t, err)
				_, _ = io.Copy(io.Discard, answer.Body)
				answer.Body.Close()
				require.Equal(t, 200, answer.StatusCode)
			}
			require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
			require.NoError(t, cmd.Wait(), stderr.String())
			require.Contains(t, stderr.String(), tt.says)
		})
	}
}
