package postgres_test

import (
	"bytes"
	"context"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/ledger"
	"github.com/candorhttp/candor/consent/ledger/ledgertest"
	"github.com/candorhttp/candor/examples/postgres/pgtest"
)

// load appends from many goroutines of several replicas until it is ended, and
// remembers what was answered.
type load struct {
	mu     sync.Mutex
	kept   map[uint64]consent.Subject
	failed map[consent.Subject]bool
	stop   context.CancelFunc
	wg     sync.WaitGroup
}

func startLoad(t *testing.T, replicas []*ledger.InPostgres, writers int) *load {
	ctx, stop := context.WithCancel(t.Context())
	l := &load{kept: map[uint64]consent.Subject{}, failed: map[consent.Subject]bool{}, stop: stop}
	for i, replica := range replicas {
		for w := range writers {
			l.wg.Go(func() {
				for n := 0; ctx.Err() == nil; n++ {
					s := subject(i<<28 | w<<20 | n)
					seq, err := replica.Append(context.Background(), ledgertest.Grant(s, 1))
					l.mu.Lock()
					if err == nil {
						if _, twice := l.kept[seq]; twice {
							t.Error("a number was given twice")
						}
						l.kept[seq] = s
					} else {
						l.failed[s] = true
					}
					l.mu.Unlock()
				}
			})
		}
	}
	t.Cleanup(stop)
	return l
}

func (l *load) count() int { l.mu.Lock(); defer l.mu.Unlock(); return len(l.kept) }

// goesOn waits until entries are acknowledged again.
func (l *load) goesOn(t *testing.T) {
	t.Helper()
	before := l.count()
	require.Eventually(t, func() bool { return l.count() > before+50 }, 60*time.Second, 5*time.Millisecond, "it recovers by itself")
}

// check ends the load. What was acknowledged is there under its number, what
// was refused is not, and nothing is there twice.
func (l *load) check(t *testing.T, replica *ledger.InPostgres) {
	t.Helper()
	l.stop()
	l.wg.Wait()
	wrong := func() (out []string) {
		there := map[consent.Subject]uint64{}
		for _, e := range scan(t, replica) {
			if l.failed[e.Subject] {
				out = append(out, "an entry is there whose writer was told that it is not")
			}
			if there[e.Subject] != 0 {
				out = append(out, "an entry is there twice")
			}
			there[e.Subject] = e.Seq
		}
		for seq, s := range l.kept {
			if there[s] != seq {
				out = append(out, "an acknowledged entry is not there")
			}
		}
		return out
	}
	// What writers were told is not kept may take a moment to go.
	require.Eventually(t, func() bool { return len(wrong()) == 0 }, 30*time.Second, 50*time.Millisecond, "%v", wrong())
	r := good(t, replica)
	require.EqualValues(t, len(l.kept), r.Entries)
	t.Logf("%d acknowledged, %d refused", len(l.kept), len(l.failed))
}

func TestConnectionsAreLost(t *testing.T) {
	server := pgtest.Start(t)
	url := newSchema(t, server)
	one, two := onPostgres(t, connect(t, "pgx", url), 0), onPostgres(t, connect(t, "postgres", url), 0)
	require.NoError(t, one.Migrate(t.Context()))
	admin := server.Open()
	defer admin.Close()
	replicas := []*ledger.InPostgres{one, two}
	l := startLoad(t, replicas, 8)
	for range 25 {
		l.goesOn(t)
		_, err := admin.Exec(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'`)
		require.NoError(t, err)
	}
	l.goesOn(t)
	l.check(t, one)
	require.Positive(t, one.Stats().Retries+two.Stats().Retries)
}

func TestTheServerGoesAway(t *testing.T) {
	server := pgtest.Start(t)
	url := newSchema(t, server)
	// Shorter than the server is away, so that some writers are refused.
	one, two := onPostgres(t, connect(t, "pgx", url), 200*time.Millisecond), onPostgres(t, connect(t, "postgres", url), 200*time.Millisecond)
	require.NoError(t, one.Migrate(t.Context()))
	l := startLoad(t, []*ledger.InPostgres{one, two}, 8)
	for i := range 4 {
		l.goesOn(t)
		if i%2 == 0 {
			server.Kill()
		} else {
			server.Stop()
		}
		failed := one.Stats().Failed
		require.Eventually(t, func() bool { return one.Stats().Failed > failed }, 30*time.Second, 5*time.Millisecond)
		server.Run()
	}
	l.goesOn(t)
	l.check(t, two)
	require.NotEmpty(t, l.failed)
}

// cable is between a replica and its server, and can be cut.
type cable struct {
	to   string
	open net.Listener

	mu      sync.Mutex
	conns   map[net.Conn]bool
	unplug  bool // no new connections
	commits func(forward func())
	cut     atomic.Int64 // commits whose answers were lost
}

func lay(t *testing.T, to string) (*cable, string) {
	t.Helper()
	u, err := url.Parse(to)
	require.NoError(t, err)
	open, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	c := &cable{to: u.Host, open: open, conns: map[net.Conn]bool{}}
	t.Cleanup(func() { _ = open.Close(); c.pull() })
	go func() {
		for {
			conn, err := open.Accept()
			if err != nil {
				return
			}
			go c.carry(conn)
		}
	}()
	u.Host = open.Addr().String()
	return c, u.String()
}

func (c *cable) keep(conn net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.unplug {
		_ = conn.Close()
		return false
	}
	c.conns[conn] = true
	return true
}

// pull cuts all connections and lets no new one through.
func (c *cable) pull() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unplug = true
	for conn := range c.conns {
		_ = conn.Close()
	}
	clear(c.conns)
}

