package logging

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/candorhttp/candor/consent"
)

// Fields returns the declared fields in the order of a line.
func (a *Access) Fields() []Field { return slices.Clone(a.fields) }

// Describe implements [consent.Describer].
func (a *Access) Describe(m *consent.Manifest) {
	for _, f := range a.fields {
		row := consent.ManifestField{
			Name: f.Name, Kind: string(f.Kind), Transform: f.Transform, Purpose: f.Purpose, Retention: f.Retention,
			Tier: string(f.Tier), Standard: f.Standard, Form: f.Form,
		}
		if f.Name == "url.query" && len(a.query) > 0 {
			names := make([]string, len(a.query))
			for i, declared := range a.query {
				names[i] = declared.name
			}
			row.Transform += "; declared: " + strings.Join(names, ", ")
		}
		m.Log = append(m.Log, row)
	}
	if a.why != "" {
		m.Notes = append(m.Notes, "The log has the fields of the preset security: "+a.why)
	}
	if a.sample > 1 {
		m.Notes = append(m.Notes, fmt.Sprintf("One line in %d is written, and every line whose answer is 5xx or where something failed.", a.sample))
	}
	if len(a.skip) > 0 {
		m.Notes = append(m.Notes, "Routes without a line, unless something failed: "+strings.Join(a.skip, ", ")+".")
	}
	m.Notes = append(m.Notes, fmt.Sprintf("Fields of tier %q are logged where the visitor allows the purpose %q.", Granted, a.purpose))
}

// logManifest is the log's part of the manifest alone. Its form is described by
// manifest.schema.json.
type logManifest struct {
	Schema  string                  `json:"$schema"`
	Version int                     `json:"version"`
	Opens   consent.Purpose         `json:"granted_by"`
	Preset  string                  `json:"preset"`
	Fields  []consent.ManifestField `json:"log"`
	Notes   []string                `json:"notes,omitempty"`
}

//go:embed manifest.schema.json
var manifestSchema []byte

// ManifestSchema returns the JSON Schema (2020-12) of what Manifest returns.
func ManifestSchema() []byte { return slices.Clone(manifestSchema) }

// Manifest returns the log's part of the manifest as JSON, generated from what
// runs and always in the same order, so that it can be kept in a repository and
// compared in review: logtest.Manifest does that.
func (a *Access) Manifest() []byte {
	var m consent.Manifest
	a.Describe(&m)
	text, err := json.MarshalIndent(logManifest{"urn:candor:log-manifest:1", 1, a.purpose, a.preset.String(), m.Log, m.Notes}, "", "  ")
	if err != nil {
		return nil // strings only: cannot fail
	}
	return append(text, '\n')
}

// Markdown returns the same for a reader.
func (a *Access) Markdown() string {
	var m consent.Manifest
	a.Describe(&m)
	var b strings.Builder
	fmt.Fprintf(&b, "# Fields of the access log\n\nOne line of JSON for each request. Fields marked *granted* are written only where the\nvisitor allows the purpose `%s`. No other field can be written.\n\n", a.purpose)
	b.WriteString("| Field | Data | Value | For | Kept | Tier |\n|---|---|---|---|---|---|\n")
	cell := strings.NewReplacer("|", `\|`, "\n", " ").Replace
	for _, f := range m.Log {
		name := "`" + f.Name + "`"
		if f.Standard == "" {
			name += " ¹"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", cell(name), f.Kind, cell(f.Transform), cell(f.Purpose), cell(f.Retention), f.Tier)
	}
	b.WriteString("\n¹ This project's own name; the others are OpenTelemetry's.\n")
	for _, note := range m.Notes {
		b.WriteString("\n" + cell(note) + "\n")
	}
	return b.String()
}
