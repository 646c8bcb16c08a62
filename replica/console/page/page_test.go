package page_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/acl"
	"kvd/replica/acl/acltest"
	"kvd/replica/console"
	"kvd/replica/replicatest"
	"kvd/resolve"
	"kvd/scenarios/page/pagetest"
	"kvd/wallclock"
)

// bad is a key that tries to become markup, and is no text either.
const bad = "</td><img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>\u202e\xff"

// leader is what the console is told in a test.
type leader struct {
	mu     sync.Mutex
	status console.Status
	trying console.Experiment
}

func (l *leader) Ready() []console.Reason { return nil }

func (l *leader) Status() console.Status {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.status
}

func (l *leader) State() console.Experiment {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.trying
	now.Leaders = slices.Clone(now.Leaders) // Change writes into the old one
	return now
}

func (l *leader) Change(c console.ExperimentChange) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.Rate != nil {
		l.trying.Rate = *c.Rate
	}
	for i := range l.trying.Leaders {
		if at := &l.trying.Leaders[i]; at.Name == c.Leader && c.SkewMS != nil {
			at.SkewMS = *c.SkewMS
		} else if at.Name == c.Leader && c.Cut != nil {
			at.Cut = *c.Cut
		}
	}
	return nil
}

func (l *leader) Key(_ context.Context, key string) (*console.KeyPage, error) {
	value := console.ValueText([]byte(bad))
	one := console.Wrote{Dot: "a-1", State: console.WriteShown, Kind: "set", Value: &value, Leader: bad, Author: bad, HLC: "1.0", Lamport: "1", Parents: []string{"a-0"}}
	lost := one
	lost.Dot, lost.State, lost.By = "b-1", console.WriteLost, "a-1"
	return &console.KeyPage{Leader: bad, Key: console.KeyText(key), Resolver: "lww", Text: bad, Tree: bad, Values: []console.Text{value, value}, Writes: []console.Wrote{one, lost},
		Left: 3, Groups: []console.Lost{{Resolver: "lww", Serving: true, Relation: "concurrent", Leader: bad, Winner: "a-1", Writes: 1200}},
		Losses: []console.Losing{{Resolver: "lww", Serving: true, Relation: "concurrent", Loser: "b-1", Winner: "a-1", Text: bad}}}, nil
}

func (l *leader) Sum(context.Context) (*console.Sum, error) {
	return &console.Sum{Keys: 2, Text: bad, Balances: []console.Balanced{{Resolver: "lww", Accepted: 9, Live: 2, Superseded: 3, Lost: 4, Holds: true}}}, nil
}

func sample() *leader {
	free, size, ago := uint64(5<<30), uint64(20<<30), 75.0
	return &leader{
		status: console.Status{
			Name: "n1", Origin: "0000000000000001", Policy: bad, UptimeSeconds: 75, Sync: "always", ClockErrorSeconds: 0.01,
			Frontier: logical.FrontierOf(logical.Dot{Origin: 1, Seq: 9}, logical.Dot{Origin: 2, Seq: 7}),
			Peers: []console.Peer{
				{Name: "n2", HTTP: "127.0.0.1:1", RESP: "127.0.0.1:2", Member: "alive", Alive: true, LinkUp: true, LinkSeconds: &ago, LagOps: 12345, LagSeconds: 2.5, Clock: &console.Offset{Earliest: -0.02, Latest: 0.03}},
				{Name: bad, Member: bad, Clock: &console.Offset{Earliest: 0.7, Latest: 0.75}},
			},
			Clock: console.Clock{Judged: &console.Judged{State: "agreed", Members: 3, Heard: 3, Quorum: 2, Quarantine: "stamps", Quarantined: true, Majority: &console.Offset{Earliest: 0.7, Latest: 0.75},
				Clocks: []console.JudgedClock{{Name: "n1", Outside: -0.69, Claims: 0.01}, {Name: "n2", Claims: 1}}}},
			Usage:  console.Usage{LogBytes: 64 << 20, StoreBytes: 80 << 20, MemoryBytes: 50 << 20, DiskFree: &free, DiskBytes: &size},
			Ledger: console.Ledger{State: "on", Rows: 4321, Bytes: 9999},
		},
		trying: console.Experiment{Rate: 100, MaxRate: 500, MaxMS: 2000, Leaders: []console.ExperimentLeader{{Name: "n1"}, {Name: "n2"}}},
	}
}

// served is a console at an address.
type served struct {
	*console.Console
	metrics *console.Metrics
	ended   chan error
}

