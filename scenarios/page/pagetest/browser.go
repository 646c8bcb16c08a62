package pagetest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// timeout is how long anything in the browser may take on a busy machine.
const timeout = time.Minute

// Browser is one browser process.
type Browser struct{ ctx context.Context }

// find is the path of a browser.
func find() (string, error) {
	if path := os.Getenv("KVD_BROWSER"); path != "" {
		return exec.LookPath(path)
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "headless-shell"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", exec.ErrNotFound
}

// Start starts a browser that ends with the test.
func Start(t testing.TB) *Browser {
	t.Helper()
	path, err := find()
	if err != nil {
		t.Skipf("needs a Chromium or Chrome: KVD_BROWSER=PATH names one: %v", err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.WSURLReadTimeout(timeout), chromedp.Flag("disable-dev-shm-usage", true))
	allocated, free := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(free)
	ctx, closed := chromedp.NewContext(allocated)
	t.Cleanup(closed)
	if err := chromedp.Run(ctx); err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	return &Browser{ctx}
}

// Page is one open page.
type Page struct {
	t   testing.TB
	ctx context.Context

	mu       sync.Mutex
	requests []string
	errors   []string
}

// Open opens an address in a window of a size in pixels, and waits for the page to say that
// it is ready: data-ready at its root.
func (b *Browser) Open(t testing.TB, address string, width, height int64) *Page {
	t.Helper()
	tab, closed := chromedp.NewContext(b.ctx)
	t.Cleanup(closed)
	p := &Page{t: t, ctx: tab}
	chromedp.ListenTarget(tab, p.heard)
	if err := chromedp.Run(tab); err != nil { // the tab lives as long as the context that it is begun with
		t.Fatalf("open a tab: %v", err)
	}
	p.do(network.Enable(), log.Enable(), emulation.SetDeviceMetricsOverride(width, height, 1, false),
		chromedp.Navigate(address), chromedp.WaitReady("html[data-ready]", chromedp.ByQuery))
	return p
}

func (p *Page) do(actions ...chromedp.Action) {
	p.t.Helper()
	ctx, stop := context.WithTimeout(p.ctx, timeout)
	defer stop()
	if err := chromedp.Run(ctx, actions...); err != nil {
		p.t.Fatalf("%v; the page said %q", err, p.Errors())
	}
}

func (p *Page) heard(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		p.requests = append(p.requests, e.Request.URL)
	case *runtime.EventExceptionThrown:
		p.errors = append(p.errors, e.ExceptionDetails.Error())
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.APITypeError || e.Type == runtime.APITypeWarning {
			p.errors = append(p.errors, said(e.Args))
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.LevelError || e.Entry.Level == log.LevelWarning {
			p.errors = append(p.errors, e.Entry.Text)
		}
	}
}

// said is what a page put on the console.
func said(args []*runtime.RemoteObject) string {
	text := "console:"
	for _, a := range args {
		text += " " + string(a.Value) + a.Description
	}
	return text
}

// Requests is every address that the page asked for, its own first.
func (p *Page) Requests() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.requests...)
}

// Errors is what the page complained about: exceptions, refused scripts, console errors.
func (p *Page) Errors() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.errors...)
}

// Eval evaluates an expression in the page into out.
func (p *Page) Eval(expression string, out any) {
	p.t.Helper()
	p.do(chromedp.Evaluate(expression, out))
}

// Number is a numeric expression in the page.
func (p *Page) Number(expression string) (n float64) {
	p.t.Helper()
	p.Eval(expression, &n)
	return n
}

// Text is an expression in the page that is a text.
func (p *Page) Text(expression string) (s string) {
	p.t.Helper()
	p.Eval(expression, &s)
	return s
}

// Await waits until an expression in the page is true.
func (p *Page) Await(expression string) {
	p.t.Helper()
	p.do(chromedp.Evaluate(fmt.Sprintf("new Promise((done) => { const look = () => ((%s) ? done() : setTimeout(look, 20)); look(); })", expression), nil,
		func(e *runtime.EvaluateParams) *runtime.EvaluateParams { return e.WithAwaitPromise(true) }))
}

// Click clicks the first element of a selector, which must be there.
func (p *Page) Click(selector string) {
	p.t.Helper()
	p.Eval(fmt.Sprintf("document.querySelector(%q).click()", selector), nil)
}

// Press presses keys while the first element of a selector has the focus.
func (p *Page) Press(selector, keys string) {
	p.t.Helper()
	p.Eval(fmt.Sprintf("document.querySelector(%q).focus()", selector), nil)
	p.do(chromedp.KeyEvent(keys))
}

// Nameless lists the roles of controls that a screen reader has no name for.
func (p *Page) Nameless() (roles []string) {
	p.t.Helper()
	var tree struct {
		Nodes []struct {
			Ignored    bool
			Role, Name struct{ Value string }
		}
	}
	p.do(chromedp.ActionFunc(func(ctx context.Context) error {
		// Read as it comes: the generated types refuse what browsers newer than they say.
		return cdp.Execute(ctx, "Accessibility.getFullAXTree", nil, &tree)
	}))
	for _, n := range tree.Nodes {
		if !n.Ignored && controls[n.Role.Value] && strings.TrimSpace(n.Name.Value) == "" {
			roles = append(roles, n.Role.Value)
		}
	}
	return roles
}

// controls is the roles of what can be used.
var controls = map[string]bool{"button": true, "switch": true, "slider": true, "combobox": true, "checkbox": true, "link": true, "DisclosureTriangle": true, "region": true}

// Screenshot leaves a picture of the whole page in the folder of KVD_SCREENSHOTS, if that
// is set.
func (p *Page) Screenshot(name string) {
	p.t.Helper()
	dir := os.Getenv("KVD_SCREENSHOTS")
	if dir == "" {
		return
	}
	var png []byte
	p.do(chromedp.FullScreenshot(&png, 100))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644); err != nil {
		p.t.Fatal(err)
	}
}
