package live

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kvd/replica/resp/resptest"
	"kvd/replica/resp/server"
	"kvd/scenarios/live/attempt"
	"kvd/scenarios/oracle"
	"kvd/scenarios/script"
	"kvd/scenarios/trace"
)

// fakes is machines whose leaders are all one and the same fake behind several
// addresses: what one accepts, all have at once. It writes down what it is told.
type fakes struct {
	at map[string]string

	mu   sync.Mutex
	told []string
}

func startFakes(t *testing.T, names ...string) *fakes {
	t.Helper()
	f := &fakes{at: map[string]string{}}
	first := resptest.TCP(t)
	r := resptest.Start(t, first, func(c *server.Config) { c.Feeds = nil })
	f.at[names[0]] = first.Addr().String()
	var others sync.WaitGroup
	for _, n := range names[1:] {
		l := resptest.TCP(t)
		f.at[n] = l.Addr().String()
		others.Go(func() { _ = r.Server.Serve(context.Background(), l) })
	}
	t.Cleanup(func() { r.Stop(); others.Wait() })
	return f
}

func (f *fakes) say(text string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.told = append(f.told, text)
	return nil
}

func (f *fakes) running() map[string]string { return f.at }
func (f *fakes) fault(n string, words ...string) error {
	return f.say(n + " " + strings.Join(words, " "))
}
func (f *fakes) act(a script.Action) error  { return f.say(a.String()) }
func (f *fakes) resume(leader string) error { return f.say("resume " + leader) }

// drive plays a script on fakes and returns the driver afterwards.
func drive(t *testing.T, f *fakes, text string) *driver {
	t.Helper()
	d := newDriver(parse(t, text), f, func(string) bool { return false })
	if err := d.prepare(); err != nil {
		t.Fatal(err)
	}
	d.until = 20 * time.Second
	stop := d.begin(context.Background())
	err := d.play(context.Background())
	stop()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDriverCarriesOperationsOut(t *testing.T) {
	d := drive(t, startFakes(t, "n1", "n2"), `
-- scenario --
name     x
leaders  n1 n2
client   A at=n1
client   B at=n2 session
at 10ms                    A set x 1      as w1
after w1 seen by n2 +5ms   B update x +1  as w2
after w2                   B append y e   as w3
after w3                   B get y
after w3 +5ms              A delete x     as w4
after w4                   A incr z by 3  as w5
settle 1s
`)
	h, tr := d.rec.Assemble(nil, nil)
	var told []string
	for e := range tr.All() {
		if e.Kind == trace.Acked || e.Kind == trace.Shown {
			told = append(told, fmt.Sprintf("%s %s %s %v", e.Kind, e.Where, e.Label, e.Values))
		}
	}
	want := []string{"acked A w1 [1]", "shown B w2 [1]", "acked B w2 [2]", "shown B w3 []", "acked B w3 [e]", "shown B B#1 [e]", "acked A w4 []", "acked A w5 [3]"}
	if !slices.Equal(told, want) {
		t.Errorf("clients were told\n%s\nwant\n%s", strings.Join(told, "\n"), strings.Join(want, "\n"))
	}
	v := oracle.Judge(h, func(string) string { return "lww" })
	if v.Acked != 5 || len(v.Contradictions) > 0 {
		t.Errorf("acked %d, contradictions %v", v.Acked, v.Contradictions)
	}
	e := d.rec.Evidence()
	if got := e[attempt.Identity{Client: 2, Number: 1}].Over; !slices.Equal(got, []attempt.Identity{{Client: 1, Number: 1}}) {
		t.Errorf("w2 went over %v, want w1", got)
	}
}

func TestDriverLosesRepliesAndRetries(t *testing.T) {
	d := drive(t, startFakes(t, "n1", "n2"), `
-- scenario --
name     x
leaders  n1 n2
client   A at=n1
client   B at=n1
at 1ms    cut A<n1
at 1ms    cut B>n1
at 10ms   A incr x timeout=50ms retry=n2   as w1
at 10ms   B incr y timeout=50ms            as w2
at 100ms  heal
at 110ms  B incr y                         as w3
settle 1s
`)
	h, tr := d.rec.Assemble(nil, nil)
	v := oracle.Judge(h, func(string) string { return "counter" })
	if v.Acked != 2 || len(v.Contradictions) > 0 {
		t.Errorf("acked %d, contradictions %v", v.Acked, v.Contradictions)
	}
	var accepted []string
	for e := range tr.All() {
		if e.Kind == trace.Accepted {
			accepted = append(accepted, e.Label+" at "+e.Where)
		}
	}
	if want := []string{"w1 at n1", "w3 at n1"}; !slices.Equal(accepted, want) { // once though it was retried, and not what was cut off
		t.Errorf("accepted were %v, want %v", accepted, want)
	}
}

func TestDriverPlantsFaultsInOrder(t *testing.T) {
	f := startFakes(t, "n1", "n2")
	drive(t, f, `
-- scenario --
name     x
model    timing=asynchronous nodes=crash-recovery
leaders  n1 n2
clock    n1 offset=+3ms error=4ms
link     n1>n2 delay=5ms loss=10%
client   A at=n1
at 10ms   partition n1 | n2
at 20ms   clock n2 step=-1s
at 21ms   clock n2 freeze=10ms
at 22ms   clock n2 strobe=1s/200ms drift=100ppm
at 30ms   heal
at 40ms   pause n1 20ms
at 50ms   crash n2
at 400ms  restart n2
at 410ms  link n2>n1 reorder=5%
settle 1s
`)
	want := []string{
		"n1 CLOCK offset=3ms error=4ms",
		"n1 LINK n2 delay=5ms jitter=0s loss=0.1 duplicate=0 overtake=0 cut=off",
		"n1 LINK n2 delay=5ms jitter=0s loss=0.1 duplicate=0 overtake=0 cut=on",
		"n2 LINK n1 delay=0s jitter=0s loss=0 duplicate=0 overtake=0 cut=on",
		"n2 CLOCK step=-1s",
		"n2 CLOCK freeze=10ms", "n2 CLOCK step=-10ms",
		"n2 CLOCK drift=100 strobe=1s/200ms",
		"n1 LINK n2 delay=5ms jitter=0s loss=0.1 duplicate=0 overtake=0 cut=off",
		"n2 LINK n1 delay=0s jitter=0s loss=0 duplicate=0 overtake=0 cut=off",
		"pause n1 20ms", "crash n2", "resume n1", "restart n2",
		"n2 CLOCK step=-1s", "n2 CLOCK step=-10ms", "n2 CLOCK drift=100 strobe=1s/200ms",
		"n1 LINK n2 delay=5ms jitter=0s loss=0.1 duplicate=0 overtake=0 cut=off",
		"n2 LINK n1 delay=0s jitter=0s loss=0 duplicate=0 overtake=0 cut=off",
		"n2 LINK n1 delay=0s jitter=0s loss=0 duplicate=0 overtake=0.05 cut=off",
	}
	if !slices.Equal(f.told, want) {
		t.Errorf("told\n%s\nwant\n%s", strings.Join(f.told, "\n"), strings.Join(want, "\n"))
	}
}

func TestStrobesKeepTheirPhase(t *testing.T) {
	for range 20 {
		zero := aligned(time.Now(), 400*time.Millisecond)
		if off := zero.Sub(time.Unix(simulated, 0)) % (400 * time.Millisecond); off != 0 {
			t.Fatalf("%s off", off)
		}
		if wait := time.Until(zero); wait > 400*time.Millisecond {
			t.Fatalf("zero lies %s ahead", wait)
		}
	}
}
