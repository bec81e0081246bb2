package audit

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/iputil"
)

const (
	maxManifest = 1 << 20 // bytes; a whole manifest has some 20 KiB
	maxFields   = 256
)

// document is what is read of a manifest, whole or the log's part.
type document struct {
	Opens    consent.Purpose         `json:"granted_by"`
	Policy   policy                  `json:"policy"`
	Purposes []purpose               `json:"purposes"`
	Log      []consent.ManifestField `json:"log"`
	Notes    []string                `json:"notes"`
}

type policy struct {
	Regimes []string `json:"regimes"`
}

type purpose struct {
	Purpose consent.Purpose `json:"purpose"`
	Basis   consent.Basis   `json:"basis"`
}

// field is a declared field, compiled.
type field struct {
	name    string
	granted bool
	keep    int64 // seconds
	form    form
	look    kinds
	// An address is looked at itself and for nothing else.
	address     bool
	strict, yes iputil.Cut // what it may show without and with consent
}

// New returns an Audit against a manifest, as GET manifest.json answers it or
// as [github.com/candorhttp/candor/logging.Access.Manifest] makes it, or one
// error that names every fault of it. At most 1 MiB is read.
func New(manifest io.Reader) (*Audit, error) {
	text, err := io.ReadAll(io.LimitReader(manifest, maxManifest+1))
	if err != nil {
		return nil, fmt.Errorf("audit: manifest: %w", err)
	}
	if len(text) > maxManifest {
		return nil, errors.New("audit: manifest: is larger than 1 MiB; give what /privacy/manifest.json answers")
	}
	var d document
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, errors.New("audit: manifest: is not the JSON of a manifest; give what /privacy/manifest.json answers")
	}
	if len(d.Log) == 0 || len(d.Log) > maxFields {
		return nil, fmt.Errorf("audit: manifest: log: has %d fields; give a manifest that declares 1 to %d", len(d.Log), maxFields)
	}
	a := &Audit{index: map[string]int{}, silence: d.silence()}
	var faults []error
	fault := func(i int, format string, args ...any) {
		faults = append(faults, fmt.Errorf("audit: manifest: log["+strconv.Itoa(i)+"]."+format, args...))
	}
	for i, row := range d.Log {
		f := field{name: row.Name, granted: row.Tier == "granted", look: open(row.Form)}
		if !fieldName.MatchString(row.Name) {
			fault(i, "name: is not 1 to 64 of [A-Za-z0-9._-]; rename the field")
		} else if _, twice := a.index[row.Name]; twice {
			fault(i, "name: is declared twice; remove one")
		}
		if row.Tier != "strict" && row.Tier != "granted" {
			fault(i, "tier: is neither strict nor granted; choose one")
		}
		if f.keep = seconds(row.Retention); f.keep <= 0 {
			fault(i, `retention: is no length of time; write it like "30 days"`)
		}
		if f.form, err = newForm(row.Form); err != nil {
			fault(i, "form: is not a regular expression of package regexp; correct it")
		}
		if f.strict, f.yes, f.address, err = bits(row); err != nil {
			fault(i, "transform: gives bits that no address has; correct it")
		}
		a.index[row.Name] = i
		a.fields = append(a.fields, f)
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	a.kept = iputil.HideSite
	if i, ok := a.index["client.address"]; ok {
		a.kept = a.fields[i].yes
	}
	a.time, a.state = a.at("time"), a.at("consent.state")
	return a, nil
}

// at returns the place of a field, or -1.
func (a *Audit) at(name string) int {
	if i, ok := a.index[name]; ok {
		return i
	}
	return -1
}

var (
	fieldName    = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)
	lengthOfTime = regexp.MustCompile(`^(\d{1,4}) (hour|day|week|month|year)s?$`)
	bitsKept     = regexp.MustCompile(`truncated to (\d{1,3}) bits \(IPv4\) or (\d{1,3}) \(IPv6\)(?:, with consent to (\d{1,3}) or (\d{1,3}))?`)
	openedBy     = regexp.MustCompile(`^Fields of tier "granted" are logged where the visitor allows the purpose "([^"]+)"`)
)

// seconds reads a length of time, 0 where it is none. Months and years are
// their longest.
func seconds(text string) int64 {
	m := lengthOfTime.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil {
		return 0
	}
	n, _ := strconv.ParseInt(m[1], 10, 64) // at most four digits
	unit := map[string]time.Duration{"hour": time.Hour, "day": 24 * time.Hour, "week": 7 * 24 * time.Hour,
		"month": 31 * 24 * time.Hour, "year": 366 * 24 * time.Hour}[m[2]]
	return n * int64(unit/time.Second)
}

// bits returns what a field that holds an address may show, as its transform
// says it. client.address holds one in any case; if nothing is said it may show
// what this module's own log writes.
func bits(row consent.ManifestField) (strict, yes iputil.Cut, ok bool, err error) {
	m := bitsKept.FindStringSubmatch(row.Transform)
	if m == nil {
		return iputil.HideNetwork, iputil.HideSite, row.Name == "client.address", nil
	}
	number := func(text, otherwise string) int {
		if text == "" {
			text = otherwise
		}
		n, _ := strconv.Atoi(text) // at most three digits
		return n
	}
	v4, v6 := number(m[1], ""), number(m[2], "")
	strict, err = iputil.NewCut(v4, v6)
	if err == nil {
		yes, err = iputil.NewCut(number(m[3], m[1]), number(m[4], m[2]))
	}
	return strict, yes, true, err
}

// silence reports whether saying nothing can open the granted fields: under an
// opt-out regime, or where the purpose that opens them needs no yes. What cannot
// be told from the manifest is no.
func (d *document) silence() bool {
	opens := d.Opens
	for _, note := range d.Notes {
		if m := openedBy.FindStringSubmatch(note); m != nil && opens == "" {
			opens = consent.Purpose(m[1])
		}
	}
	for _, p := range d.Purposes {
		if p.Purpose == opens && p.Basis != consent.Consent {
			return true
		}
	}
	for _, r := range d.Policy.Regimes {
		if r == consent.OptOut.String() {
			return true
		}
	}
	return false
}
