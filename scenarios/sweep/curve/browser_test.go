package curve

import (
	"bytes"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"kvd/scenarios/page/pagetest"
)

// TestThePageInABrowser: it draws a point for each, fits a narrow window, and asks for nothing.
func TestThePageInABrowser(t *testing.T) {
	browser := pagetest.Start(t)
	c := &Curve{Scenario: "x", Axis: "skew", Seeds: 4, Seed: 1, Command: "scenario sweep x", Points: []Point{
		{Value: "0", Resolver: "lww", Acked: 2}, {Value: "0", Resolver: "causal", Acked: 2},
		{Value: "1s", Resolver: "lww", Acked: 2, Lost: 0.5, Most: 1, Losing: 2}, {Value: "1s", Resolver: "causal", Acked: 2},
	}}
	c.Begin("lww")
	c.Begin("causal")
	var html bytes.Buffer
	if err := c.Page(&html); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "curve.html")
	if err := os.WriteFile(path, html.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, width := range map[string]int64{"curve-1280": 1280, "curve-390": 390} {
		p := browser.Open(t, (&url.URL{Scheme: "file", Path: filepath.ToSlash(path)}).String(), width, 900)
		if n := p.Number("document.querySelectorAll('figure circle').length"); int(n) != len(c.Points) {
			t.Errorf("%v points are drawn, there are %d", n, len(c.Points))
		}
		if wide := p.Number("document.documentElement.scrollWidth"); int64(wide) > width {
			t.Errorf("on %d pixels the page is %v wide", width, wide)
		}
		if nameless := p.Nameless(); len(nameless) > 0 || len(p.Requests()) != 1 || len(p.Errors()) > 0 {
			t.Errorf("controls without a name: %v; asks for %q and says %q", nameless, p.Requests(), p.Errors())
		}
		p.Screenshot(name)
	}
}
