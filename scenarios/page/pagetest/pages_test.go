package pagetest_test

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kvd/resolve"
	"kvd/resolve/blackbox"
	"kvd/scenarios"
	"kvd/scenarios/branch"
	"kvd/scenarios/library"
	"kvd/scenarios/page"
	"kvd/scenarios/page/observed"
	"kvd/scenarios/page/pagetest"
	"kvd/scenarios/page/played"
	"kvd/scenarios/script"
	"kvd/wallclock"
)

// maxPage is how large a page of the library may be under all resolvers, in bytes.
const maxPage = 2_000_000

// TestPagesInABrowser opens pages of the library: they draw what was recorded, their
// numbers are the comparison's, and they ask nobody for anything.
func TestPagesInABrowser(t *testing.T) {
	browser := pagetest.Start(t)
	all := scenarios.Resolvers()
	few := []scenarios.Resolver{resolve.LWW, resolve.Siblings, resolve.Counter}
	for _, c := range []struct {
		name string
		ids  []scenarios.Resolver
		look func(*testing.T, *pagetest.Page)
	}{
		{"ddia-8-3", all, figure},
		{"three-way-increment", all, opensAt("concurrent")},
		{"hot-set", few, hotSet},
		{"minority-side", few, shades("cut", 5)},
		{"old-backup", few, shades("wiped", 1)},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, results := play(t, c.name, c.ids)
			address := file(t, s, results)
			p := browser.Open(t, address, 1280, 900)
			numbers(t, p, results)
			lanes(t, p, s)
			c.look(t, p)
			if nameless := p.Nameless(); len(nameless) > 0 {
				t.Errorf("controls without a name: %v", nameless)
			}
			p.Screenshot(c.name + "-1280")
			narrow := browser.Open(t, address, 390, 844)
			if wide := narrow.Number("document.documentElement.scrollWidth"); wide > 390 {
				t.Errorf("on 390 pixels the page is %v wide", wide)
			}
			narrow.Screenshot(c.name + "-390")
			for _, p := range []*pagetest.Page{p, narrow} {
				if r := p.Requests(); len(r) != 1 || len(p.Errors()) > 0 {
					t.Errorf("the page asks for %q and says %q", r, p.Errors())
				}
			}
		})
	}
	t.Run("recorded", func(t *testing.T) { recorded(t, browser) })
	t.Run("hostile", func(t *testing.T) { hostile(t, browser) })
}

func play(t *testing.T, name string, ids []scenarios.Resolver) (*script.Scenario, []*scenarios.Result) {
	t.Helper()
	s, err := library.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	results, err := scenarios.Compare(context.Background(), []*script.Scenario{s}, ids, 0, 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	if name == "ddia-8-3" {
		if err := branch.Look(context.Background(), s, results[0], branch.Default); err != nil {
			t.Fatal(err)
		}
	}
	return s, results
}

// file writes the page and is its address.
func file(t *testing.T, s *script.Scenario, results []*scenarios.Result) string {
	t.Helper()
	var b bytes.Buffer
	if err := played.Write(&b, s, results); err != nil {
		t.Fatal(err)
	}
	if whole := b.Len() * len(scenarios.Resolvers()) / len(results); whole > maxPage && b.Len() > maxPage/4 {
		t.Errorf("the page of %s has about %d bytes under all resolvers", s.Name, whole)
	}
	return save(t, b.Bytes())
}

func save(t *testing.T, html []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(path, html, 0o644); err != nil {
		t.Fatal(err)
	}
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(path)}).String()
}

// numbers holds the matrix, and the panes at the end of the run, against the results.
func numbers(t *testing.T, p *pagetest.Page, results []*scenarios.Result) {
	t.Helper()
	moment := p.Text("document.getElementById('moment').textContent")
	p.Click("[aria-label='end of the run']")
	for _, r := range results {
		want := fmt.Sprintf("%d %d %d %d", r.Acked, r.Accounted, r.Lost, r.Siblings)
		pane := p.Text(fmt.Sprintf(`['acked', 'accounted', 'lost', 'siblings'].map((n) => document.querySelector('.pane[data-run=%s] [data-count=' + n + ']').textContent.replace(',', '')).join(' ')`, r.Resolver))
		row := p.Text(fmt.Sprintf(`[1, 2, 3, 9].map((i) => document.querySelector('#matrix [data-run=%s]').children[i].textContent).join(' ')`, r.Resolver))
		if pane != want || row != want {
			t.Errorf("%s: the pane has %s, the matrix %s, the result %s", r.Resolver, pane, row, want)
		}
		if listed := p.Number(fmt.Sprintf("document.querySelectorAll('.pane[data-run=%s] tbody tr').length", r.Resolver)); int(listed) != len(r.Values) {
			t.Errorf("%s: %v leaders in the pane, %d in the result", r.Resolver, listed, len(r.Values))
		}
	}
	if end := p.Text("document.getElementById('moment').textContent"); end == moment {
		t.Errorf("the scrubber stays at %s", end)
	}
}

