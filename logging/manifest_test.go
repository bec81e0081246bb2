package logging_test

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/logging"
)

// validate checks a value against the part of JSON Schema that the file uses. A
// keyword it does not know is a fault, so that the file cannot promise more.
func validate(schema map[string]any, value any, at string) (faults []string) {
	fault := func(format string, args ...any) { faults = append(faults, at+": "+fmt.Sprintf(format, args...)) }
	for keyword, want := range schema {
		switch keyword {
		case "$schema", "$id", "title", "description":
		case "const":
			if value != want {
				fault("is %v, want %v", value, want)
			}
		case "enum":
			found := false
			for _, one := range want.([]any) {
				found = found || one == value
			}
			if !found {
				fault("%v is none of %v", value, want)
			}
		case "pattern":
			if s, _ := value.(string); !regexp.MustCompile(want.(string)).MatchString(s) {
				fault("%v does not match %v", value, want)
			}
		case "type":
			got := "other"
			switch value.(type) {
			case string:
				got = "string"
			case map[string]any:
				got = "object"
			case []any:
				got = "array"
			}
			if got != want {
				fault("is %s, want %v", got, want)
			}
		case "required":
			object, _ := value.(map[string]any)
			for _, key := range want.([]any) {
				if _, ok := object[key.(string)]; !ok {
					fault("lacks %v", key)
				}
			}
		case "additionalProperties":
			object, _ := value.(map[string]any)
			for key := range object {
				if _, ok := schema["properties"].(map[string]any)[key]; !ok && want == false {
					fault("has %s", key)
				}
			}
		case "properties":
			object, _ := value.(map[string]any)
			for key, inner := range want.(map[string]any) {
				if v, ok := object[key]; ok {
					faults = append(faults, validate(inner.(map[string]any), v, at+"/"+key)...)
				}
			}
		case "items":
			list, _ := value.([]any)
			for i, v := range list {
				faults = append(faults, validate(want.(map[string]any), v, fmt.Sprintf("%s/%d", at, i))...)
			}
		default:
			fault("the schema uses %s", keyword)
		}
	}
	return faults
}

func TestManifestKeepsItsSchema(t *testing.T) {
	var schema map[string]any
	require.NoError(t, json.Unmarshal(logging.ManifestSchema(), &schema))
	count := &logging.Count{Declaration: logging.Declaration{Name: "shop.items", Kind: logging.Technical, Purpose: "to plan"}, Max: 9}
	for _, cfg := range []logging.Config{
		{},
		{Preset: logging.Minimal, Retention: 24 * time.Hour},
		{Preset: logging.Security, Why: "abuse reports", Custom: []logging.Custom{count}, Sample: 10, Skip: []string{"/healthz"}, Query: []string{"page"}},
	} {
		cfg.Output = io.Discard
		access, err := logging.New(cfg)
		require.NoError(t, err)
		defer access.Close()
		var m any
		require.NoError(t, json.Unmarshal(access.Manifest(), &m))
		require.Empty(t, validate(schema, m, ""))
		for _, f := range access.Fields() {
			regexp.MustCompile(f.Form)
		}
	}
	for _, wrong := range []string{`[]`, `{}`, `{"$schema":"urn:candor:log-manifest:1","version":2,"granted_by":"a","preset":"minimal","log":[]}`,
		`{"$schema":"urn:candor:log-manifest:1","version":1,"granted_by":"a","preset":"minimal","log":[{"name":"x"}]}`} {
		var m any
		require.NoError(t, json.Unmarshal([]byte(wrong), &m))
		require.NotEmpty(t, validate(schema, m, ""), wrong)
	}
}

// Each part of the configuration shows.
func TestManifestSaysWhatRuns(t *testing.T) {
	manifest := func(cfg logging.Config) string {
		cfg.Output = io.Discard
		access, err := logging.New(cfg)
		require.NoError(t, err)
		defer access.Close()
		return string(access.Manifest()) + access.Markdown()
	}
	plain := manifest(logging.Config{})
	require.NotContains(t, plain, "sample.rate")
	for want, cfg := range map[string]logging.Config{
		"sample.rate":                     {Sample: 7},
		"One line in 7":                   {Sample: 7},
		"unless something failed: /ready": {Skip: []string{"/ready"}},
		"declared: page, sort":            {Query: []string{"page", "sort"}},
		"7 days":                          {Retention: 7 * 24 * time.Hour},
		"1 day":                           {Retention: 24 * time.Hour},
		"because of fraud":                {Preset: logging.Security, Why: "because of fraud"},
		"client.port":                     {Preset: logging.Security, Why: "x"},
		`"granted_by": "statistics"`:      {Purpose: "statistics"},
	} {
		require.Contains(t, manifest(cfg), want)
		require.NotContains(t, plain, want)
	}
}
