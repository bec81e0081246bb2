package unsubscribe

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/candorhttp/candor/consent"
)

// Config configures [Letters]. It is copied by New.
type Config struct {
	// Manager is required: its policy names the purpose, its ledger keeps the
	// refusal.
	Manager *consent.Manager
	// Ledger is required; it is the manager's.
	Ledger consent.Ledger
	// Keys is required. The newest seals, all open: keep each for at least a
	// year after it stopped sealing.
	Keys consent.Keys
	// List names the mailing, in 1 to 32 lower-case letters, digits and '-'. A
	// link is good for its own list alone.
	List string
	// URL is the public address of the endpoint, https and without a query. Mail
	// programs call it as it stands here.
	URL string
	// Purpose is what is refused; default consent.Marketing.
	Purpose consent.Purpose
	// OnUnsubscribe is required. It takes the recipient from the host's list, and
	// must not mind being called again for one who is no longer there. An error
	// is tried again, after 1 second and up to 5 minutes, until Close. It has 10
	// seconds, and may be called concurrently.
	OnUnsubscribe func(ctx context.Context, recipient string) error
	// Language chooses the language of the page, one of the policy's; nil, or what
	// the policy does not have, means the policy's first.
	Language func(*http.Request) string
	// Words replaces or adds the words of the pages by language. Every language of
	// the policy must have them; English, German, French, Spanish, Italian, Dutch,
	// Polish, Portuguese and Arabic are built in.
	Words map[string]Words
	// Logger is told of a hook that fails, never of whom; nil discards it.
	Logger *slog.Logger
}

// Letters makes the links of one mailing list and answers them. Make it with
// New; the zero Letters is not usable. It is safe for concurrent use.
type Letters struct {
	manager *consent.Manager
	ledger  consent.Ledger
	sealer  *sealer
	list    string
	url     string
	purpose consent.Purpose
	hook    func(context.Context, string) error
	choose  func(*http.Request) string
	words   map[string]Words
	first   string // language
	logger  *slog.Logger
	retries retries
	known   known
	counts  counts
}

// hookTimeout bounds one call of OnUnsubscribe.
const hookTimeout = 10 * time.Second

// New returns Letters, or one error that names every fault of cfg.
func New(cfg Config) (*Letters, error) {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("unsubscribe: config: "+format, args...))
	}
	if cfg.Keys.IsZero() {
		fault("Keys: %w; read them with consent.KeysFromEnv or consent.KeysFromFile", consent.ErrNoKeys)
	}
	if cfg.Ledger == nil {
		fault("Ledger: is missing; give the one of the manager")
	}
	if cfg.OnUnsubscribe == nil {
		fault("OnUnsubscribe: is missing; give what takes a recipient from your list")
	}
	if !isList(cfg.List) {
		fault("List: is not a name; use 1 to 32 lower-case letters, digits and '-'")
	}
	if !isURL(cfg.URL) {
		fault("URL: is not an https address without query and fragment; write for example \"https://shop.example/unsubscribe\"")
	}
	if cfg.Purpose == "" {
		cfg.Purpose = consent.Marketing
	}
	l := &Letters{
		manager: cfg.Manager, ledger: cfg.Ledger, list: cfg.List, url: cfg.URL, purpose: cfg.Purpose,
		hook: cfg.OnUnsubscribe, choose: cfg.Language, words: map[string]Words{}, logger: cfg.Logger,
	}
	if cfg.Manager == nil {
		fault("Manager: is missing; make one with consent.New")
	} else {
		l.declare(cfg, fault)
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	var err error
	if l.sealer, err = newSealer(cfg.Keys, cfg.List); err != nil {
		return nil, err
	}
	if l.logger == nil {
		l.logger = slog.New(slog.DiscardHandler)
	}
	l.retries.init()
	return l, nil
}

