package retain_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/logging/retain"
)

func TestConfigFaults(t *testing.T) {
	good := retain.Config{Dir: directory(t), Name: "access", Age: 30 * day}
	with := func(change func(*retain.Config)) retain.Config { c := good; change(&c); return c }
	for _, row := range []struct {
		name string
		cfg  retain.Config
		want string
	}{
		{"no directory", with(func(c *retain.Config) { c.Dir = "" }), "retain: config: Dir: is missing"},
		{"no name", with(func(c *retain.Config) { c.Name = "" }), "retain: config: Name: is missing"},
		{"a name that leaves the directory", with(func(c *retain.Config) { c.Name = "../access" }), "retain: config: Name:"},
		{"a hidden name", with(func(c *retain.Config) { c.Name = ".access" }), "retain: config: Name:"},
		{"a name of two lines", with(func(c *retain.Config) { c.Name = "access\n" }), "retain: config: Name:"},
		{"a long name", with(func(c *retain.Config) { c.Name = strings.Repeat("a", 65) }), "retain: config: Name:"},
		{"no age", with(func(c *retain.Config) { c.Age = 0 }), "retain: config: Age: is missing"},
		{"a negative age", with(func(c *retain.Config) { c.Age = -day }), "retain: config: Age: is -24h"},
		{"kept for ever", with(func(c *retain.Config) { c.Age = 1<<63 - 1 }), "retain: config: Age:"},
		{"an age below a period", with(func(c *retain.Config) { c.Age = day - 1 }), "shorter than Period (24h0m0s)"},
		{"a short period", with(func(c *retain.Config) { c.Period = time.Second }), "retain: config: Period: is 1s"},
		{"a negative period", with(func(c *retain.Config) { c.Period = -day }), "retain: config: Period:"},
		{"a long period", with(func(c *retain.Config) { c.Period, c.Age = 367*day, 400*day }), "retain: config: Period:"},
		{"part of a second", with(func(c *retain.Config) { c.Period = time.Hour + 1 }), "retain: config: Period:"},
	} {
		t.Run(row.name, func(t *testing.T) {
			f, err := retain.Open(row.cfg)
			require.Nil(t, f)
			require.ErrorContains(t, err, row.want)
			require.Len(t, strings.Split(err.Error(), "\n"), 1, "one fault, one line")
			require.NoDirExists(t, good.Dir, "nothing is made")
		})
	}
	_, err := retain.Open(retain.Config{Period: 1})
	for _, field := range []string{"Dir", "Name", "Age", "Period"} {
		require.ErrorContains(t, err, "retain: config: "+field+":", "every fault is named")
	}
}

func TestDefaultsAndRights(t *testing.T) {
	dir := filepath.Join(directory(t), "nested")
	f := open(t, retain.Config{Dir: dir, Age: day, Now: (&clock{t: noon}).now})
	write(t, f, "line\n")
	require.Equal(t, map[string]string{"access-20261124T000000Z-20261125T000000Z.log": "line\n"}, holds(t, dir))
	require.Equal(t, 2*day, f.Retention())
	require.Equal(t, retain.Stats{Lines: 1}, f.Stats())
	for path, want := range map[string]os.FileMode{dir: 0o700 | os.ModeDir, filepath.Dir(dir): 0o700 | os.ModeDir, filepath.Join(dir, of(noon)): 0o600} {
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.Equal(t, want, info.Mode(), path)
	}
}

// A file that is readable for others is closed to them before it is written.
func TestRightsOfAnOlderFileAreTaken(t *testing.T) {
	dir := directory(t)
	put(t, dir, of(noon), "old\n")
	require.NoError(t, os.Chmod(filepath.Join(dir, of(noon)), 0o644))
	open(t, retain.Config{Dir: dir, Age: day, Now: (&clock{t: noon}).now})
	info, err := os.Stat(filepath.Join(dir, of(noon)))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode())
}

// Who may write to the directory could put their own file in our place.
func TestDirectoryThatOthersWriteToIsRefused(t *testing.T) {
	for _, mode := range []os.FileMode{0o770, 0o707, 0o777 | os.ModeSticky} {
		dir := directory(t)
		require.NoError(t, os.Mkdir(dir, 0o700))
		require.NoError(t, os.Chmod(dir, mode))
		_, err := retain.Open(retain.Config{Dir: dir, Name: "access", Age: day})
		require.ErrorContains(t, err, "others may write to the directory")
		require.Empty(t, holds(t, dir))
	}
}
