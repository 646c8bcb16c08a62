package playground_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kvd/scenarios"
	"kvd/scenarios/library"
	"kvd/scenarios/page/pagetest"
	"kvd/scenarios/playground"
	"kvd/scenarios/script"
)

func compare(t *testing.T, name, text string) (*script.Scenario, []*scenarios.Result) {
	t.Helper()
	s, err := script.Parse(name, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	results, err := scenarios.Compare(context.Background(), []*script.Scenario{s}, scenarios.Resolvers(), 0, 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s, results
}

func figure(t *testing.T, b *playground.Binary) playground.Page {
	t.Helper()
	text, err := library.Source("ddia-8-3")
	if err != nil {
		t.Fatal(err)
	}
	s, results := compare(t, "ddia-8-3", string(text))
	return playground.Page{Script: s, Text: string(text), Results: results, Engine: b}
}

// TestThePageAllowsNothingFurther: the page names what it runs, and what a script says stays
// text.
func TestThePageAllowsNothingFurther(t *testing.T) {
	p := figure(t, &playground.Binary{Wasm: []byte("wasm"), Exec: []byte("exec < 1 && 2")})
	p.Text = strings.Replace(p.Text, "A later increment", "</textarea><script>alert(1)</script>A later increment", 1)
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	html := b.String()
	for _, want := range []string{"default-src 'none'; script-src 'sha256-", "' 'wasm-unsafe-eval'; style-src 'sha256-", "form-action 'none'; worker-src blob:\"", "exec < 1 && 2"} {
		if !strings.Contains(html, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if n := strings.Count(html, "<script"); n != 5 {
		t.Errorf("%d script elements, want the story, the script, the sliders, the worker and the engine", n)
	}
	if strings.Contains(html, "connect-src") {
		t.Error("a file allows itself connections")
	}
}

// TestWhatIsServed: the page that is served fetches its engine from where it came from, and
// nothing else is there.
func TestWhatIsServed(t *testing.T) {
	h, err := figure(t, &playground.Binary{Wasm: []byte("wasm")}).Handler()
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"/": "200 connect-src 'self'", "/engine.wasm.gz": "200 \x1f\x8b", "/other": "404 "} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		status, content, _ := strings.Cut(want, " ")
		if got := w.Body.String(); fmt.Sprint(w.Code) != status || !strings.Contains(got, content) {
			t.Errorf("%s is answered with %d %.40q", path, w.Code, got)
		}
	}
}

// TestInABrowser compiles the engine and plays in a browser what the command plays here. It
// takes a minute, or two where the engine was never compiled.
func TestInABrowser(t *testing.T) {
	if os.Getenv("KVD_PLAYGROUND") == "" {
		t.Skip("needs KVD_PLAYGROUND=1: compiling the engine takes a minute")
	}
	browser := pagetest.Start(t)
	engine, err := playground.Compile(context.Background(), ".")
	if err != nil {
		t.Fatal(err)
	}
	p := figure(t, engine)
	t.Run("file", func(t *testing.T) {
		var b bytes.Buffer
		if err := p.Write(&b); err != nil {
			t.Fatal(err)
		}
		t.Logf("the page has %d bytes, its engine %d", b.Len(), len(engine.Wasm))
		path := filepath.Join(t.TempDir(), "playground.html")
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		tab := browser.Open(t, (&url.URL{Scheme: "file", Path: filepath.ToSlash(path)}).String(), 1280, 900)
		inFile(t, tab)
		// Its own address, and that of the worker's source, which is in the page.
		for _, r := range tab.Requests() {
			if !strings.HasPrefix(r, "file:") && !strings.HasPrefix(r, "blob:") {
				t.Errorf("the page asks for %s", r)
			}
		}
	})
	t.Run("served", func(t *testing.T) {
		h, err := p.Handler()
		if err != nil {
			t.Fatal(err)
		}
		s := httptest.NewServer(h)
		defer s.Close()
		tab := browser.Open(t, s.URL, 390, 844)
		if wide := tab.Number("document.documentElement.scrollWidth"); wide > 390 {
			t.Errorf("on 390 pixels the page is %v wide", wide)
		}
		choose(t, tab, "three-way-increment")
		tab.Screenshot("playground-390")
		for _, r := range tab.Requests() {
			if !strings.HasPrefix(r, s.URL) && !strings.HasPrefix(r, "blob:"+s.URL) {
				t.Errorf("the page asks for %s", r)
			}
		}
		if len(tab.Errors()) > 0 {
			t.Errorf("the page says %q", tab.Errors())
		}
	})
}

func inFile(t *testing.T, tab *pagetest.Page) {
	if nameless := tab.Nameless(); len(nameless) > 0 {
		t.Errorf("controls without a name: %v", nameless)
	}
	tab.Screenshot("playground-1280")
	// The sliders change the text, and the text what happens: with clocks 1 ms apart nothing is lost.
	turn(t, tab, "clock n1", "+1 ms")
	numbers(t, tab)
	if text := tab.Text("document.getElementById('script').value"); !strings.Contains(text, "offset=+1ms\n") {
		t.Errorf("the slider leaves %s", text)
	}
	if lost := tab.Text("document.querySelector('#matrix [data-run=lww] .lost').textContent"); lost != "0" {
		t.Errorf("lww loses %s with clocks 1 ms apart", lost)
	}
	mistaken(t, tab)
	stopped(t, tab)
	choose(t, tab, "minority-side")
	numbers(t, tab)
	if len(tab.Errors()) > 0 {
		t.Errorf("the page says %q", tab.Errors())
	}
}

// played does something in the page and waits until it has been played.
func played(t *testing.T, tab *pagetest.Page, do string) {
	t.Helper()
	before := tab.Text("document.documentElement.dataset.played || ''")
	tab.Eval(do, nil)
	tab.Await(fmt.Sprintf("(document.documentElement.dataset.played || '') !== %q", before))
}

// numbers holds the matrix against what the command would print for the text in the page.
func numbers(t *testing.T, tab *pagetest.Page) {
	t.Helper()
	if said := tab.Text("document.getElementById('status').textContent"); !strings.HasPrefix(said, "Played under 7 resolvers") {
		t.Fatalf("the page says %q, %q", said, tab.Text("document.getElementById('mistakes').textContent"))
	}
	_, results := compare(t, "script", tab.Text("document.getElementById('script').value"))
	for _, r := range results {
		want := fmt.Sprint([]int{r.Acked, r.Accounted, r.Lost, r.Inverted, r.Concurrent, r.Durability, r.Resurrected, r.Overcounted, r.Siblings})
		row := tab.Text(fmt.Sprintf(`'[' + [1, 2, 3, 4, 5, 6, 7, 8, 9].map((i) => document.querySelector('#matrix [data-run=%s]').children[i].textContent).join(' ') + ']'`, r.Resolver))
		if row != want {
			t.Errorf("%s under %s: the page has %s, the command %s", r.Scenario, r.Resolver, row, want)
		}
	}
}

func turn(t *testing.T, tab *pagetest.Page, knob, to string) {
	t.Helper()
	played(t, tab, fmt.Sprintf(`(() => {
		const slide = document.querySelector('[data-knob="%s"]');
		for (slide.value = 0; ; slide.value++) {
			const before = slide.value;
			slide.dispatchEvent(new Event('input'));
			if (slide.getAttribute('aria-valuetext') === %q) return;
			if (before === slide.max) throw new Error('no such stop');
		}
	})()`, knob, to))
}

func choose(t *testing.T, tab *pagetest.Page, name string) {
	t.Helper()
	played(t, tab, fmt.Sprintf("{ const c = document.getElementById('choose'); c.value = %q; c.dispatchEvent(new Event('change')); }", name))
	if shown := tab.Text("document.querySelector('h1').textContent"); shown != name {
		t.Errorf("the page shows %q, want %q; it says %q, %q", shown, name, tab.Text("document.getElementById('mistakes').textContent"), tab.Errors())
	}
}

// mistaken: a mistake is shown with its line and a caret, and what was played stays.
func mistaken(t *testing.T, tab *pagetest.Page) {
	t.Helper()
	before := tab.Text("document.getElementById('script').value")
	tab.Eval("document.getElementById('script').value = document.getElementById('script').value.replace('leaders ', 'leadres ')", nil)
	played(t, tab, "document.getElementById('script').dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', ctrlKey: true, bubbles: true }))")
	said := tab.Text("document.querySelector('.mistake').textContent")
	if !strings.Contains(said, "leadres") || !strings.Contains(tab.Text("document.querySelector('.mistake pre').textContent"), "\n    ^") {
		t.Errorf("the mistake is told as %q", said)
	}
	tab.Screenshot("playground-mistake")
	tab.Eval(fmt.Sprintf("document.getElementById('script').value = %q", before), nil)
	tab.Eval("document.getElementById('script').value = document.getElementById('script').value.replace(/^at .*$/m, 'every 1us times=1000000 from=1s A set x 1\\n$&')", nil)
	played(t, tab, "document.getElementById('play').click()")
	if said := tab.Text("document.querySelector('.mistake').textContent"); !strings.Contains(said, "a browser plays at most") {
		t.Errorf("a script that is too long is told as %q", said)
	}
}

// stopped: what takes long can be stopped, and the page goes on.
func stopped(t *testing.T, tab *pagetest.Page) {
	t.Helper()
	tab.Eval("document.getElementById('script').value = document.getElementById('script').value.replace(/times=1000000/, 'times=3000')", nil)
	// The page itself stops it, so that it is not over before this test comes to it.
	played(t, tab, `{
		document.getElementById('play').click();
		const look = () => (document.getElementById('status').textContent.startsWith('playing') ? document.getElementById('stop').click() : setTimeout(look, 5));
		look();
	}`)
	if said := tab.Text("document.querySelector('.mistake').textContent"); !strings.Contains(said, "stopped") {
		t.Errorf("being stopped is told as %q", said)
	}
}