func lanes(t *testing.T, p *pagetest.Page, s *script.Scenario) {
	t.Helper()
	leaders, clients := p.Number("document.querySelectorAll('.lane.leader').length"), p.Number("document.querySelectorAll('.lane.client').length")
	if int(leaders) != len(s.Leaders) || int(clients) != len(s.Clients) {
		t.Errorf("%v leaders and %v clients have lanes", leaders, clients)
	}
	if clocks := p.Number("document.querySelectorAll('.lane.leader .clock text').length"); clocks < leaders {
		t.Errorf("%v marks on the rulers of %v clocks", clocks, leaders)
	}
}

func opensAt(class string) func(*testing.T, *pagetest.Page) {
	return func(t *testing.T, p *pagetest.Page) {
		if said := p.Text("document.querySelector('.detail h3').textContent"); !strings.HasSuffix(said, "lost: "+class) {
			t.Errorf("the page opens at %q", said)
		}
	}
}

// figure is the loss of the figure: the arrow from what its author had been shown runs
// backwards once the lanes are drawn by the leaders' clocks.
func figure(t *testing.T, p *pagetest.Page) {
	opensAt("inverted")(t, p)
	if n := p.Number("document.querySelectorAll('.message.ship line').length"); n != 4 {
		t.Errorf("%v messages between leaders are drawn, want 4", n)
	}
	if said := p.Text("document.querySelector('.detail .avoid').textContent"); !strings.Contains(said, "until just before 42.001 s, when n1 accepts w1: by setting the clocks right") {
		t.Errorf("of the last moment at which the loss could be avoided it says %q", said)
	}
	p.Click(".detail .avoid button")
	if at := p.Text("document.getElementById('moment').textContent"); at != "42.001 s" {
		t.Errorf("the last moment at which the loss could be avoided is shown as %s", at)
	}
	if n := p.Number("document.querySelectorAll('.until line').length"); n != 1 {
		t.Errorf("%v lines mark the last moment", n)
	}
	p.Click("[aria-label='end of the run']")
	p.Click("[aria-label='whole run'], .toolbar .group button:last-child")
	slanted := "[...document.querySelectorAll('.message.ship line')].filter((l) => Number(l.getAttribute('x2')) > Number(l.getAttribute('x1')) + 1).length"
	if n := p.Number(slanted); n != 4 {
		t.Errorf("%v messages are slanted forwards by true time, want 4", n)
	}
	back := "document.querySelectorAll('.message.back, .cause.back').length"
	if n := p.Number(back); n != 0 {
		t.Errorf("%v arrows run backwards by true time", n)
	}
	p.Click("[data-state=byClocks]")
	if n := p.Number(back); n < 2 {
		t.Errorf("%v arrows run backwards by the clocks, want the message and what was shown", n)
	}
	p.Click("[data-state=byClocks]")
	if n := p.Number("document.querySelectorAll('.pane.differs').length"); n != 1 {
		t.Errorf("%v panes stand out, want lww's", n)
	}
}

// hotSet stays usable with all of its events in view, and lets keys go from loss to loss.
func hotSet(t *testing.T, p *pagetest.Page) {
	opensAt("concurrent")(t, p)
	first := p.Text("document.querySelector('.detail h3').textContent")
	p.Press(".plot", "n")
	if next := p.Text("document.querySelector('.detail h3').textContent"); next == first {
		t.Errorf("n stays at %s", next)
	}
	p.Press(".plot", "0")
	if n := p.Number("document.querySelectorAll('.plot *').length"); n > 12000 {
		t.Errorf("the whole run has %v elements", n)
	}
	if n := p.Number("document.querySelectorAll('.bins .lost').length"); n == 0 {
		t.Error("no losses are counted in the whole run")
	}
	if n := p.Number("document.querySelectorAll('.notes p').length"); n == 0 {
		t.Error("nothing says that bars count what is too much to draw")
	}
}

// shades is that some lanes are shaded, and what was lost on the way ends in a cross.
func shades(kind string, n int) func(*testing.T, *pagetest.Page) {
	return func(t *testing.T, p *pagetest.Page) {
		p.Press(".plot", "0")
		if shaded := p.Number("document.querySelectorAll('.band." + kind + " rect').length"); int(shaded) < n {
			t.Errorf("%v lanes are shaded as %s, want %d", shaded, kind, n)
		}
		crosses := p.Number("document.querySelectorAll('.cross, .bins .dropped').length")
		if kind == "cut" && crosses == 0 {
			t.Error("nothing is drawn as lost on its way")
		}
	}
}

