package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"os"
	"strings"
	"time"

	"github.com/candorhttp/candor/consent"
)

// review is everything that was seen, and what is wrong with it.
type review struct {
	Site        string
	When        time.Time
	Manifest    *consent.Manifest
	HasManifest bool
	Visits      []visit
	Findings    []finding
	Logs        []string
	Lines       uint64
	Ledger      string
	Kept        []kept
	Notes       []string
}

//go:embed report.html
var reportHTML string

var reportPage = template.Must(template.New("report").Funcs(template.FuncMap{
	"days": func(d float64) string {
		if d == 0 {
			return "until the browser closes"
		}
		return fmt.Sprintf("%.0f days", d)
	},
	"purpose": func(m *consent.Manifest, c cookie) string {
		for _, d := range m.Cookies {
			prefix, family := strings.CutSuffix(d.Name, "*")
			if d.Name == c.Name || family && strings.HasPrefix(c.Name, prefix) {
				if d.Purpose == "" {
					return "keeps the choice"
				}
				return string(d.Purpose) + " (" + string(d.Basis) + ")"
			}
		}
		return "not declared"
	},
	"join": strings.Join,
}).Parse(reportHTML))

// write writes the report.
func (r *review) write(name string) error {
	var b bytes.Buffer
	if err := reportPage.Execute(&b, r); err != nil {
		return fmt.Errorf("reviewer: report: %w", err)
	}
	if err := os.WriteFile(name, b.Bytes(), 0o600); err != nil {
		return fmt.Errorf("reviewer: report: %w", err)
	}
	return nil
}
