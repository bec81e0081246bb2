package cookies_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/cookies"
)

// naiveNames are the names that a server could read out of Cookie lines.
func naiveNames(lines []string) (out []string) {
	for _, line := range lines {
		for _, part := range strings.Split(line, ";") {
			part = strings.Trim(part, " \t")
			name, _, _ := strings.Cut(part, "=")
			if part != "" {
				out = append(out, strings.Trim(name, " \t"))
			}
		}
	}
	return out
}

// Whatever a client sends: what is shown was sent so, and is declared and
// allowed, in the eyes of net/http and of a plain reading.
func FuzzCookieLines(f *testing.F) {
	f.Add("_ga=1; sid=2", "theme=3")
	f.Add(" _ga =1;;;sid\t=2;=;", "\x00sid=;sid")
	inventory, err := cookies.NewInventory(policy(), specs()...)
	require.NoError(f, err)
	gate, err := cookies.NewGate(cookies.GateConfig{Inventory: inventory})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, one, two string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header["Cookie"] = []string{one, two}
		gate.Middleware(http.HandlerFunc(func(w http.ResponseWriter, inner *http.Request) {
			for _, name := range naiveNames(inner.Header["Cookie"]) {
				if name != "sid" && !strings.EqualFold(strings.TrimPrefix(strings.ToLower(strings.TrimPrefix(strings.ToLower(name), "__host-")), "__secure-"), "consent") {
					t.Fatalf("%q is shown of %q", name, []string{one, two})
				}
			}
			for _, c := range inner.Cookies() {
				if c.Name != "sid" && !strings.Contains(strings.ToLower(c.Name), "consent") {
					t.Fatalf("net/http reads %q", c.Name)
				}
			}
			want := 0
			for _, name := range naiveNames(r.Header["Cookie"]) {
				if name == "sid" {
					want++
				}
			}
			got := 0
			for _, name := range naiveNames(inner.Header["Cookie"]) {
				if name == "sid" {
					got++
				}
			}
			if got != want {
				t.Fatalf("%d of %d allowed cookies are shown", got, want)
			}
			for _, line := range inner.Header["Cookie"] {
				for _, pair := range strings.Split(line, "; ") {
					if !strings.Contains(one, pair) && !strings.Contains(two, pair) {
						t.Fatalf("%q was not sent so", pair)
					}
				}
			}
		})).ServeHTTP(httptest.NewRecorder(), r)
	})
}

// fuzzNow is the moment at which lines are read here.
var fuzzNow = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// naiveLine reads a Set-Cookie line step by step as RFC 6265bis §5.7 tells
// browsers to, and then takes the closed side wherever one of them might not.
func naiveLine(line string, lifetime time.Duration) (l cookies.Line, withheld bool) {
	if len(line) > 16384 || control.MatchString(line) {
		return l, true
	}
	parts := strings.Split(line, ";")
	name, value, found := strings.Cut(parts[0], "=")
	l.Name = strings.Trim(name, " \t")
	if !found || l.Name == "" || len(name)+len(value) > 4096 {
		return cookies.Line{}, true
	}
	var ages, dates []int64
	odd := false
	for _, part := range parts[1:] {
		name, value, _ := strings.Cut(part, "=")
		name, value = naiveLower(strings.Trim(name, " \t")), strings.Trim(value, " \t")
		if len(value) > 1024 {
			odd = odd || name == "max-age" || name == "expires"
			continue
		}
		switch name {
		case "secure":
			l.Secure = true
		case "httponly":
			l.HTTPOnly = true
		case "partitioned":
			l.Partitioned = true
		case "path":
			l.Path = value
		case "domain":
			l.Domain = value
		case "samesite":
			l.SameSite = map[string]http.SameSite{"strict": http.SameSiteStrictMode, "lax": http.SameSiteLaxMode, "none": http.SameSiteNoneMode}[naiveLower(value)]
		case "max-age":
			if !number.MatchString(value) {
				odd = true
				break
			}
			n, err := strconv.ParseInt(value, 10, 64)
			if err != nil && value[0] != '-' {
				n = 1 << 60
			} else if err != nil {
				n = -1
			}
			ages = append(ages, n)
		case "expires":
			if t, ok := naiveDate(value); ok {
				dates = append(dates, t.Unix())
			} else {
				odd = true
			}
		}
	}
	switch {
	case odd:
	case len(ages) > 0:
		l.Deletes = slices.Max(ages) <= 0
	case len(dates) > 0:
		l.Deletes = slices.Max(dates) < fuzzNow.Unix()
	}
	l.Outlives = odd || len(ages) > 0 && slices.Max(ages) > int64(lifetime/time.Second) ||
		len(dates) > 0 && slices.Max(dates) > fuzzNow.Add(lifetime).Unix()
	return l, false
}

