package retain_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/logging/retain"
)

// Nothing is logged after the first line, and it goes all the same, on time.
func TestExpiresWhenIdle(t *testing.T) {
	dir := directory(t)
	synctest.Test(t, func(t *testing.T) {
		var told events
		f := open(t, retain.Config{Dir: dir, Age: 2 * day, Report: told.add})
		write(t, f, "line\n")
		begun := time.Now().UTC()
		last := begun.Truncate(day).Add(3 * day) // newest possible line, a day at most, and Age
		time.Sleep(time.Until(last) - time.Second)
		synctest.Wait()
		require.Equal(t, map[string]string{of(begun): "line\n"}, holds(t, dir))
		time.Sleep(time.Second)
		synctest.Wait()
		require.Empty(t, holds(t, dir))
		require.Equal(t, []retain.Event{{
			Kind: retain.Expired, At: last, File: of(begun), From: begun.Truncate(day), Until: begun.Truncate(day).Add(day), Size: 5,
		}}, told.list)
		require.Equal(t, retain.Stats{Lines: 1, Deleted: 1}, f.Stats())
		write(t, f, "later\n")
		require.Equal(t, map[string]string{of(last): "later\n"}, holds(t, dir))
		require.NoError(t, f.Close())
	})
}

// A line is never younger than Age when it goes, and never older than
// Retention while it is there: looked at each ten minutes of a long time, with
// lines written at random.
func TestAgeOfLines(t *testing.T) {
	for _, row := range []struct {
		name        string
		period, age time.Duration
	}{
		{"age of one period", time.Hour, time.Hour},
		{"age of many periods", time.Hour, 7 * time.Hour},
		{"age between periods", 2 * time.Hour, 3*time.Hour + 7*time.Minute},
		{"odd period", 7 * time.Hour, 11 * time.Hour},
	} {
		t.Run(row.name, func(t *testing.T) {
			dir := directory(t)
			synctest.Test(t, func(t *testing.T) {
				f := open(t, retain.Config{Dir: dir, Age: row.age, Period: row.period})
				random := rand.New(rand.NewPCG(1, 2))
				var written []time.Time
				for range 6 * 48 {
					time.Sleep(time.Duration(random.Int64N(int64(20 * time.Minute))))
					if random.IntN(3) > 0 {
						now := time.Now().UTC()
						write(t, f, now.Format(time.RFC3339Nano)+"\n")
						written = append(written, now)
					}
					synctest.Wait()
					there := strings.Join(slices.Collect(maps.Values(holds(t, dir))), "")
					now := time.Now()
					for _, at := range written {
						kept := strings.Contains(there, at.Format(time.RFC3339Nano)+"\n")
						if now.Sub(at) <= row.age {
							require.True(t, kept, "deleted after %v", now.Sub(at))
						}
						if now.Sub(at) > f.Retention() {
							require.False(t, kept, "there after %v", now.Sub(at))
						}
					}
				}
				require.Greater(t, f.Stats().Deleted, uint64(2))
				require.NoError(t, f.Close())
			})
		})
	}
}

// A process that died left files; the next one knows them by their names alone,
// also those of another period.
func TestStartDeletesWhatExpired(t *testing.T) {
	dir := directory(t)
	expired := []string{
		of(noon.Add(-32 * day)),
		of(noon.Add(-400 * day)),
		retain.FileName("access", noon.Add(-30*day-time.Hour), time.Hour),
		retain.FileName("access", noon.Add(-60*day), 7*day),
	}
	kept := []string{
		of(noon.Add(-30 * day)),
		of(noon.Add(-day)),
		of(noon),
		retain.FileName("access", noon.Add(-30*day), time.Hour),
		retain.FileName("access", noon.Add(-32*day), 7*day),
		retain.FileName("errors", noon.Add(-400*day), day),
		of(noon.Add(-400*day)) + ".gz",
		"access.log", "notes.txt",
	}
	for _, name := range append(slices.Clone(expired), kept...) {
		put(t, dir, name, "old\n")
	}
	var told events
	f := open(t, retain.Config{Dir: dir, Age: 30 * day, Report: told.add, Now: (&clock{t: noon}).now})
	slices.Sort(kept)
	require.Equal(t, kept, slices.Sorted(maps.Keys(holds(t, dir))))
	require.Equal(t, uint64(len(expired)), f.Stats().Deleted)
	var deleted []string
	for _, e := range told.list {
		require.Equal(t, retain.Expired, e.Kind)
		require.EqualValues(t, 4, e.Size)
		deleted = append(deleted, e.File)
	}
	require.ElementsMatch(t, expired, deleted)
	write(t, f, "new\n")
	require.Equal(t, "old\nnew\n", holds(t, dir)[of(noon)], "the file of today is continued")
}

// More files than are listed at once.
func TestManyFiles(t *testing.T) {
	dir := directory(t)
	for i := range 1500 {
		put(t, dir, retain.FileName("access", noon.Add(-day-time.Duration(i)*time.Minute), time.Minute), "")
		put(t, dir, fmt.Sprintf("other-%d", i), "")
	}
	f := open(t, retain.Config{Dir: dir, Age: time.Hour, Period: time.Minute, Now: (&clock{t: noon}).now})
	require.EqualValues(t, 1500, f.Stats().Deleted)
	require.Len(t, holds(t, dir), 1501)
}

// The working directory is not part of where the files are.
func TestRelativeDirectoryStays(t *testing.T) {
	first, second := t.TempDir(), t.TempDir()
	t.Chdir(first)
	c := &clock{t: noon}
	f := open(t, retain.Config{Dir: "logs", Age: day, Now: c.now})
	t.Chdir(second)
	c.set(noon.Add(day))
	write(t, f, "line\n")
	require.Len(t, holds(t, filepath.Join(first, "logs")), 2)
	require.NoDirExists(t, filepath.Join(second, "logs"))
}