// hostile is a story whose every text tries to become markup.
func hostile(t *testing.T, browser *pagetest.Browser) {
	const bad = `</script><img src=x onerror="document.title='owned'"><!--"'&`
	s := &page.Story{
		Name: bad, Title: bad, Prose: bad, Again: bad, Zero: time.Unix(0, 0), Keys: []string{bad},
		Lanes: []page.Lane{{Name: bad, Home: 1}, {Name: bad + "2", Leader: true, Home: page.None}},
		Runs: []page.Run{{
			Name: bad, End: 10, Notes: []string{bad}, Promises: []page.Promise{{Words: bad, Why: bad}}, Counts: page.Counts{Acked: 1, Lost: 1},
			Ops:      []page.Op{{Label: bad, Dot: "a-1", Client: 0, Leader: 1, At: 1, Acked: 2, Words: bad, Value: bad, Lamport: 1 << 62, Stamped: page.Wall | page.Logical}},
			Messages: []page.Message{{From: 0, To: 1, Op: 0, Sent: 1, Arrives: page.Never, Applied: page.Never, Words: bad}},
			Readings: []page.Reading{{At: 1, Lane: 1, Ops: []int{0}, Text: bad}},
			Bands:    []page.Band{{Kind: page.Cut, Words: bad, To: 10}},
			Losses:   []page.Loss{{Op: 0, By: page.None, Left: page.None, Class: "durability", At: 2, Lane: page.None, Why: bad}},
		}},
	}
	var b bytes.Buffer
	if err := page.Write(&b, s); err != nil {
		t.Fatal(err)
	}
	p := browser.Open(t, save(t, b.Bytes()), 800, 600)
	if title, images := p.Text("document.title"), p.Number("document.images.length"); title != bad+": "+bad || images != 0 {
		t.Errorf("the title is %q, and there are %v images", title, images)
	}
	if shown := p.Text("document.querySelector('.pane .value').textContent"); shown != bad {
		t.Errorf("a value is shown as %q", shown)
	}
	if len(p.Errors()) > 0 {
		t.Errorf("the page says %q", p.Errors())
	}
}

// recorded is a history of another store: lanes of clients and nodes, and what is lost.
func recorded(t *testing.T, browser *pagetest.Browser) {
	ops := []blackbox.Op{
		{Client: "c1", Node: "a", Key: "x", Verb: blackbox.Set, Value: "1"},
		{Client: "c2", Node: "b", Key: "x", Verb: blackbox.Update, Value: "2", Shown: blackbox.Reading{Known: true, Values: []string{"1"}}},
		{Client: "c2", Node: "b", Key: "x", Verb: blackbox.Get, Read: blackbox.Reading{Known: true, Values: []string{"1"}}},
	}
	for i := range ops {
		ops[i].Line, ops[i].Start, ops[i].End = i+1, wallclock.Instant(i)*1e6, wallclock.Instant(i)*1e6+5e5
	}
	var g observed.Gatherer
	for i := range ops {
		g.Op(&ops[i])
	}
	r, err := blackbox.Judge(blackbox.Config{Each: g.Verdict}, source(ops))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := page.Write(&b, g.Story("history.jsonl", r)); err != nil {
		t.Fatal(err)
	}
	for _, width := range []int64{1280, 390} {
		p := browser.Open(t, save(t, b.Bytes()), width, 900)
		if said := p.Text("document.querySelector('.detail h3').textContent"); said != "line 2lost: inverted" {
			t.Errorf("the page opens at %q", said)
		}
		if n := p.Number("document.querySelectorAll('.lane').length"); n != 4 {
			t.Errorf("%v lanes, want two nodes and their clients", n)
		}
		if n := p.Number("document.querySelectorAll('.pane').length"); int(n) != len(r.Kinds[0].Outcomes)+1 {
			t.Errorf("%v panes", n)
		}
		if wide := p.Number("document.documentElement.scrollWidth"); int64(wide) > width {
			t.Errorf("on %d pixels the page is %v wide", width, wide)
		}
		if nameless := p.Nameless(); len(nameless) > 0 || len(p.Requests()) != 1 || len(p.Errors()) > 0 {
			t.Errorf("controls without a name: %v; asks for %q and says %q", nameless, p.Requests(), p.Errors())
		}
		p.Screenshot(fmt.Sprint("history-", width))
	}
}

// source is ops as a history.
type source []blackbox.Op

func (s source) All() iter.Seq[*blackbox.Op] {
	return func(yield func(*blackbox.Op) bool) {
		for i := range s {
			if !yield(&s[i]) {
				return
			}
		}
	}
}

func (source) Err() error { return nil }
