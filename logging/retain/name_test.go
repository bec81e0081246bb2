package retain_test

import (
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/logging/retain"
)

func TestNames(t *testing.T) {
	require.Equal(t, "access-20261124T000000Z-20261125T000000Z.log", retain.FileName("access", noon, day))
	require.Equal(t, "access-20261124T120000Z-20261124T120100Z.log", retain.FileName("access", noon.Add(59*time.Second), time.Minute))
	require.Equal(t, "access-20261124T000000Z-20261125T000000Z.log",
		retain.FileName("access", noon.In(time.FixedZone("", -11*3600)), day), "periods are of UTC")
}

func TestOnlyExactNamesAreOurs(t *testing.T) {
	for _, row := range []struct {
		name, file string
		want       bool
	}{
		{"a day", "access-20261124T000000Z-20261125T000000Z.log", true},
		{"a minute", "access-20261124T235900Z-20261125T000000Z.log", true},
		{"another prefix", "accesx-20261124T000000Z-20261125T000000Z.log", false},
		{"a longer prefix", "my-access-20261124T000000Z-20261125T000000Z.log", false},
		{"compressed", "access-20261124T000000Z-20261125T000000Z.log.gz", false},
		{"a backup", "access-20261124T000000Z-20261125T000000Z.log~", false},
		{"another extension", "access-20261124T000000Z-20261125T000000Z.txt", false},
		{"capitals", "ACCESS-20261124T000000Z-20261125T000000Z.log", false},
		{"no dates", "access.log", false},
		{"one date", "access-20261124T000000Z.log", false},
		{"no such day", "access-20260231T000000Z-20260301T000000Z.log", false},
		{"no such hour", "access-20261124T240000Z-20261125T000000Z.log", false},
		{"ends before it begins", "access-20261125T000000Z-20261124T000000Z.log", false},
		{"empty", "access-20261124T000000Z-20261124T000000Z.log", false},
		{"shorter than a minute", "access-20261124T000000Z-20261124T000030Z.log", false},
		{"longer than a year", "access-19700101T000000Z-19720101T000000Z.log", false},
		{"begins between periods", "access-20261124T000001Z-20261125T000001Z.log", false},
		{"before 1970", "access-19691231T000000Z-19700101T000000Z.log", false},
		{"local time", "access-20261124T000000L-20261125T000000L.log", false},
		{"another dash", "access-20261124T000000Z_20261125T000000Z.log", false},
		{"wide digits", "access-２０261124T000000Z-20261125T000000Z.log", false},
		{"a path", "../access-20261124T000000Z-20261125T000000Z.log", false},
		{"nothing", "", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, _, ok := retain.ParseName("access", row.file)
			require.Equal(t, row.want, ok)
		})
	}
}

// A name is ours exactly if the form fits and writing what it says gives it
// again. The reference reads the numbers by themselves.
func FuzzParseName(f *testing.F) {
	f.Add("access", "access-20261124T000000Z-20261125T000000Z.log")
	f.Add("a", "a-20260231T000000Z-20260301T000000Z.log")
	f.Add("a-b.c", "a-b.c-19700101T000000Z-19700101T000100Z.log")
	f.Add("", "-20261124T000000Z-20261125T000000Z.log")
	form := regexp.MustCompile(`\A(?s:.*)-(\d{8}T\d{6}Z)-(\d{8}T\d{6}Z)\.log\z`)
	f.Fuzz(func(t *testing.T, prefix, name string) {
		from, until, ok := retain.ParseName(prefix, name)
		m := form.FindStringSubmatch(name)
		want := false
		if m != nil && name == prefix+"-"+m[1]+"-"+m[2]+".log" {
			a, errA := time.Parse("20060102T150405Z", m[1])
			b, errB := time.Parse("20060102T150405Z", m[2])
			length := b.Unix() - a.Unix()
			want = errA == nil && errB == nil && length >= 60 && length <= 366*86400 && a.Unix() >= 0 && a.Unix()%length == 0 && a.Year() < 9999
			if want {
				require.True(t, from.Equal(a) && until.Equal(b))
				require.Equal(t, name, retain.FileName(prefix, a, b.Sub(a)))
				require.Equal(t, name, retain.FileName(prefix, b.Add(-1), b.Sub(a)))
			}
		}
		require.Equal(t, want, ok, "%q", name)
	})
}
