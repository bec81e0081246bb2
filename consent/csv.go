package consent

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// historyCSV is the entries as RFC 4180, one a line. What a spreadsheet would
// take for a formula is made a text, and every cell is quoted, so that none is
// cut in two where the list separator is another one.
func historyCSV(entries []HistoryEntry) string {
	var b strings.Builder
	writeRow(&b, "time", "kind", "revision", "policy", "granted", "denied", "language", "text_hash", "method", "regime", "gpc")
	for _, e := range entries {
		writeRow(&b, e.Time.UTC().Format(time.RFC3339), string(e.Kind), strconv.FormatUint(e.Revision, 10), strconv.Itoa(e.Policy),
			joinPurposes(e.Granted), joinPurposes(e.Denied), e.Language, e.TextHash, string(e.Method), e.Regime, strconv.FormatBool(e.GPC))
	}
	return b.String()
}

func writeRow(b *strings.Builder, cells ...string) {
	for i, c := range cells {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`"` + strings.ReplaceAll(neutral(c), `"`, `""`) + `"`)
	}
	b.WriteString("\r\n")
}

func joinPurposes(list []Purpose) string {
	names := make([]string, len(list))
	for i, p := range list {
		names[i] = string(p)
	}
	return strings.Join(names, " ")
}

// neutral puts an apostrophe before what spreadsheets read as a formula (OWASP,
// CSV Injection). White space, controls and quotes before the sign, which some
// of them pass over, do not hide it; full-width forms of the signs count too.
func neutral(cell string) string {
	rest := strings.TrimLeftFunc(cell, func(r rune) bool { return r <= ' ' || r >= 0x7f && r <= 0xa0 || r == 0xfeff || r == '"' })
	if r, _ := utf8.DecodeRuneInString(rest); strings.ContainsRune("=+-@|%＝＋－＠", r) {
		return "'" + cell
	}
	return cell
}