func serve(t *testing.T, addr string, l *leader) *served {
	t.Helper()
	return serveTo(t, addr, l, nil)
}

func serveTo(t *testing.T, addr string, l *leader, login acltest.Login) *served {
	t.Helper()
	at, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	s := &served{ended: make(chan error, 1)}
	s.metrics = console.NewMetrics(console.Build{}, func(string) resolve.Rule { return resolve.Rule{Resolver: resolve.LWW} })
	s.Console, err = console.New(console.Config{Listener: at, Store: l, Experiments: l, Login: login, Logger: slog.New(slog.DiscardHandler)}, l, s.metrics)
	if err != nil {
		t.Fatal(err)
	}
	go func() { s.ended <- s.Serve() }()
	t.Cleanup(func() { s.stop(t) })
	return s
}

func (s *served) stop(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond) // browsers hold connections
	defer cancel()
	_ = s.Shutdown(ctx) // what is cut off is meant to be
	if err := <-s.ended; err != nil {
		t.Error(err)
	}
	s.ended <- nil
}

func (s *served) lose(n int, key string) {
	s.metrics.Observe(&replica.Judged{Key: key, At: wallclock.Instant(n), Verdict: resolve.Verdict{
		Resolvers: resolve.LWW.Mask(), Relation: resolve.Concurrent, Loser: logical.Dot{Origin: 1, Seq: logical.Seq(n)}, Winner: logical.Dot{Origin: 2, Seq: 1}}})
}

// shows waits until an expression in the page is a text.
func shows(t *testing.T, p *pagetest.Page, expression, want string) {
	t.Helper()
	got := ""
	defer func() {
		if got != want {
			t.Logf("%s is %q", expression, got)
		}
	}()
	replicatest.Eventually(t, fmt.Sprintf("%s is %q", expression, want), func() bool {
		got = p.Text("String(" + expression + ")")
		return got == want
	})
}

func text(selector string) string {
	return fmt.Sprintf("document.querySelector(%q)?.textContent", selector)
}

// TestConsoleInABrowser opens the page of leaders in one browser.
func TestConsoleInABrowser(t *testing.T) {
	browser := pagetest.Start(t)
	for name, test := range map[string]func(*testing.T, *pagetest.Browser){"look": look, "dies": dies, "sliders": sliders, "password": password} {
		t.Run(name, func(t *testing.T) { test(t, browser) })
	}
}

// look looks at the page of a leader that says hostile things, at both
// widths: all of it is text, and the page asks nobody else for anything.
func look(t *testing.T, browser *pagetest.Browser) {
	s := serve(t, "127.0.0.1:0", sample())
	s.lose(1, bad)
	s.lose(2, "cart")
	s.lose(3, "cart")
	origin := "http://" + s.Addr().String() + "/"
	for name, width := range map[string]int64{"wide": 1280, "narrow": 390} {
		t.Run(name, func(t *testing.T) {
			p := browser.Open(t, origin, width, 900)
			shows(t, p, text("[data-lag=n2]"), "12,345")
			shows(t, p, text("#rows"), "4,321 lost writes")
			shows(t, p, text("#keys tbody tr"), "cart2"+"00:00:00.000")
			shows(t, p, text("#losses tbody .key"), "cart")
			shows(t, p, "document.querySelectorAll('#losses tbody tr').length", "3")
			shows(t, p, text("#losses tbody tr:last-child .key"), console.KeyText(bad).Shown)
			shows(t, p, text("[data-offset='n1 n2']"), "−20 ms to +30 ms")
			shows(t, p, text("[data-offset='n2 n1']"), "−30 ms to +20 ms")
			shows(t, p, "document.querySelectorAll('#clocks .apart').length", "4")
			shows(t, p, "document.querySelectorAll('.alarms li').length", "2")
			shows(t, p, text("#judged"), "3 of 3 members’ clocks are known. Most place true time between +700 ms and +750 ms of this leader’s clock."+
				" n1, which claims ±10 ms, is 690 ms behind that. This leader’s clock is in quarantine: writes of keys whose resolver compares wall clocks are refused.")
			p.Click("#sum button")
			shows(t, p, text("#sum tbody tr"), "lww9= 2+ 3+ 4holds")
			looks(t, p, name, width)
			p.Click("#losses tbody tr:last-child .key")
			shows(t, p, text("#heading-key .key"), console.KeyText(bad).Shown)
			shows(t, p, text(".values code"), console.ValueText([]byte(bad)).Shown)
			p.Click(".tree li:last-child a")
			shows(t, p, "document.getElementById('write-b-1').className", "lost")
			looks(t, p, name+"-key", width)
			p.Press("#search input", "a b&c\r")
			shows(t, p, text("#heading-key .key"), "a b&c")
			for _, r := range p.Requests() {
				if !strings.HasPrefix(r, origin) {
					t.Errorf("the page asks for %s", r)
				}
			}
			if len(p.Errors()) > 0 {
				t.Errorf("the page says %q", p.Errors())
			}
		})
	}
}

