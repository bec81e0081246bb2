package consent

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

//go:embed policy.schema.json
var policySchema []byte

// PolicySchema returns the JSON Schema (2020-12) of what ParsePolicy reads, for
// editors and reviews. ParsePolicy itself checks more than it can say.
func PolicySchema() []byte { return slices.Clone(policySchema) }

// maxPolicyBytes bounds a policy file. Sixty-four purposes in twenty languages
// stay far below it.
const maxPolicyBytes = 4 << 20

// ParsePolicy reads a policy from JSON, whose form is that of [PolicySchema], and
// validates it. A field it does not know is an error, so that a misspelt
// safeguard is not a missing one; "$schema", by which editors find the schema, is
// passed over. The error names every fault.
func ParsePolicy(data []byte) (Policy, error) {
	if len(data) > maxPolicyBytes {
		return Policy{}, fmt.Errorf("consent: policy: %d bytes are more than %d; shorten it", len(data), maxPolicyBytes)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	var document struct {
		Schema string `json:"$schema"`
		Policy
	}
	if err := d.Decode(&document); err != nil {
		return Policy{}, fmt.Errorf("consent: policy: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Policy{}, errors.New("consent: policy: something follows the closing brace; remove it")
	}
	if err := document.Validate(); err != nil {
		return Policy{}, err
	}
	return document.Policy, nil
}

// Warnings lints what is allowed and rarely meant. It returns sentences in the
// form of errors, none of which stops a constructor.
func (p Policy) Warnings() []string {
	var out []string
	for i, d := range p.Processing {
		at := fmt.Sprintf("consent: policy: processing[%d]", i)
		switch {
		case d.Basis == Essential && (d.Purpose == Analytics || d.Purpose == Marketing || d.Purpose == Experiments || d.Purpose == LoginMemory):
			out = append(out, fmt.Sprintf("%s.basis: %s is called essential, which supervisory authorities do not accept; choose consent", at, d.Purpose))
		case d.Purpose == Marketing && !d.SharesData && len(d.Recipients) > 0:
			out = append(out, fmt.Sprintf("%s.shares_data: marketing has recipients but is not marked as sharing data, so Sec-GPC does not deny it; mark it if data is sold or shared", at))
		}
	}
	return out
}