// naiveLower folds ASCII alone.
func naiveLower(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 32
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
}

var (
	control    = regexp.MustCompile(`[\x00-\x08\x0a-\x1f\x7f]`)
	number     = regexp.MustCompile(`^-?[0-9]+$`)
	zone       = regexp.MustCompile(`(?i)(GMT|UTC)$`)
	delimiters = regexp.MustCompile(`[\x09\x20-\x2f\x3b-\x40\x5b-\x60\x7b-\x7e]+`)
	timeToken  = regexp.MustCompile(`(?s)^([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})([^0-9].*)?$`)
	dayToken   = regexp.MustCompile(`(?s)^([0-9]{1,2})([^0-9].*)?$`)
	monthToken = regexp.MustCompile(`(?si)^(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)`)
	yearToken  = regexp.MustCompile(`(?s)^([0-9]{2,4})([^0-9].*)?$`)
)

// naiveDate is RFC 6265bis §5.6.1 to the letter, for dates that say UTC.
func naiveDate(value string) (time.Time, bool) {
	if !zone.MatchString(value) {
		return time.Time{}, false
	}
	var clock, day, month, year []string
	for _, token := range delimiters.Split(value, -1) {
		if clock == nil {
			if clock = timeToken.FindStringSubmatch(token); clock != nil {
				continue
			}
		}
		if day == nil {
			if day = dayToken.FindStringSubmatch(token); day != nil {
				continue
			}
		}
		if month == nil {
			if month = monthToken.FindStringSubmatch(token); month != nil {
				continue
			}
		}
		if year == nil {
			year = yearToken.FindStringSubmatch(token)
		}
	}
	if clock == nil || day == nil || month == nil || year == nil {
		return time.Time{}, false
	}
	n := func(s string) int { i, _ := strconv.Atoi(s); return i }
	y := n(year[1])
	if y >= 70 && y <= 99 {
		y += 1900
	} else if y <= 69 {
		y += 2000
	}
	if n(day[1]) < 1 || n(day[1]) > 31 || y < 1601 || n(clock[1]) > 23 || n(clock[2]) > 59 || n(clock[3]) > 59 {
		return time.Time{}, false
	}
	t, err := time.Parse("2006-Jan-2 15:4:5", fmt.Sprintf("%d-%s-%d %s:%s:%s", y, strings.ToLower(month[1]), n(day[1]), clock[1], clock[2], clock[3]))
	return t, err == nil
}

// The gate reads a line as a plain reading does, and as package net/http does
// where that reads it at all.
func FuzzSetCookieLine(f *testing.F) {
	for _, line := range []string{
		"sid=1; Path=/; SameSite=None", "_ga=1; Max-Age=0; Max-Age=5", "a=b; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Domain=.x",
		" a = b;secure ;\tHttpOnly=x; PARTITIONED;path", "a=1; Expires=Wed, 24-Nov-27 12:00:00 utc; max-age=-5; Max-Age=99999999999999999999",
		"a=1; Expires=Jan, 24 Nov 2027 12:00:00 GMT", "a=1; \u017fecure; SameSite=\u212a",
	} {
		f.Add(line, int64(3600))
	}
	f.Fuzz(func(t *testing.T, line string, seconds int64) {
		lifetime := time.Duration(seconds%34_560_000) * time.Second
		if lifetime < 0 {
			lifetime = -lifetime
		}
		got, withheld := cookies.ParseLine(line, lifetime, fuzzNow)
		want, refused := naiveLine(line, lifetime)
		if withheld != refused || got != want && !withheld {
			t.Fatalf("%q\nis  %+v, withheld %v,\nnot %+v, withheld %v", line, got, withheld, want, refused)
		}
		c, err := http.ParseSetCookie(line)
		if err != nil || withheld || len(line) > 1024 {
			return
		}
		switch {
		case c.Name != got.Name:
			t.Fatalf("%q: name %q and not %q", line, got.Name, c.Name)
		case c.Secure && !got.Secure, c.HttpOnly && !got.HTTPOnly, c.Partitioned && !got.Partitioned:
			t.Fatalf("%q: net/http reads more: %+v", line, c)
		case c.MaxAge > 0 && got.Deletes:
			t.Fatalf("%q: net/http keeps it", line)
		}
	})
}

