package banner

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/candorhttp/candor/consent"
)

//go:embed texts
var textFiles embed.FS

// Texts returns the texts of a language that this package has, by key, or nil
// where it has none. The map is a copy: the place to begin for texts of one's
// own, see Options.Texts.
//
// Every key of English is needed in every language, but for those beginning
// "log." and a language's own plural forms. A key "country.XX" names the country
// with that ISO 3166 code.
func Texts(language string) map[string]string {
	file, err := textFiles.ReadFile("texts/" + language + ".json")
	if err != nil {
		return nil
	}
	texts := map[string]string{}
	if json.Unmarshal(file, &texts) != nil {
		return nil
	}
	table, _ := textFiles.ReadFile("texts/countries.txt")
	var at int
	for line := range strings.Lines(string(table)) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if at == 0 {
			if at = slices.Index(cells, language); at < 0 {
				break
			}
			continue
		}
		texts["country."+cells[0]] = cells[at]
	}
	return texts
}

// lexicon is what the pages say in one language, beside what the policy says.
type lexicon struct {
	language string
	texts    map[string]string
	months   []string
}

// newLexicon lays the host's texts over those of the package, and reports what
// is missing or unknown. A variety, as "de-AT", begins with what its language has.
func newLexicon(language string, host map[string]string, recipients []consent.Recipient) (*lexicon, error) {
	var faults []error
	base, _, _ := strings.Cut(language, "-")
	texts := Texts(language)
	if texts == nil {
		texts = Texts(base)
	}
	if texts == nil {
		texts = map[string]string{}
	}
	english := Texts("en")
	needed := needed(language, english, recipients)
	for key := range host {
		if !slices.Contains(needed, key) && english[key] == "" && texts[key] == "" && !open(key) {
			faults = append(faults, fmt.Errorf("banner: texts: %s: %q is not a key; see banner.Texts for those there are", language, key))
		}
	}
	maps.Copy(texts, host)
	var missing []string
	for _, key := range needed {
		if texts[key] == "" {
			missing = append(missing, key)
		}
	}
	if len(missing) > 0 {
		faults = append(faults, fmt.Errorf("banner: texts: %s: missing %s; give them in Options.Texts, or take the language out of the policy", language, strings.Join(missing, ", ")))
	}
	l := &lexicon{language: language, texts: texts, months: strings.Fields(texts["months"])}
	if len(missing) == 0 && len(l.months) != 12 {
		faults = append(faults, fmt.Errorf("banner: texts: %s: months: are %d; give twelve, with spaces between", language, len(l.months)))
	}
	if dir := texts["dir"]; dir != "" && dir != "ltr" && dir != "rtl" {
		faults = append(faults, fmt.Errorf("banner: texts: %s: dir: choose ltr or rtl", language))
	}
	return l, errors.Join(faults...)
}

// needed lists, in order, the keys that a language must have.
func needed(language string, english map[string]string, recipients []consent.Recipient) []string {
	var keys []string
	for key := range english {
		if !open(key) && !isPlural(key) {
			keys = append(keys, key)
		}
	}
	for _, unit := range units {
		for _, form := range pluralForms(language) {
			keys = append(keys, unit+"."+form)
		}
	}
	for _, r := range recipients {
		if key := "country." + r.Country; !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// open reports whether a key is one of a family that grows with what runs.
func open(key string) bool {
	return strings.HasPrefix(key, "country.") || strings.HasPrefix(key, "log.") && !closedLog[key] || key == "date.first"
}

// closedLog are the keys of the pages themselves that begin like those of fields.
var closedLog = map[string]bool{"log.title": true, "log.text": true, "log.granted": true}

// date writes a date of the policy, YYYY-MM-DD, as people of the language do.
func (l *lexicon) date(iso string) string {
	var y, m, d int
	if n, err := fmt.Sscanf(iso, "%4d-%2d-%2d", &y, &m, &d); n != 3 || err != nil || m < 1 || m > 12 {
		return iso
	}
	pattern := l.texts["date"]
	if first := l.texts["date.first"]; d == 1 && first != "" {
		pattern = first
	}
	return fill(pattern, "d", d, "month", l.months[m-1], "y", y)
}

// fill puts values into the places {name} of a text.
func fill(text string, pairs ...any) string {
	var old []string
	for i := 0; i+1 < len(pairs); i += 2 {
		old = append(old, fmt.Sprintf("{%v}", pairs[i]), fmt.Sprint(pairs[i+1]))
	}
	return strings.NewReplacer(old...).Replace(text)
}
