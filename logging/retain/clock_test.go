package retain_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/logging/retain"
)

// What the clock says is believed at once: deleting is the private outcome.
func TestClockSetForwardDeletesEarly(t *testing.T) {
	dir := directory(t)
	synctest.Test(t, func(t *testing.T) {
		c := &clock{t: noon}
		var told events
		f := open(t, retain.Config{Dir: dir, Age: 30 * day, Report: told.add, Now: c.now})
		write(t, f, "line\n")
		c.set(noon.Add(40 * day))
		time.Sleep(time.Hour) // within which it is noticed
		synctest.Wait()
		require.Empty(t, holds(t, dir))
		require.Equal(t, []retain.Kind{retain.Expired}, told.kinds())
		write(t, f, "ahead\n")

		// Undone: nothing comes back, and what was written ahead does not stay
		// forty days longer than lines are kept.
		c.set(noon)
		write(t, f, "back\n")
		time.Sleep(time.Hour)
		synctest.Wait()
		require.Equal(t, map[string]string{of(noon): "back\n"}, holds(t, dir))
		require.Equal(t, []retain.Kind{retain.Expired, retain.Ahead}, told.kinds())
		require.Equal(t, retain.Stats{Lines: 3, Deleted: 2, Ahead: 1}, f.Stats())
		require.NoError(t, f.Close())
	})
}

// Lines go to the file whose period contains now, whichever way time went.
func TestClockSetBackContinuesTheEarlierFile(t *testing.T) {
	dir := directory(t)
	c := &clock{t: noon}
	f := open(t, retain.Config{Dir: dir, Age: 30 * day, Now: c.now})
	midnight := noon.Add(12 * time.Hour)
	for _, step := range []struct {
		at   time.Time
		line string
	}{{noon, "1\n"}, {midnight, "2\n"}, {midnight.Add(-1), "3\n"}, {midnight.Add(1), "4\n"}, {noon.Add(-day), "5\n"}} {
		c.set(step.at)
		write(t, f, step.line)
	}
	require.Equal(t, map[string]string{of(noon): "1\n3\n", of(midnight): "2\n4\n", of(noon.Add(-day)): "5\n"}, holds(t, dir))
}

// A clock that is set right by a little across the end of a period costs
// nothing; one that is far off costs what it would make live too long.
func TestFilesAheadOfTheClock(t *testing.T) {
	for _, row := range []struct {
		name string
		back time.Duration
		kept bool
	}{
		{"a second", time.Second, true},
		{"an hour", time.Hour, true},
		{"more than an hour", time.Hour + 1, false},
		{"a year", 365 * day, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			dir := directory(t)
			next := noon.Truncate(day).Add(day)
			put(t, dir, of(next), "line\n")
			now := next.Add(-row.back)
			f := open(t, retain.Config{Dir: dir, Age: 30 * day, Now: (&clock{t: now}).now})
			if row.kept {
				require.Equal(t, map[string]string{of(next): "line\n", of(now): ""}, holds(t, dir))
				require.Zero(t, f.Stats().Deleted)
				return
			}
			require.Equal(t, map[string]string{of(now): ""}, holds(t, dir))
			require.Equal(t, retain.Stats{Deleted: 1, Ahead: 1}, f.Stats())
		})
	}
}

// Without a usable time nothing can be kept in time: nothing is written, and
// nothing is deleted either, as everything would be.
func TestClockOutOfRange(t *testing.T) {
	for _, now := range []time.Time{{}, time.Date(1969, 12, 31, 23, 59, 59, 0, time.UTC), time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)} {
		dir := directory(t)
		put(t, dir, of(noon), "line\n")
		_, err := retain.Open(retain.Config{Dir: dir, Name: "access", Age: day, Now: (&clock{t: now}).now})
		require.ErrorContains(t, err, "the clock is before 1970 or after 9998")
		require.Equal(t, map[string]string{of(noon): "line\n"}, holds(t, dir))

		synctest.Test(t, func(t *testing.T) {
			var told events
			c := &clock{t: noon}
			f := open(t, retain.Config{Dir: dir, Age: day, Now: c.now, Report: told.add})
			c.set(now)
			_, err := f.Write([]byte("lost\n"))
			require.ErrorContains(t, err, "the clock is before 1970")
			require.ErrorContains(t, f.Reopen(), "the clock is before 1970")
			time.Sleep(time.Hour)
			synctest.Wait()
			require.Equal(t, []retain.Kind{retain.NotWritten, retain.NotOpened, retain.NotListed}, told.kinds())
			c.set(noon)
			time.Sleep(time.Minute)
			synctest.Wait()
			write(t, f, "more\n")
			require.Equal(t, map[string]string{of(noon): "line\nmore\n"}, holds(t, dir))
			require.Equal(t, retain.Stats{Lines: 1, Lost: 1, NotOpened: 1, NotListed: 1}, f.Stats())
			require.NoError(t, f.Close())
		})
	}
}
