package postgres_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"net"
	"net/url"
	"slices"
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

	mu     sync.Mutex
	conns  map[net.Conn]bool
	unplug bool // no new connections
	cuts   []cut
}

// cut says what happens to the next packet from the client that holds one of
// some texts: whether the server still gets it. Its answer does not come.
type cut struct {
	texts   [][]byte
	arrives bool
	then    func() // when it is there, or cut off
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

// next returns what happens to a packet.
func (c *cable) next(packet []byte) *cut {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.cuts) == 0 || !slices.ContainsFunc(c.cuts[0].texts, func(text []byte) bool { return bytes.Contains(packet, text) }) {
		return nil
	}
	found := c.cuts[0] // one after the other
	c.cuts = c.cuts[1:]
	return &found
}

func (c *cable) left() int { c.mu.Lock(); defer c.mu.Unlock(); return len(c.cuts) }

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
		if cut := c.next(buf[:n]); cut != nil {
			mute.Store(true)
			if cut.arrives {
				_, _ = server.Write(buf[:n])
			}
			cut.then()
			return
		}
		if _, err := server.Write(buf[:n]); err != nil {
			return
		}
	}
}

// When the answer to a commit is lost, the ledger finds out what became of it.
func TestAnswersToCommitsAreLost(t *testing.T) {
	server := pgtest.Start(t)
	s := subject(1)
	// The first try, in which the entry goes to the server in either driver's
	// form, and the commit of the second.
	entry := [][]byte{s[:], []byte(hex.EncodeToString(s[:]))}
	commit := [][]byte{[]byte("commit\x00"), []byte("COMMIT\x00")}
	for what, cuts := range map[string][]cut{
		"the first try was done":                     {{texts: entry, arrives: true}},
		"the first try was not done":                 {{texts: entry}},
		"the second try was done":                    {{texts: entry}, {texts: commit, arrives: true}},
		"the second try was not done":                {{texts: entry}, {texts: commit}},
		"the second try, of what was done, was lost": {{texts: entry, arrives: true}, {texts: [][]byte{[]byte("FOR UPDATE")}}},
		"the second try, of what was not, was lost":  {{texts: entry}, {texts: [][]byte{[]byte("FOR UPDATE")}}},
	} {
		for name, away := range map[string]bool{"for a moment": false, "for longer than writers wait": true} {
			for _, driver := range []string{"pgx", "postgres"} {
				t.Run(driver+", "+name+", "+what, func(t *testing.T) { loseAnswers(t, server, driver, cuts, away) })
			}
		}
	}
}

func loseAnswers(t *testing.T, server *pgtest.Server, driver string, cuts []cut, away bool) {
	direct := newSchema(t, server)
	c, through := lay(t, direct)
	timeout := 20 * time.Second
	if away {
		timeout = time.Second
	}
	l := onPostgres(t, connect(t, driver, through), timeout)
	other := onPostgres(t, connect(t, driver, direct), 0)
	require.NoError(t, l.Migrate(t.Context()))
	add(t, l, ledgertest.Refusal())

	arrived := false
	for i, next := range cuts {
		arrived = arrived || next.arrives
		next.then = func() {
			for end := uint64(0); next.arrives && end < 2; { // until another replica sees it
				if now, err := other.Checkpoint(context.Background()); err == nil {
					end = now.Seq
				}
			}
			if c.pull(); !away || i < len(cuts)-1 {
				c.plug()
			}
		}
		c.mu.Lock()
		c.cuts = append(c.cuts, next)
		c.mu.Unlock()
	}
	seq, err := l.Append(t.Context(), ledgertest.Grant(subject(1), 1))
	require.Zero(t, c.left())
	require.Positive(t, l.Stats().Unsure)
	count := 3
	if away {
		count = 2
		require.Error(t, err)
		c.plug()
	} else {
		require.NoError(t, err)
		require.EqualValues(t, 2, seq)
	}
	_, err = l.Append(t.Context(), ledgertest.Grant(subject(2), 1))
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		n := 0
		err := other.Scan(context.Background(), 0, func(consent.Entry) error { n++; return nil })
		return err == nil && n == count
	}, 10*time.Second, 10*time.Millisecond)
	own, err := other.History(t.Context(), subject(1))
	require.NoError(t, err)
	require.Len(t, own, count-2, "once, or not at all")
	r := good(t, other)
	require.Equal(t, away && arrived, r.Erased == 1)
}

// A try that was given up may wait for its turn in a server that has not noticed.
// Once the ledger has answered without it, it is kept out; other replicas go on.
func TestWhatWasGivenUpIsFencedOff(t *testing.T) {
	server := pgtest.Start(t)
	direct := newSchema(t, server)
	c, through := lay(t, direct)
	l, other := onPostgres(t, connect(t, "pgx", through), 20*time.Second), onPostgres(t, connect(t, "pgx", direct), 0)
	require.NoError(t, l.Migrate(t.Context()))
	add(t, other, ledgertest.Refusal())
	s := subject(1)
	c.mu.Lock()
	c.cuts = []cut{{texts: [][]byte{s[:]}, then: func() { c.pull(); c.plug() }}}
	c.mu.Unlock()
	require.EqualValues(t, 2, add(t, l, ledgertest.Grant(s, 1)))
	db := connect(t, "pgx", direct)
	_, err := db.Exec(`SELECT candor_ledger_append(0, '1,1,1', '')`)
	var state interface{ SQLState() string }
	require.ErrorAs(t, err, &state)
	require.Equal(t, "40001", state.SQLState())
	for i, replica := range []*ledger.InPostgres{l, other, l, other} {
		require.EqualValues(t, i+3, add(t, replica, ledgertest.Refusal()))
	}
	require.EqualValues(t, 1, other.Stats().Retries, "it learns of the fence once")
	require.EqualValues(t, 6, good(t, l).Entries)
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
