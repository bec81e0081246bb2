package banner

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// units of time, by which plural forms are keyed: "month.one", "month.few".
var units = []string{"year", "month", "day", "hour", "minute"}

// pluralForms lists the plural categories of whole numbers in a language (CLDR).
// A language that this package does not know has "one" for 1, else "other".
func pluralForms(language string) []string {
	switch base, _, _ := strings.Cut(language, "-"); base {
	case "pl":
		return []string{"one", "few", "many"}
	case "ar":
		return []string{"zero", "one", "two", "few", "many", "other"}
	}
	return []string{"one", "other"}
}

// plural returns the category of n.
func plural(language string, n int) string {
	base, _, _ := strings.Cut(language, "-")
	switch {
	case base == "pl":
		switch {
		case n == 1:
			return "one"
		case n%10 >= 2 && n%10 <= 4 && (n%100 < 12 || n%100 > 14):
			return "few"
		}
		return "many"
	case base == "ar":
		switch {
		case n == 0:
			return "zero"
		case n == 1:
			return "one"
		case n == 2:
			return "two"
		case n%100 >= 3 && n%100 <= 10:
			return "few"
		case n%100 >= 11:
			return "many"
		}
		return "other"
	case n == 1, n == 0 && base == "fr":
		return "one"
	}
	return "other"
}

func isPlural(key string) bool {
	unit, form, _ := strings.Cut(key, ".")
	return slices.Contains(units, unit) && form != ""
}

// count writes a number of units.
func (l *lexicon) count(n int, unit string) string {
	return fill(l.texts[unit+"."+plural(l.language, n)], "n", n)
}

// lifetime writes how long something is kept in the largest unit that says it
// without rounding more than a day: 180 days are 6 months, 395 are 13, 100 stay
// 100 days. 0 is until the browser closes.
func (l *lexicon) lifetime(days float64) string {
	minutes := int(math.Round(days * 24 * 60))
	whole := minutes / (24 * 60)
	switch {
	case minutes <= 0:
		return l.texts["session"]
	case minutes%60 != 0:
		return l.count(minutes, "minute")
	case minutes%(24*60) != 0:
		return l.count(minutes/60, "hour")
	case whole < 28:
		return l.count(whole, "day")
	case whole%365 == 0:
		return l.count(whole/365, "year")
	}
	const month = 365.25 / 12
	months := int(math.Round(float64(whole) / month))
	switch {
	case math.Abs(float64(whole)-float64(months)*month) <= 1:
	case whole%30 == 0:
		months = whole / 30
	default:
		return l.count(whole, "day")
	}
	if months%12 == 0 && whole%30 != 0 {
		return l.count(months/12, "year")
	}
	return l.count(months, "month")
}

// Words is text for a page that may be in English where the page is not: what
// other parts say of themselves.
type Words struct {
	Text    string
	Foreign bool // in English on a page of another language
}

var inDays = regexp.MustCompile(`^(\d{1,5}) days?$`)

// kept translates the retention of a part, where it is a number of days.
func (l *lexicon) kept(retention string) Words {
	if m := inDays.FindStringSubmatch(retention); m != nil {
		n, _ := strconv.Atoi(m[1])
		return Words{Text: l.lifetime(float64(n))}
	}
	return l.foreign(retention)
}

func (l *lexicon) foreign(text string) Words {
	base, _, _ := strings.Cut(l.language, "-")
	return Words{text, base != "en"}
}