// Dates are read to the letter of the RFC; those that package net/http writes,
// as it reads them.
func FuzzDate(f *testing.F) {
	for _, s := range []string{
		"Wed, 24 Nov 2027 12:00:00 GMT", "Wed, 24-Nov-27 12:00:00 GMT", "Nov 24 12:00:00 2027 utc", "24 Nov 69 1:2:3 GMT",
		"Jan, 24 Nov 2027 12:00:00 GMT", "12a, 24 Nov 2027 12:00:00 GMT", "31 Feb 2027 12:00:00 GMT", "x\x00 1 jan 1601 23:59:59x GMT",
	} {
		f.Add(s, int64(0))
	}
	f.Fuzz(func(t *testing.T, value string, unix int64) {
		got, ok := cookies.ParseDate(value)
		want, known := naiveDate(value)
		if ok != known || ok && got != want.Unix() {
			t.Fatalf("%q is %v %v and not %v %v", value, time.Unix(got, 0).UTC(), ok, want, known)
		}
		at := time.Unix(unix%(200*365*86400), 0).UTC()
		if at.Year() < 1601 {
			return
		}
		if got, ok := cookies.ParseDate(at.Format(http.TimeFormat)); !ok || got != at.Unix() {
			t.Fatalf("%v is %v %v", at, time.Unix(got, 0).UTC(), ok)
		}
	})
}

// Whatever a handler sets: what goes out sets nothing that is not allowed, and
// is no weaker and no longer than declared.
func FuzzSetCookie(f *testing.F) {
	f.Add("sid=1; Path=/; SameSite=None")
	f.Add("_ga=1; Max-Age=0; Max-Age=5")
	f.Add("sid=1; Expires=Thu, 01 Jan 2970 00:00:00 GMT; Max-Age=60")
	f.Add("__Host-consent=x; Expires=Thu, 01 Jan 1970 00:00:00 GMT")
	inventory, err := cookies.NewInventory(policy(), specs()...)
	require.NoError(f, err)
	gate, err := cookies.NewGate(cookies.GateConfig{Inventory: inventory, Now: func() time.Time { return fuzzNow }})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, line string) {
		rec := httptest.NewRecorder()
		gate.Middleware(sets(line)).ServeHTTP(rec, httptest.NewRequest("GET", "/", nil))
		for _, out := range rec.Header()["Set-Cookie"] {
			l, refused := naiveLine(out, 0)
			switch {
			case refused:
				t.Fatalf("%q sends %q, which cannot be read", line, out)
			case l.Name == "sid" && l.Deletes:
			case l.Name == "sid":
				if !l.Secure || !l.HTTPOnly || l.SameSite != http.SameSiteLaxMode && l.SameSite != http.SameSiteStrictMode || l.Outlives {
					t.Fatalf("%q is not hardened: %q", line, out)
				}
			case !l.Deletes:
				t.Fatalf("%q sends %q", line, out)
			default:
				if value := strings.SplitN(strings.SplitN(out, ";", 2)[0], "=", 2)[1]; value != "" {
					t.Fatalf("%q leaves a value in %q", line, out)
				}
			}
			if c, err := http.ParseSetCookie(out); err == nil && c.Name != "sid" && c.Value != "" {
				t.Fatalf("net/http reads %q as setting %q", out, c.Name)
			}
		}
	})
}
