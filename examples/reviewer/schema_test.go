package main

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
)

// The published schemas are held against real documents by a validator that
// nobody here wrote.
func TestDocumentsKeepTheirSchemas(t *testing.T) {
	url, _, _ := quickstart(t)
	w, err := http.Get(url + "/privacy/manifest.json")
	require.NoError(t, err)
	manifest, err := io.ReadAll(w.Body)
	require.NoError(t, err)
	require.NoError(t, w.Body.Close())
	policy, err := os.ReadFile(filepath.Join("..", "quickstart", "policy.json"))
	require.NoError(t, err)
	for name, tt := range map[string]struct{ schema, document []byte }{
		"manifest": {consent.ManifestSchema(), manifest},
		"policy":   {consent.PolicySchema(), policy},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := jsonschema.UnmarshalJSON(bytes.NewReader(tt.schema))
			require.NoError(t, err)
			c := jsonschema.NewCompiler()
			require.NoError(t, c.AddResource(name, text))
			schema, err := c.Compile(name)
			require.NoError(t, err)
			valid := func(document []byte) error {
				v, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
				require.NoError(t, err)
				return schema.Validate(v)
			}
			require.NoError(t, valid(tt.document))
			require.Error(t, valid(bytes.Replace(tt.document, []byte(`"purpose"`), []byte(`"porpoise"`), 1)), "a key that is not one")
		})
	}
}
