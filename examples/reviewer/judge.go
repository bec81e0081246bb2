package main

import (
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/candorhttp/candor/consent"
)

// finding is one thing that the manifest does not allow.
type finding struct {
	Visit string // in which state of the visitor
	Kind  string
	Name  string // of the cookie, the key, the host
	Where string // after which page it was there first
	Why   string
}

func (f finding) String() string {
	return fmt.Sprintf("%s: %s %q on %s: %s", f.Visit, f.Kind, f.Name, f.Where, f.Why)
}

// judge compares what was seen with the manifest.
func judge(site *url.URL, m *consent.Manifest, visits []visit) (out []finding) {
	for _, v := range visits {
		if v.Skipped != "" {
			continue
		}
		add := func(kind, name, where, why string) { out = append(out, finding{v.Name, kind, name, where, why}) }
		for _, c := range v.Cookies {
			for _, why := range judgeCookie(site, m, v.Name, c) {
				add("cookie", c.Name, c.Page, why)
			}
		}
		for _, s := range v.Stored {
			add(s.Kind, s.Name, s.Page, "nothing that scripts store is declared")
		}
		for _, f := range v.Foreign {
			add("request", f.Host+f.Path, f.Page, "the browser is sent to another site, which learns the visitor's address")
		}
	}
	return out
}

// judgeCookie says what is wrong with a cookie while the visitor is in a state.
func judgeCookie(site *url.URL, m *consent.Manifest, state string, c cookie) (why []string) {
	if !sameSite(site.Hostname(), strings.TrimPrefix(c.Domain, ".")) {
		return []string{"is another site's"}
	}
	var declared *consent.ManifestCookie
	for i, d := range m.Cookies {
		prefix, family := strings.CutSuffix(d.Name, "*")
		if d.Name == c.Name || family && declared == nil && strings.HasPrefix(c.Name, prefix) {
			declared = &m.Cookies[i]
		}
	}
	if declared == nil {
		return []string{"is not declared"}
	}
	if !allowed(declared.Basis, state) {
		why = append(why, fmt.Sprintf("is there without consent for %s", declared.Purpose))
	}
	if declared.HTTPOnly && !c.HTTPOnly {
		why = append(why, "is declared HttpOnly, and scripts can read it")
	}
	if declared.Secure && !c.Secure && site.Scheme == "https" {
		why = append(why, "is declared Secure, and is not")
	}
	// A day of slack, for clocks.
	switch {
	case declared.LifetimeDays == 0 && c.Days > 0:
		why = append(why, fmt.Sprintf("is declared to end with the browser, and lives %.0f days", c.Days))
	case c.Days > declared.LifetimeDays+1:
		why = append(why, fmt.Sprintf("is declared to live %.0f days, and lives %.0f", declared.LifetimeDays, c.Days))
	}
	return why
}

// allowed reports whether a cookie of a purpose may be there in a state.
func allowed(basis consent.Basis, state string) bool {
	switch state {
	case "accepted":
		return true
	case "first visit":
		return basis == consent.Essential || basis == consent.Objection
	}
	return basis == consent.Essential
}

// sameSite reports whether a host belongs to the site: is the same, or one is a
// sub-domain of the other. Without a list of public suffixes that is as near as
// it gets, and errs towards a finding.
func sameSite(site, host string) bool {
	if site == host {
		return true
	}
	if net.ParseIP(site) != nil || net.ParseIP(host) != nil || !strings.Contains(site, ".") || !strings.Contains(host, ".") {
		return false
	}
	return strings.HasSuffix(host, "."+site) || strings.HasSuffix(site, "."+host)
}
