package consent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/candorhttp/candor/consent/exchange"
	"github.com/candorhttp/candor/iputil"
)

// Config configures a [Manager]. It is copied by New.
type Config struct {
	// Policy is required and validated.
	Policy Policy
	// Keys is required. The newest signs, all verify.
	Keys Keys
	// Ledger is required; ledger.Memory() forgets at the end of the process.
	Ledger Ledger
	// Visitors finds the visitor's address, for rate limits and Disclose only,
	// and tells whether the visitor came by https. Nil believes the TCP peer
	// alone.
	Visitors *iputil.Resolver
	// Domain, when set, shares the choice among a domain's hosts. The cookie is
	// then named __Secure-consent, and a sibling host can plant one (RFC
	// 6265bis §8.6); what it plants cannot be a yes of somebody else's making.
	Domain string
	// Insecure names the cookie plain "consent", without the Secure attribute
	// on plain http: for local development.
	Insecure bool
	// Prefix is the path below which the endpoints live; default "/privacy/".
	Prefix string
	// TrustedOrigins may post decisions from other origins of the same site,
	// for single-page applications: "https://app.example.com".
	TrustedOrigins []string
	// Regime chooses the regime of a request; nil means OptIn for all. What it
	// looks at must be in the host's Vary.
	Regime func(*http.Request) Regime
	// OnMaterialChange is told when New finds that the policy made earlier grants
	// stale (Processing.GoodSince) and the ledger holds such grants: for the
	// site's mail to those who have an account. It is called once for a version,
	// by one process of those that share the ledger, in its own goroutine, and
	// again with longer and longer pauses until it returns nil; its context ends
	// with Close, which says so if it was not told. A process that dies in
	// between does not tell, so log what you sent. Nil tells nobody.
	OnMaterialChange func(context.Context, MaterialChange) error
	// Account tells the host's own name of who is signed in, for HostData; empty
	// for nobody, nil for a host without accounts. It must be what the host has
	// proved of the request, such as its session.
	Account func(*http.Request) string
	// HostData lists what the host itself keeps about visitors, to be exported
	// and erased together with what is kept here.
	HostData []HostData
	// Disclosures lists who may be given a visitor's full address, see
	// [Manager.Disclose]; nil means nobody.
	Disclosures []Disclosure
	// Logger receives what operators should know; nil discards it. It never
	// receives anything of a visitor.
	Logger *slog.Logger
	// MaxSuperseded bounds the memory of replaced revisions, in subjects;
	// 0 means 262,144 (about 40 MiB when full). See Stats for what happens then.
	MaxSuperseded int
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Manager asks, keeps and answers. Make it with New; the zero Manager is not
// usable. It is safe for concurrent use.
type Manager struct {
	rules    *Rules
	codec    *codec
	ledger   Ledger
	visitors *iputil.Resolver
	domain   string
	insecure bool
	prefix   string
	regime   func(*http.Request) Regime
	logger   *slog.Logger
	now      func() time.Time
	clock    bool // now is the host's own

	origins     map[string]bool
	crossSite   *http.CrossOriginProtection
	limits      *limits
	superseded  *superseded
	subjects    [64]sync.Mutex // striped by subject: one change of a subject at a time
	pending     pending
	following   following
	background  background
	onMaterial  func(context.Context, MaterialChange) error
	untold      atomic.Bool // onMaterial did not succeed yet
	account     func(*http.Request) string
	hostData    []HostData
	erasures    erasures
	receipts    receipts
	reads       *limits
	counters    counters
	disclosures disclosures
	lateRoutes  routeSet

	slot exchange.Slot[state]
}

// New returns a Manager, or one error that names every fault of cfg. It reads
// the ledger once, to learn which revisions were replaced, and then follows one
// that is a [Follower] until [Manager.Close].
func New(cfg Config) (*Manager, error) {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("consent: config: "+format, args...))
	}
	rules, err := cfg.Policy.Compile()
	if err != nil {
		faults = append(faults, err)
	}
	if cfg.Keys.IsZero() {
		fault("Keys: %w; read them with consent.KeysFromEnv or consent.KeysFromFile", ErrNoKeys)
	}
	if cfg.Ledger == nil {
		fault("Ledger: is missing; use a package of consent/ledger")
	}
	if cfg.Domain != "" && !isDomain(cfg.Domain) {
		fault("Domain: is not a domain name; write it in lower case without a leading dot or a port, for example \"example.com\"")
	}
	if cfg.Domain != "" && cfg.Insecure {
		fault("Insecure: cannot be used with Domain; drop one of them")
	}
	prefix := cfg.Prefix
	if prefix == "" {
		prefix = "/privacy/"
	}
	if !isPrefix(prefix) {
		fault("Prefix: is not a path; write for example \"/privacy/\", beginning and ending with a slash")
	}
	if cfg.MaxSuperseded < 0 {
		fault("MaxSuperseded: is %d; choose how many subjects to remember, or 0 for %d", cfg.MaxSuperseded, defaultSuperseded)
	}
	crossSite := http.NewCrossOriginProtection()
	origins := map[string]bool{}
	for i, o := range cfg.TrustedOrigins {
		u, err := url.Parse(o)
		if err == nil {
			err = crossSite.AddTrustedOrigin(o)
		}
		if err != nil || u.Scheme != "https" && !cfg.Insecure {
			fault("TrustedOrigins[%d]: is not an https origin; write for example \"https://app.example.com\"", i)
			continue
		}
		origins[o] = true
	}
	validateHostData(cfg.HostData, fault)
	disclosed := declareDisclosures(cfg.Disclosures, cfg.Policy, fault)
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}

	m := &Manager{
		rules: rules, ledger: cfg.Ledger, visitors: cfg.Visitors,
		domain: cfg.Domain, insecure: cfg.Insecure, prefix: prefix,
		regime: cfg.Regime, logger: cfg.Logger, now: cfg.Now,
		origins: origins, crossSite: crossSite,
		limits: newLimits(grantRate, grantBurst), reads: newLimits(readRate, readBurst),
		account: cfg.Account, hostData: slices.Clone(cfg.HostData), receipts: newReceipts(cfg.Keys),
		disclosures: disclosures{counts: disclosed},
	}
	name := "__Host-" + cookieName
	switch {
	case cfg.Domain != "":
		name = "__Secure-" + cookieName
	case cfg.Insecure:
		name = cookieName
	}
	m.codec = newCodec(cfg.Keys, name)
	if m.logger == nil {
		m.logger = slog.New(slog.DiscardHandler)
	}
	if m.clock = m.now != nil; !m.clock {
		m.now = time.Now
	}
	bound := cfg.MaxSuperseded
	if bound == 0 {
		bound = defaultSuperseded
	}
	m.superseded = newSuperseded(bound)
	m.onMaterial = cfg.OnMaterialChange
	m.background.ctx, m.background.cancel = context.WithCancel(context.Background())
	seen, err := m.rebuild(context.Background())
	if err != nil {
		m.background.cancel()
		return nil, fmt.Errorf("consent: config: Ledger: cannot be read, so withdrawn grants are not known; mend it: %w", err)
	}
	if f, ok := m.ledger.(Follower); ok {
		m.following.own = map[change]struct{}{}
		m.background.run(func(ctx context.Context) { m.follow(ctx, f, seen.last) })
	}
	if m.superseded.images.Load() {
		m.background.run(m.completeErasures)
	}
	if err := m.announce(seen); err != nil {
		m.logger.Error("consent: the ledger does not take a new version of the policy; OnMaterialChange is called at the next start", "error", err)
	}
	return m, nil
}

// Subject returns who the visitor of a request is in the ledger, nobody when
// nothing is granted or outside of Middleware: for hosts that keep it with an
// account, so that they know for whom [MaterialChange.Subjects] or an erasure
// is. It does not mark the response, so do not show it.
func (m *Manager) Subject(r *http.Request) Subject {
	x := exchange.From(r.Context())
	if x == nil {
		return Subject{}
	}
	s := m.state(x)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.decide()
	return s.subject
}

// Policy returns the policy that runs.
func (m *Manager) Policy() Policy { return m.rules.policy.clone() }

// Prefix returns the path below which the endpoints live, with its slashes.
func (m *Manager) Prefix() string { return m.prefix }

func isDomain(s string) bool {
	if len(s) > 253 || !strings.Contains(s, ".") {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := range len(label) {
			c := label[i]
			if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
				return false
			}
		}
	}
	return true
}

func isPrefix(s string) bool {
	if len(s) < 3 || s[0] != '/' || s[len(s)-1] != '/' || strings.Contains(s, "//") {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && !isUpper(c) && (c < '0' || c > '9') && c != '-' && c != '_' && c != '/' {
			return false
		}
	}
	return true
}