// looks holds what is on the page against its width, and against who cannot see it.
func looks(t *testing.T, p *pagetest.Page, name string, width int64) {
	t.Helper()
	if nameless := p.Nameless(); len(nameless) > 0 {
		t.Errorf("%s: controls without a name: %v", name, nameless)
	}
	if wide := p.Number("document.documentElement.scrollWidth"); int64(wide) > width {
		t.Errorf("%s: on %d pixels the page is %v wide", name, width, wide)
	}
	if title, images := p.Text("document.title"), p.Number("document.images.length"); title != "n1: kvd" || images != 0 {
		t.Errorf("%s: the title is %q, and there are %v images", name, title, images)
	}
	p.Screenshot("console-" + name)
}

// dies looks at a page whose leader goes away and begins anew: it says so
// within two polls, and goes on by itself without the old one's losses.
func dies(t *testing.T, browser *pagetest.Browser) {
	first := serve(t, "127.0.0.1:0", sample())
	first.lose(1, "old")
	p := browser.Open(t, "http://"+first.Addr().String()+"/", 800, 600)
	shows(t, p, text("#losses tbody .key"), "old")
	polls := func() int { return strings.Count(strings.Join(p.Requests(), "\n"), "overview.json") }
	first.stop(t)
	before := polls()
	shows(t, p, "document.getElementById('connection').className", "away")
	if n := polls() - before; n > 3 { // one may have been under way, and one follows while we look
		t.Errorf("the page says that nobody answers after %d polls", n)
	}
	next := sample()
	next.status.Origin, next.status.UptimeSeconds = "0000000000000009", 0.1
	second := serve(t, first.Addr().String(), next)
	second.lose(1, "new")
	shows(t, p, "document.getElementById('connection').className", "")
	shows(t, p, "[...document.querySelectorAll('#losses tbody .key')].map((k) => k.textContent).join()", "new")
}

// sliders moves what the page may change.
func sliders(t *testing.T, browser *pagetest.Browser) {
	l := sample()
	s := serve(t, "127.0.0.1:0", l)
	p := browser.Open(t, "http://"+s.Addr().String()+"/", 800, 600)
	shows(t, p, "document.querySelector('[aria-label=\"sample load\"]').value", "100")
	move := func(label, value string) {
		p.Eval(fmt.Sprintf(`{ const s = document.querySelector('[aria-label="%s"]'); s.value = %s; s.dispatchEvent(new Event('input')); s.dispatchEvent(new Event('change')); }`, label, value), nil)
	}
	move("sample load", "250")
	move("clock of n2", "-500")
	p.Click("#experiments .switch")
	replicatest.Eventually(t, "the leader is told", func() bool {
		now := l.State()
		return now.Rate == 250 && now.Leaders[1].SkewMS == -500 && now.Leaders[0].Cut
	})
	shows(t, p, text("#experiments label output"), "250 writes/s")
	shows(t, p, "document.querySelector('#experiments .switch').getAttribute('aria-checked')", "true")
	if len(p.Errors()) > 0 {
		t.Errorf("the page says %q", p.Errors())
	}
}

// password opens the page as a user who may not do all: it says what is
// refused, and why.
func password(t *testing.T, browser *pagetest.Browser) {
	ann := acl.NewUser("ann", acl.Rights{Roles: acl.Read, Prefixes: []string{"cart"}})
	s := serveTo(t, "127.0.0.1:0", sample(), acltest.These(ann))
	s.lose(1, "secret")
	s.lose(2, "cart")
	p := browser.Open(t, "http://ann:ann@"+s.Addr().String()+"/", 800, 600)
	shows(t, p, "[...document.querySelectorAll('#losses tbody .key')].map((k) => k.textContent).join()", "cart")
	shows(t, p, "document.getElementById('connection').textContent.endsWith('asked as ann')", "true")
	p.Click("#sum button")
	shows(t, p, text("#sum .lost"), "the request was refused: ann has not the role that this page needs: read,admin; ask as another user")
	p.Press("#search input", "secret\r")
	shows(t, p, text("#key .lost"), "the key is not shown: ann may not read it; ask as another user")
}
