package main

import (
	"bufio"
	"fmt"
	"io"

	"github.com/candorhttp/candor/logging/logaudit/audit"
)

const (
	// shownOf is how many findings of a kind in a field are printed.
	shownOf = 10
	// maxRows bounds the counts by field and kind: a log can have any number
	// of undeclared keys. Findings of further ones are counted together.
	maxRows = 1000
)

// printer prints the first findings of each kind in each field, and counts the
// others.
type printer struct {
	out    *bufio.Writer
	counts map[row]uint64
	order  []row
}

type row struct {
	field string
	kind  audit.Kind
}

// others is the row of what has no row of its own.
var others = row{"other fields", "findings"}

func newPrinter(out io.Writer) *printer {
	return &printer{out: bufio.NewWriter(out), counts: map[row]uint64{}}
}

func (p *printer) print(f audit.Finding) {
	r := row{f.Field, f.Kind}
	if _, known := p.counts[r]; !known {
		if len(p.order) >= maxRows {
			r = others
		}
		if p.counts[r] == 0 {
			p.order = append(p.order, r)
		}
	}
	if p.counts[r]++; p.counts[r] <= shownOf {
		fmt.Fprintln(p.out, f)
	}
}

// close prints what was not shown, and the sum.
func (p *printer) close(s audit.Stats) error {
	for _, r := range p.order {
		if n := p.counts[r]; n > shownOf {
			fmt.Fprintf(p.out, "%s: %s: %d more\n", r.field, r.kind, n-shownOf)
		}
	}
	fmt.Fprintf(p.out, "logaudit: %d findings in %d lines of %d logs\n", s.Findings, s.Lines, s.Files)
	return p.out.Flush()
}