func (c *cable) plug() { c.mu.Lock(); defer c.mu.Unlock(); c.unplug = false }

// onCommit has f decide whether the next commit goes on. Its answer does not come.
func (c *cable) onCommit(f func(forward func())) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.commits = f
}

func (c *cable) carry(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", c.to)
	if err != nil {
		return
	}
	defer server.Close()
	if !c.keep(client) || !c.keep(server) {
		return
	}
	var mute atomic.Bool
	go func() {
		buf := make([]byte, 64<<10)
		for {
			n, err := server.Read(buf)
			if n > 0 && !mute.Load() {
				_, err = client.Write(buf[:n])
			}
			if err != nil {
				_ = client.Close()
				return
			}
		}
	}()
	buf := make([]byte, 1<<20)
	for {
		n, err := client.Read(buf)
		if err != nil {
			return
		}
		var f func(func())
		if bytes.Contains(bytes.ToLower(buf[:n]), []byte("commit\x00")) {
			c.mu.Lock()
			f, c.commits = c.commits, nil
			c.mu.Unlock()
		}
		forward := func() { _, err = server.Write(buf[:n]) }
		if f != nil {
			c.cut.Add(1)
			mute.Store(true)
			f(forward)
			return
		}
		if forward(); err != nil {
			return
		}
	}
}

// When the answer to a commit is lost, the ledger finds out what became of it.
func TestAnswersToCommitsAreLost(t *testing.T) {
	server := pgtest.Start(t)
	for name, away := range map[string]bool{"for a moment": false, "for longer than writers wait": true} {
		for what, arrives := range map[string]bool{"it was done": true, "it was not done": false} {
			for _, driver := range []string{"pgx", "postgres"} {
				t.Run(driver+", "+name+", "+what, func(t *testing.T) {
					direct := newSchema(t, server)
					c, through := lay(t, direct)
					timeout := 10 * time.Second
					if away {
						timeout = 200 * time.Millisecond
					}
					l := onPostgres(t, connect(t, driver, through), timeout)
					other := onPostgres(t, connect(t, driver, direct), 0)
					require.NoError(t, l.Migrate(t.Context()))
					_, err := l.Append(t.Context(), ledgertest.Refusal())
					require.NoError(t, err)

					c.onCommit(func(forward func()) {
						if arrives {
							forward()
							for end := uint64(0); end < 2; { // until another replica sees it
								if now, err := other.Checkpoint(context.Background()); err == nil {
									end = now.Seq
								}
							}
						}
						c.pull()
						if !away {
							c.plug()
						}
					})
					seq, err := l.Append(t.Context(), ledgertest.Grant(subject(1), 1))
					require.EqualValues(t, 1, c.cut.Load())
					require.Positive(t, l.Stats().Unsure)
					if !away {
						require.NoError(t, err)
						require.EqualValues(t, 2, seq)
					} else {
						require.Error(t, err)
						c.plug()
					}
					_, err = l.Append(t.Context(), ledgertest.Grant(subject(2), 1))
					require.NoError(t, err)
					count := map[bool]int{false: 3, true: 2}[away]
					require.Eventually(t, func() bool {
						n := 0
						err := other.Scan(context.Background(), 0, func(consent.Entry) error { n++; return nil })
						return err == nil && n == count
					}, 10*time.Second, 10*time.Millisecond)
					own, err := other.History(t.Context(), subject(1))
					require.NoError(t, err)
					require.Len(t, own, count-2, "once, or not at all")
					r := good(t, other)
					require.EqualValues(t, map[bool]int{true: 1}[away && arrives], r.Erased)
				})
			}
		}
	}
}

// While another replica is silent in the middle of its turn, the others wait and
// then go on without it.
func TestASilentReplica(t *testing.T) {
	server := pgtest.Start(t)
	l, db := migrated(t, server)
	silent, err := db.Begin()
	require.NoError(t, err)
	defer func() { _ = silent.Rollback() }()
	_, err = silent.Exec(`SELECT 1 FROM candor_ledger_head FOR UPDATE`)
	require.NoError(t, err)
	short := onPostgres(t, db, 100*time.Millisecond)
	_, err = short.Append(t.Context(), ledgertest.Refusal())
	require.ErrorIs(t, err, context.DeadlineExceeded)
	done := make(chan error)
	go func() { _, err := l.Append(t.Context(), ledgertest.Refusal()); done <- err }()
	_, err = silent.Exec(`SET LOCAL idle_in_transaction_session_timeout = 100`) // as the ledger does for itself
	require.NoError(t, err)
	require.NoError(t, <-done)
	require.EqualValues(t, 1, good(t, l).Entries)
}
