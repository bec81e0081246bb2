package consent_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
)

// shape compares a Go type with a JSON Schema: the same keys, the same ones
// required, nothing else allowed, and the same kinds of values.
type shape struct {
	defs   map[string]any
	faults []string
}

func (s *shape) fault(at, format string, args ...any) {
	s.faults = append(s.faults, at+": "+fmt.Sprintf(format, args...))
}

func (s *shape) compare(at string, typ reflect.Type, schema any) {
	node, ok := schema.(map[string]any)
	if !ok {
		s.fault(at, "no schema")
		return
	}
	if ref, ok := node["$ref"].(string); ok {
		name, found := strings.CutPrefix(ref, "#/$defs/")
		if !found {
			s.fault(at, "reference to elsewhere")
			return
		}
		s.compare(at, typ, s.defs[name])
		return
	}
	want := map[reflect.Kind]string{
		reflect.Struct: "object", reflect.Map: "object", reflect.Slice: "array", reflect.String: "string", reflect.Bool: "boolean",
		reflect.Int: "integer", reflect.Int64: "integer", reflect.Uint64: "integer", reflect.Float64: "number",
	}[typ.Kind()]
	switch _, isEnum := node["enum"]; {
	case want == "":
		s.fault(at, "a Go type that has no form here: %s", typ)
	case isEnum && typ.Kind() == reflect.String, node["const"] != nil && typ.Kind() == reflect.String:
	case node["type"] != want:
		s.fault(at, "is %v and should be %s", node["type"], want)
	}
	switch typ.Kind() {
	case reflect.Struct:
		s.object(at, typ, node)
	case reflect.Map:
		s.compare(at+".*", typ.Elem(), node["additionalProperties"])
	case reflect.Slice:
		s.compare(at+"[]", typ.Elem(), node["items"])
	}
}

func (s *shape) object(at string, typ reflect.Type, node map[string]any) {
	if node["additionalProperties"] != false {
		s.fault(at, "lets unknown keys in")
	}
	properties, _ := node["properties"].(map[string]any)
	listed, _ := node["required"].([]any)
	var required, keys []any
	for i := range typ.NumField() {
		f := typ.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		if !strings.Contains(options, "omit") {
			required = append(required, name)
		}
		keys = append(keys, name)
		if _, ok := properties[name]; !ok {
			s.fault(at, "lacks %q", name)
			continue
		}
		s.compare(at+"."+name, f.Type, properties[name])
	}
	for name := range properties {
		if !slices.Contains(keys, any(name)) && name != "$schema" {
			s.fault(at, "has %q, which Go has not", name)
		}
	}
	less := func(a, b any) int { return strings.Compare(a.(string), b.(string)) }
	slices.SortFunc(required, less)
	slices.SortFunc(listed, less)
	if !reflect.DeepEqual(required, listed) {
		s.fault(at, "requires %v and should require %v", listed, required)
	}
}

func compareShape(t *testing.T, v any, schema []byte) []string {
	t.Helper()
	var root map[string]any
	require.NoError(t, json.Unmarshal(schema, &root))
	s := &shape{}
	s.defs, _ = root["$defs"].(map[string]any)
	s.compare("", reflect.TypeOf(v), root)
	return s.faults
}

func TestSchemaOfThePolicyFitsTheType(t *testing.T) {
	require.Empty(t, compareShape(t, consent.Policy{}, consent.PolicySchema()))
	// The comparison finds what it is there for.
	broken := strings.Replace(string(consent.PolicySchema()), `"good_since"`, `"good_from"`, 1)
	require.Len(t, compareShape(t, consent.Policy{}, []byte(broken)), 2)
}

func TestPolicyMayNameItsSchema(t *testing.T) {
	text, err := json.Marshal(policy())
	require.NoError(t, err)
	with := `{"$schema":"policy.schema.json",` + string(text[1:])
	p, err := consent.ParsePolicy([]byte(with))
	require.NoError(t, err)
	require.Equal(t, policy(), p)
	_, err = consent.ParsePolicy([]byte(`{"schema":"x",` + string(text[1:])))
	require.Error(t, err, "any other key is a mistake")
}
