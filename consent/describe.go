package consent

import (
	_ "embed"
	"slices"
	"strconv"
)

// manifestSchema names the form of a Manifest; it changes when a field changes
// its meaning.
const manifestSchema = "urn:candor:manifest:1"

//go:embed manifest.schema.json
var manifestSchemaJSON []byte

// ManifestSchema returns the JSON Schema (2020-12) of a [Manifest] as JSON.
func ManifestSchema() []byte { return slices.Clone(manifestSchemaJSON) }

// Manifest returns the manager's own rows and those of the parts.
func (m *Manager) Manifest(parts ...Describer) *Manifest {
	mf := &Manifest{Schema: manifestSchema, Cookies: []ManifestCookie{}, Log: []ManifestField{}}
	m.Describe(mf)
	for _, p := range parts {
		p.Describe(mf)
	}
	return mf
}

// Describe implements [Describer]: the policy, its purposes and recipients, the
// consent cookie, and the endpoints.
func (m *Manager) Describe(mf *Manifest) {
	p := m.Policy()
	mf.Policy = ManifestPolicy{
		Version: p.Version, Effective: p.Effective, Controller: p.Controller, Authority: p.Authority,
		Languages: p.Languages, Regimes: []string{OptIn.String()}, GPC: true, Changes: p.Changes,
		GrantDays: p.grantDays(), ReaskDays: p.reaskDays(),
	}
	if m.regime != nil {
		mf.Policy.Regimes = append(mf.Policy.Regimes, OptOut.String())
	}
	for _, d := range p.Processing {
		mf.Purposes = append(mf.Purposes, ManifestPurpose{
			Purpose: d.Purpose, Basis: d.Basis, Title: d.Title, Text: d.Text, Retention: d.Retention,
			Recipients: d.Recipients, SharesData: d.SharesData, GoodSince: max(d.GoodSince, 1),
		})
	}
	mf.Recipients = append(mf.Recipients, p.Recipients...)
	mf.Disclosures = append(mf.Disclosures, m.disclosures.describe(p)...)
	mf.Cookies = append(mf.Cookies, ManifestCookie{
		Name: m.codec.name, Basis: Essential, Provider: p.Controller.Name,
		Description: Text{
			"en": "Keeps your choices. After a refusal it holds no identifier.",
			"de": "Merkt sich Ihre Auswahl. Nach einer Ablehnung enthält es keine Kennung.",
		},
		LifetimeDays: float64(max(p.grantDays(), p.reaskDays()+31)),
		HTTPOnly:     true, Secure: !m.insecure, SameSite: "Lax",
		Variants: []ManifestVariant{{Domain: m.domain, Path: "/"}},
	})
	mf.Endpoints = append(mf.Endpoints,
		"GET, POST "+m.prefix+"decision", "POST "+m.prefix+"withdraw",
		"POST "+m.prefix+"receipt", "POST "+m.prefix+"history", "POST "+m.prefix+"erase",
		"GET "+m.prefix+"manifest.json", "GET "+gpcPath)
	mf.Notes = append(mf.Notes,
		"Grants are limited to "+strconv.Itoa(grantRate)+" a second after "+strconv.Itoa(grantBurst)+" from one network (/24, /56); refusals are not limited.")
	for _, d := range m.hostData {
		switch {
		case d.Export == nil:
			mf.Notes = append(mf.Notes, "Erased on request with the consent records: "+d.Name+".")
		case d.Erase == nil:
			mf.Notes = append(mf.Notes, "Exported on request with the consent records: "+d.Name+".")
		default:
			mf.Notes = append(mf.Notes, "Exported and erased on request with the consent records: "+d.Name+".")
		}
	}
}
