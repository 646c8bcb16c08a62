package picture_test

import (
	"bytes"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kvd/resolve"
	"kvd/scenarios"
	"kvd/scenarios/explore"
	"kvd/scenarios/explore/picture"
	"kvd/scenarios/library"
	"kvd/scenarios/page/pagetest"
	"kvd/scenarios/script"
	"kvd/scenarios/world"
)

// found is a report of two seeds, one of which broke a promise.
func found(t *testing.T) (*explore.Config, *explore.Report) {
	t.Helper()
	s, err := library.Find("ddia-8-3")
	if err != nil {
		t.Fatal(err)
	}
	c := &explore.Config{Resolvers: []resolve.ID{resolve.LWW, resolve.Siblings}}
	return c, &explore.Report{
		Seeds: 2, Runs: 4, Fired: world.Fired{"partition": 3},
		Played:   []explore.Played{{Seed: 1, Resolver: resolve.LWW, Acked: 5, Lost: 2, Broken: 0}, {Seed: 1, Resolver: resolve.Siblings, Acked: 5, Lost: 0, Broken: 0}, {Seed: 2, Resolver: resolve.LWW, Acked: 7, Lost: 1, Broken: 1}, {Seed: 2, Resolver: resolve.Siblings, Acked: 7, Lost: 0, Broken: 0}},
		Failures: []explore.Failure{{Seed: 2, Resolver: resolve.LWW, Broken: []string{"<planted>: as a test does"}, Scenario: s, Lines: 5}},
	}
}

func write(t *testing.T, c *explore.Config, r *explore.Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := picture.Write(&b, c, r, "1 history broke a promise", "scenario explore --seeds 2"); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "explored.html")
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(path)}).String()
}

func TestThePageInABrowser(t *testing.T) {
	browser := pagetest.Start(t)
	c, r := found(t)
	broken := write(t, c, r)
	r.Failures = nil
	whole := write(t, c, r)
	for name, address := range map[string]string{"explored": broken, "explored-whole": whole} {
		for _, width := range []int64{1280, 390} {
			p := browser.Open(t, address, width, 900)
			if cells := p.Text("[...document.querySelectorAll('#seeds tbody tr')].map((r) => [...r.children].map((c) => c.textContent).join(' ')).join('; ')"); cells != "1 2/5 0/5; 2 ✗ 1/7 0/7" {
				t.Errorf("%s: the seeds are %q", name, cells)
			}
			if n := p.Number("document.querySelectorAll('#coverage .never').length"); int(n) != len(world.Happenings())-1 {
				t.Errorf("%s: %v things never happened, and one did", name, n)
			}
			drawn := p.Number("document.querySelectorAll('.plot .op').length")
			if (drawn > 0) != (name == "explored") {
				t.Errorf("%s: %v writes are drawn", name, drawn)
			}
			if wide := p.Number("document.documentElement.scrollWidth"); int64(wide) > width {
				t.Errorf("%s: on %d pixels the page is %v wide", name, width, wide)
			}
			if nameless := p.Nameless(); len(nameless) > 0 || len(p.Requests()) != 1 || len(p.Errors()) > 0 {
				t.Errorf("%s: controls without a name: %v; asks for %q and says %q", name, nameless, p.Requests(), p.Errors())
			}
			p.Screenshot(name + map[int64]string{1280: "-1280", 390: "-390"}[width])
		}
	}
}

func TestWhatBrokeIsTold(t *testing.T) {
	c, r := found(t)
	var b bytes.Buffer
	if err := picture.Write(&b, c, r, "", ""); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"&lt;planted&gt;: as a test does", "after w1 seen by n3", "explore --seed 2 --seeds 1 --resolver lww", "<span>partition</span> <b>3</b>", `<li class="never"><span>wipe</span> <b>never</b>`} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

// A counter-example of which some branch cannot be played is drawn all the same.
func TestDrawnWithoutItsBranches(t *testing.T) {
	c, r := found(t)
	c.Run = func(s *script.Scenario, o scenarios.Options) (*scenarios.Result, error) {
		played, err := scenarios.Run(s, o)
		if err == nil {
			played.Resolver = "planted" // which no branch can be played under
		}
		return played, err
	}
	var b bytes.Buffer
	if err := picture.Write(&b, c, r, "", ""); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Below is the first of them, shrunk. Until when its losses could have been avoided is not known: branch ddia-8-3", `id="matrix"`} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}