// declare checks what the policy must have.
func (l *Letters) declare(cfg Config, fault func(string, ...any)) {
	policy := cfg.Manager.Policy()
	found := false
	for _, p := range policy.Processing {
		if p.Purpose == cfg.Purpose {
			found = p.Basis != consent.Essential
		}
	}
	if !found {
		fault("Purpose: %q is not in the policy, or cannot be refused; declare it there", cfg.Purpose)
	}
	l.first = policy.Languages[0]
	for _, language := range policy.Languages {
		words, ok := cfg.Words[language]
		if !ok {
			base, _, _ := strings.Cut(language, "-")
			words, ok = builtIn[base]
		}
		if missing := words.missing(); !ok || len(missing) > 0 {
			fault("Words: language %q of the policy lacks %s; give them", language, strings.Join(missing, ", "))
		}
		l.words[language] = words
	}
}

func isList(s string) bool {
	return s != "" && len(s) <= 32 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// isURL asks for what may stand in a header field and be called by anybody.
func isURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme == "https" && u.Host != "" && u.User == nil && u.RawQuery == "" && u.Fragment == "" &&
		len(s) <= 256 && !strings.ContainsAny(s, " <>,?#\"\r\n\t") && u.Path != ""
}

// Link returns the address that ends the mailing for a recipient. It fails for
// an empty recipient and for one of more than 254 bytes (RFC 5321 §4.5.3.1.3).
// The recipient is used as it is: give it as your list has it.
func (l *Letters) Link(recipient string) (string, error) {
	if recipient == "" || len(recipient) > maxRecipient {
		return "", errors.New("unsubscribe: link: recipient: is empty or longer than 254 bytes; give the address as your list has it")
	}
	return l.url + "?u=" + l.sealer.seal(recipient), nil
}

// Headers returns the two header fields of a mail to the recipient (RFC 8058
// §3.1), which its DKIM signature must cover. It fails as Link does.
func (l *Letters) Headers(recipient string) (map[string]string, error) {
	link, err := l.Link(recipient)
	if err != nil {
		return nil, err
	}
	return map[string]string{
		"List-Unsubscribe":      "<" + link + ">",
		"List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
	}, nil
}

// Refused returns which of the recipients refused since they subscribed, as far
// as the ledger has it, in no particular order. subscribed holds for each
// recipient when that was, so that somebody who came back is written to again.
// It reads the whole ledger once: ask for all recipients of a mailing together.
// When it fails nobody is known to allow it, so send nothing.
func (l *Letters) Refused(ctx context.Context, subscribed map[string]time.Time) ([]string, error) {
	recipients := make(map[consent.Subject]string, len(subscribed))
	for r := range subscribed {
		for _, s := range l.sealer.pseudonyms(r) {
			recipients[s] = r
		}
	}
	refused := map[string]bool{}
	err := l.ledger.Scan(ctx, 0, func(e consent.Entry) error {
		r, ok := recipients[e.Subject]
		// Entries have whole seconds: in doubt it is a no.
		if ok && e.Method == consent.MethodUnsubscribe && !e.Time.Before(subscribed[r].Truncate(time.Second)) {
			refused[r] = true
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("unsubscribe: refused: %w", err)
	}
	out := make([]string, 0, len(refused))
	for r := range refused {
		out = append(out, r)
	}
	return out, nil
}

// Describe implements [consent.Describer].
func (l *Letters) Describe(m *consent.Manifest) {
	m.Endpoints = append(m.Endpoints, "GET, POST "+l.path())
	m.Records = append(m.Records, consent.ManifestRecords{
		Store:     "the ledger, for the mailing list " + l.list,
		Holds:     []string{"pseudonym of the mail address", "purpose refused: " + string(l.purpose), "time"},
		Retention: "as the ledger's",
	})
}

// path is the path of the public address.
func (l *Letters) path() string {
	u, err := url.Parse(l.url)
	if err != nil {
		return "" // it was checked by New
	}
	return u.Path
}
