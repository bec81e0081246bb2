package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/logging/logaudit/audit"
)

// maxManifest bounds what is read of one.
const maxManifest = 4 << 20

// readManifest returns the site's manifest, and its text; an empty one and nil
// for a site that is said to have none.
func readManifest(ctx context.Context, o *options) (*consent.Manifest, []byte, error) {
	where := o.manifest
	switch where {
	case "none":
		return &consent.Manifest{}, nil, nil
	case "":
		where = o.site.Scheme + "://" + o.site.Host + "/privacy/manifest.json"
	}
	var raw []byte
	var err error
	if strings.HasPrefix(where, "http://") || strings.HasPrefix(where, "https://") {
		raw, err = fetch(ctx, where)
	} else {
		raw, err = os.ReadFile(where)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("reviewer: manifest: %w; name it with -manifest, or say \"none\"", err)
	}
	m := &consent.Manifest{}
	if err := json.Unmarshal(raw, m); err != nil {
		return nil, nil, fmt.Errorf("reviewer: manifest: is not one of Candor's: %w", err)
	}
	return m, raw, nil
}

func fetch(ctx context.Context, address string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	w, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer w.Body.Close()
	if w.StatusCode != http.StatusOK {
		return nil, errors.New(w.Status)
	}
	return io.ReadAll(io.LimitReader(w.Body, maxManifest))
}

// maxLogFindings bounds how many findings of the logs stand in the report.
const maxLogFindings = 200

// auditLogs holds log files against the manifest.
func auditLogs(manifest []byte, names []string) (found []finding, lines uint64, err error) {
	a, err := audit.New(bytes.NewReader(manifest))
	if err != nil {
		return nil, 0, err
	}
	more := 0
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			return nil, 0, fmt.Errorf("reviewer: log: %w", err)
		}
		err = a.Read(f, name, func(got audit.Finding) {
			if len(found) == maxLogFindings {
				more++
				return
			}
			found = append(found, finding{Visit: "log", Kind: "log: " + string(got.Kind), Name: got.Field, Where: fmt.Sprintf("%s:%d", got.File, got.Line), Why: "the manifest does not allow it"})
		})
		if err = errors.Join(err, f.Close()); err != nil {
			return nil, 0, err
		}
	}
	if more > 0 {
		found = append(found, finding{Visit: "log", Kind: "log", Name: fmt.Sprint(more), Where: "further lines", Why: "not listed one by one"})
	}
	return found, a.Stats().Lines, nil
}
