package banner_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent/banner"
)

func TestLifetimesInWords(t *testing.T) {
	const hour, minute = 1.0 / 24, 1.0 / 1440
	for _, tt := range []struct {
		days           float64
		en, de, pl, ar string
	}{
		{0, "until you close the browser", "bis Sie den Browser schließen", "do zamknięcia przeglądarki", "حتى إغلاق المتصفح"},
		{minute, "1 minute", "1 Minute", "1 minuta", "دقيقة واحدة"},
		{30 * minute, "30 minutes", "30 Minuten", "30 minut", "30 دقيقة"},
		{hour, "1 hour", "1 Stunde", "1 godzina", "ساعة واحدة"},
		{36 * hour, "36 hours", "36 Stunden", "36 godzin", "36 ساعة"},
		{1, "1 day", "1 Tag", "1 dzień", "يوم واحد"},
		{2, "2 days", "2 Tage", "2 dni", "يومان"},
		{22, "22 days", "22 Tage", "22 dni", "22 يومًا"},
		{100, "100 days", "100 Tage", "100 dni", "100 يوم"},
		{30, "1 month", "1 Monat", "1 miesiąc", "شهر واحد"},
		{31, "1 month", "1 Monat", "1 miesiąc", "شهر واحد"},
		{60, "2 months", "2 Monate", "2 miesiące", "شهران"},
		{90, "3 months", "3 Monate", "3 miesiące", "3 أشهر"},
		{180, "6 months", "6 Monate", "6 miesięcy", "6 أشهر"},
		{183, "6 months", "6 Monate", "6 miesięcy", "6 أشهر"},
		{211, "211 days", "211 Tage", "211 dni", "211 يومًا"},
		{365, "1 year", "1 Jahr", "1 rok", "سنة واحدة"},
		{366, "1 year", "1 Jahr", "1 rok", "سنة واحدة"},
		{395, "13 months", "13 Monate", "13 miesięcy", "13 شهرًا"},
		{400, "400 days", "400 Tage", "400 dni", "400 يوم"},
		{730, "2 years", "2 Jahre", "2 lata", "سنتان"},
		{5 * 365, "5 years", "5 Jahre", "5 lat", "5 سنوات"},
	} {
		for language, want := range map[string]string{"en": tt.en, "de": tt.de, "pl": tt.pl, "ar": tt.ar} {
			l, err := banner.NewLexicon(language)
			require.NoError(t, err)
			require.Equal(t, want, l.Lifetime(tt.days), "%g days", tt.days)
		}
	}
	french, err := banner.NewLexicon("fr")
	require.NoError(t, err)
	require.Equal(t, "0 jour", french.Count(0, "day"))
	require.Equal(t, "1er janvier 2026", french.Date("2026-01-01"))
	require.Equal(t, "2 janvier 2026", french.Date("2026-01-02"))
	require.Equal(t, "soon", french.Date("soon"))
	require.Equal(t, banner.Words{Text: "until the process ends", Foreign: true}, french.Kept("until the process ends"))
	require.Equal(t, banner.Words{Text: "1 mois"}, french.Kept("30 days"))
	polish, err := banner.NewLexicon("pl")
	require.NoError(t, err)
	require.Equal(t, "12 miesięcy", polish.Count(12, "month"))
	require.Equal(t, "22 miesiące", polish.Count(22, "month"))
	require.Equal(t, "112 miesięcy", polish.Count(112, "month"))
}
