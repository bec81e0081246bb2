package cookies

import "time"

// parseDate reads the date of an Expires attribute as browsers do (RFC 6265bis
// §5.6.1), which is more than package net/http takes (01-Jan-1970) and now and
// then something else (a year of 69 is 2069). Only dates that say they are in
// UTC are certain; some browsers heed other zones and some pass over them.
func parseDate(value string) (unix int64, ok bool) {
	n := len(value)
	if n < len("GMT") || !equalFold(value[n-3:], "gmt") && !equalFold(value[n-3:], "utc") {
		return 0, false
	}
	var d date
	if !d.plain(value) && !d.parse(value) {
		return 0, false
	}
	return d.unix()
}

type date struct {
	year, day, hour, minute, second int
	month                           time.Month
}

// plain reads the one form that is generated today: "Wed, 24 Nov 2027 12:00:00 GMT".
func (d *date) plain(s string) bool {
	if len(s) != len(time.RFC1123) || s[3] != ',' || s[4] != ' ' || s[7] != ' ' || s[11] != ' ' || s[16] != ' ' || s[19] != ':' || s[22] != ':' || s[25] != ' ' {
		return false
	}
	// What stands for the weekday must be nothing that the algorithm takes for
	// something else.
	for i := range 3 {
		if s[i] >= '0' && s[i] <= '9' {
			return false
		}
	}
	if month(s[:3]) != 0 {
		return false
	}
	day, ok1 := digits(s[5:7])
	year, ok2 := digits(s[12:16])
	hour, ok3 := digits(s[17:19])
	minute, ok4 := digits(s[20:22])
	second, ok5 := digits(s[23:25])
	d.day, d.year, d.hour, d.minute, d.second, d.month = day, year, hour, minute, second, month(s[8:11])
	return ok1 && ok2 && ok3 && ok4 && ok5 && d.month != 0 && d.valid()
}

// parse is the algorithm of RFC 6265bis §5.6.1: tokens in any order, the first
// that looks like a time, a day, a month and a year is taken for it.
func (d *date) parse(s string) bool {
	var hasTime, hasDay, hasMonth, hasYear bool
	for s != "" {
		var token string
		if token, s = cutToken(s); token == "" {
			continue
		}
		if !hasTime {
			if hasTime = d.time(token); hasTime {
				continue
			}
		}
		if n, size := leading(token); !hasDay && (size == 1 || size == 2) {
			d.day, hasDay = n, true
			continue
		}
		if !hasMonth && len(token) >= 3 {
			if d.month = month(token[:3]); d.month != 0 {
				hasMonth = true
				continue
			}
		}
		if n, size := leading(token); !hasYear && size >= 2 && size <= 4 {
			d.year, hasYear = n, true
		}
	}
	switch {
	case d.year >= 70 && d.year <= 99:
		d.year += 1900
	case d.year >= 0 && d.year <= 69:
		d.year += 2000
	}
	return hasTime && hasDay && hasMonth && hasYear && d.valid()
}

// unix returns the seconds since 1970, and false for a day that its month does
// not have. It counts by hand, as most lines with a date pass here.
func (d *date) unix() (int64, bool) {
	days := [...]int{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}
	leap := d.year%4 == 0 && (d.year%100 != 0 || d.year%400 == 0)
	if d.day > days[d.month-1] && !(leap && d.month == time.February && d.day == 29) {
		return 0, false
	}
	// Years begin in March here, so that the leap day is the last.
	y, m := int64(d.year), int64(d.month)-3
	if m < 0 {
		y, m = y-1, m+12
	}
	day := 365*y + y/4 - y/100 + y/400 + (153*m+2)/5 + int64(d.day) - 1 - 719468
	return ((day*24+int64(d.hour))*60+int64(d.minute))*60 + int64(d.second), true
}

func (d *date) valid() bool {
	return d.day >= 1 && d.day <= 31 && d.year >= 1601 && d.hour <= 23 && d.minute <= 59 && d.second <= 59
}

// time reads hh:mm:ss, one or two digits each.
func (d *date) time(s string) bool {
	for i, part := range []*int{&d.hour, &d.minute, &d.second} {
		n, size := leading(s)
		if size < 1 || size > 2 || i < 2 && (len(s) == size || s[size] != ':') {
			return false
		}
		*part = n
		if i < 2 {
			s = s[size+1:]
		}
	}
	return true
}

// cutToken takes what stands before the next delimiter.
func cutToken(s string) (token, rest string) {
	for i := range len(s) {
		c := s[i]
		if c == 0x09 || c >= 0x20 && c <= 0x2f || c >= 0x3b && c <= 0x40 || c >= 0x5b && c <= 0x60 || c >= 0x7b && c <= 0x7e {
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}

// leading reads the digits that s begins with and says how many there are.
func leading(s string) (n, size int) {
	for size < len(s) && s[size] >= '0' && s[size] <= '9' {
		if size < 9 {
			n = n*10 + int(s[size]-'0')
		}
		size++
	}
	return n, size
}

func digits(s string) (int, bool) {
	n, size := leading(s)
	return n, size == len(s)
}

// month reads three letters, 0 for no month.
func month(s string) time.Month {
	switch uint32(s[0]|0x20)<<16 | uint32(s[1]|0x20)<<8 | uint32(s[2]|0x20) {
	case 'j'<<16 | 'a'<<8 | 'n':
		return time.January
	case 'f'<<16 | 'e'<<8 | 'b':
		return time.February
	case 'm'<<16 | 'a'<<8 | 'r':
		return time.March
	case 'a'<<16 | 'p'<<8 | 'r':
		return time.April
	case 'm'<<16 | 'a'<<8 | 'y':
		return time.May
	case 'j'<<16 | 'u'<<8 | 'n':
		return time.June
	case 'j'<<16 | 'u'<<8 | 'l':
		return time.July
	case 'a'<<16 | 'u'<<8 | 'g':
		return time.August
	case 's'<<16 | 'e'<<8 | 'p':
		return time.September
	case 'o'<<16 | 'c'<<8 | 't':
		return time.October
	case 'n'<<16 | 'o'<<8 | 'v':
		return time.November
	case 'd'<<16 | 'e'<<8 | 'c':
		return time.December
	}
	return 0
}
