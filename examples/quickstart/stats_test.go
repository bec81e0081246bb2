package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/analytics"
)

// counted reads the page's JSON as somebody who is signed in: the counts of the
// events, and of the rows as event/dimension/value.
func (r *running) counted() map[string]uint64 {
	r.t.Helper()
	v := r.visitor()
	require.Equal(r.t, 404, v.get("/privacy/stats.json").StatusCode)
	require.Equal(r.t, 404, v.get("/privacy/stats").StatusCode)
	v.form("/login", "email=owner%40example.com")
	a := v.get("/privacy/stats.json")
	require.Equal(r.t, 200, a.StatusCode)
	require.Equal(r.t, "no-store", a.Header.Get("Cache-Control"))
	var p analytics.Publication
	require.NoError(r.t, json.Unmarshal([]byte(a.body), &p))
	out := map[string]uint64{}
	for _, b := range p.Buckets {
		for _, e := range b.Events {
			out[e.Event] = e.Count
			for _, d := range e.Dimensions {
				for _, row := range d.Rows {
					out[e.Event+"/"+d.Dimension+"/"+row.Value] = row.Count
				}
			}
		}
	}
	return out
}

// P1: counts without anybody in them, of everybody who did not refuse.
func TestP1Figures(t *testing.T) {
	s := start(t, newKeys(t))
	require.Empty(t, s.counted())
	refused := s.visitor()
	refused.form("/privacy/decision", "action=refuse")
	for range 12 {
		refused.get("/users/42")
	}
	require.Empty(t, s.counted(), "who refused is not counted")
	for range 6 {
		s.visitor().get("/")
	}
	s.visitor().get("/users/canary-42")
	require.Equal(t, map[string]uint64{"page_view": 5, "page_view/route/(few)": 5, "page_view/status/2xx": 5, "page_view/device/other": 5}, s.counted(),
		"seven pages, rounded down while the day runs; the one account is not told by subtraction")
	for range 6 {
		v := s.visitor() // who, saving this, also says no to the rest
		v.form("/privacy/decision", "action=save&purpose=experiments")
		v.get("/")
		v.get("/")
	}
	n := s.counted()
	require.EqualValues(t, 5, n["page_view"], "they refused to be counted")
	require.EqualValues(t, 5, n["exposure/goods/list"]+n["exposure/goods/cards"]+n["exposure/goods/(few)"], "six visitors, once each")

	v := s.visitor()
	v.form("/login", "email=owner%40example.com")
	page := v.get("/privacy/stats").body
	require.Contains(t, page, "<h2>Page views <small>5</small></h2>")
	require.Contains(t, page, "<caption>goods</caption>")
	require.NotContains(t, page, "canary")
	require.Contains(t, v.get("/login").body, `<a href="/privacy/stats">`)

	var m consent.Manifest
	require.NoError(t, json.Unmarshal([]byte(v.get("/privacy/manifest.json").body), &m))
	require.Contains(t, m.Counters, consent.ManifestCounter{Name: "page_view", Dimensions: []string{"route", "status", "device"}, Bucket: "1 day", Smallest: 5, Retention: "31 days"})
	require.Equal(t, "goods", m.Experiments[0].Name)
}

func TestCountsSurviveARestart(t *testing.T) {
	dir := t.TempDir()
	first := start(t, newKeys(t))
	require.NoError(t, loadCounts(first.site.counts, dir), "none yet")
	for range 7 {
		first.visitor().get("/")
	}
	want := first.counted()
	require.EqualValues(t, 5, want["page_view/route//"])
	require.NoError(t, saveCounts(first.site.counts, dir))
	info, err := os.Stat(filepath.Join(dir, "counts"))
	require.NoError(t, err)
	require.EqualValues(t, 0o600, info.Mode().Perm())

	second := start(t, newKeys(t))
	require.NoError(t, loadCounts(second.site.counts, dir))
	require.Equal(t, want, second.counted())
	require.NoError(t, os.WriteFile(filepath.Join(dir, "counts"), bytes.Repeat([]byte("x"), 10), 0o600))
	require.ErrorContains(t, loadCounts(second.site.counts, dir), "cannot be read; remove it to begin anew")
}
