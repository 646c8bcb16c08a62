package clocks_test

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"kvd/replica/internal/config"
	"kvd/resolve"
	"kvd/wallclock"
	"kvd/wallclock/monitor"
)

// readings is how many of them a test makes: as many as KVD_READINGS says, else few.
func readings(few int) int {
	if n, err := strconv.Atoi(os.Getenv("KVD_READINGS")); err == nil {
		return n
	}
	return few
}

// weather changes what the links between machines do: calm, loss, jitter, and congestion of
// one direction, by up to two seconds.
func (w *world) weather() {
	slow, lose := map[[2]int]time.Duration{}, map[[2]int]float64{}
	for i := range w.machines {
		for j := range w.machines {
			switch w.rng.IntN(4) {
			case 0:
				slow[[2]int{i, j}] = time.Duration(w.rng.Int64N(int64(2 * time.Second)))
			case 1:
				lose[[2]int{i, j}] = w.rng.Float64()
			}
		}
	}
	w.delay = func(from, to int) time.Duration {
		path := [2]int{from, to}
		if w.rng.Float64() < lose[path] {
			return -1
		}
		return slow[path] + time.Duration(w.rng.Int64N(int64(2*ms)+int64(slow[path]/4)))
	}
}

// wander is an honest time service at work: the clock is stepped or runs away, and claims
// an error that covers it.
func (w *world) wander(m *machine) {
	most := time.Duration(w.rng.Int64N(int64([...]time.Duration{ms, 100 * ms, time.Hour}[w.rng.IntN(3)]))) + 1
	m.clock = wallclock.NewSkewed(wallclock.Faults{Offset: time.Duration(w.rng.Int64N(int64(2*most))) - most}, epoch)
	m.claims = most
}

// As long as claims are true, what each machine is told holds true time, and so does what
// most of them agree on, whatever steps, drifts and links do; and nobody is called wrong.
// With a minority of lies the same holds for the others, and the liars alone are named.
func TestIntervalsHoldTrueTime(t *testing.T) {
	for seed, read := seedOr(1), 0; read < readings(100_000); seed++ {
		w := newWorld(seed, 3+2*int(seed%2))
		liars := int(seed/2) % (len(w.machines)/2 + 1)
		for range 200 {
			if w.rng.IntN(20) == 0 {
				w.weather()
			}
			if w.rng.IntN(20) == 0 {
				w.wander(w.machines[liars+w.rng.IntN(len(w.machines)-liars)])
			}
			for i := range liars {
				w.lie(w.machines[i])
			}
			w.step()
			read += w.check(t, seed, liars)
		}
		if t.Failed() {
			return
		}
	}
}

// lie lets a machine claim much less than the error it has.
func (w *world) lie(m *machine) {
	if m.lies {
		return
	}
	m.lies, m.claims = true, ms
	m.clock = wallclock.NewSkewed(wallclock.Faults{Offset: 10 * time.Hour}, epoch)
}

// check looks at what every machine that does not lie is told now, and counts it.
func (w *world) check(t *testing.T, seed uint64, liars int) (read int) {
	for _, m := range w.machines[liars:] {
		v := m.clocks.State().Verdict
		truth := w.truth().Sub(m.clock.Shows(w.truth()))
		holds := func(o wallclock.Offset) bool { return o.Earliest <= truth && truth <= o.Latest }
		for _, o := range v.Others {
			liar := slices.ContainsFunc(w.machines[:liars], func(l *machine) bool { return string(l.name) == o.Member })
			if read++; !liar && !holds(o.Truth) {
				t.Errorf("KVD_SEED=%d: at %s %s is told by %s that true time is %+v of its own, and it is %s", seed, w.now, m.name, o.Member, o.Truth, truth)
			}
			if v.State == monitor.Agreed && liar != (o.Outside != 0) {
				t.Errorf("KVD_SEED=%d: at %s %s says that %s is outside by %s, and it lies: %t", seed, w.now, m.name, o.Member, o.Outside, liar)
			}
		}
		if v.State == monitor.Agreed && (!holds(v.Majority) || v.Own.Outside != 0) {
			t.Errorf("KVD_SEED=%d: at %s most tell %s that true time is %+v of its own, and it is %s", seed, w.now, m.name, v.Majority, truth)
		}
	}
	return read
}

// Nobody whose claim is true goes into quarantine in a day of jitter, congestion and
// machines that are moved while they run: those stand still, their stopwatches with them,
// and claim a small error for a clock that is late, until their time service has set it.
func TestNobodyIsQuarantinedFalsely(t *testing.T) {
	seed := seedOr(uint64(readings(3)))
	w := newWorld(seed, 3)
	moves, caught := 0, 0
	for begun := w.now; w.now-begun < 24*time.Hour/time.Duration(1+23*b2i(os.Getenv("KVD_READINGS") == "")); {
		if w.rng.IntN(1000) == 0 {
			w.weather()
		}
		if w.rng.IntN(3000) == 0 {
			m := w.machines[w.rng.IntN(3)]
			late := time.Duration(w.rng.Int64N(int64(20*time.Second))) + ms
			w.stand(m, late)
			m.lies = true
			moves++
			caught += b2i(w.honestFor(t, seed, late+time.Duration(w.rng.Int64N(int64(30*time.Second)))))
			m.clock = m.clock.Step(late)
			w.honestFor(t, seed, monitor.Return+10*time.Second)
			m.lies = false
		}
		w.step()
		w.honest(t, seed)
		if t.Failed() {
			return
		}
	}
	t.Logf("%d machines were moved, and %d of them were in quarantine until their clocks were set", moves, caught)
	if moves == 0 || caught == 0 {
		t.Error("nothing was tried")
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// honest looks whether a machine that never lied is in quarantine, and reports whether any
// other is.
func (w *world) honest(t *testing.T, seed uint64) (liar bool) {
	for _, m := range w.machines {
		if m.quarantined() && !m.lies {
			t.Errorf("KVD_SEED=%d: %s is in quarantine at %s: %+v", seed, m.name, w.now, m.clocks.State())
		}
		liar = liar || m.quarantined()
	}
	return liar
}

func (w *world) honestFor(t *testing.T, seed uint64, d time.Duration) (liar bool) {
	for end := w.now + d; w.now < end && !t.Failed(); {
		w.step()
		liar = w.honest(t, seed) || liar
	}
	return liar
}

// A clock that is set wrong is in quarantine within three seconds, whoever's it is, and out
// of it when it is right again.
func TestALiarIsQuarantinedSoon(t *testing.T) {
	for name, lie := range map[string]func(*machine, wallclock.Instant){
		"a step ahead": func(m *machine, _ wallclock.Instant) { m.clock = m.clock.Step(5 * time.Second) },
		"a step back":  func(m *machine, _ wallclock.Instant) { m.clock = m.clock.Step(-time.Hour) },
		"1970":         func(m *machine, _ wallclock.Instant) { m.clock = m.clock.Step(-time.Duration(epoch)) },
		"2200":         func(m *machine, _ wallclock.Instant) { m.clock = m.clock.Step(174 * 365 * 24 * time.Hour) },
		"a small lie":  func(m *machine, _ wallclock.Instant) { m.clock, m.claims = m.clock.Step(30*ms), ms },
		"it swings": func(m *machine, at wallclock.Instant) {
			m.clock = m.clock.With(wallclock.Faults{Strobe: wallclock.Strobe{Amplitude: time.Second, Period: 200 * ms}}, at)
		},
		"it stands":     func(m *machine, at wallclock.Instant) { m.clock = m.clock.Freeze(at, time.Hour) },
		"it runs ahead": func(m *machine, at wallclock.Instant) { m.clock = m.clock.With(wallclock.Faults{Drift: 50_000}, at) },
	} {
		for n := 3; n <= 5; n += 2 {
			w := newWorld(seedOr(5), n)
			w.pass(5 * time.Second)
			for _, m := range w.machines[:n/2] {
				lie(m, w.truth())
			}
			w.pass(3 * time.Second)
			for i, m := range w.machines {
				if m.quarantined() != (i < n/2) {
					t.Errorf("%s, %d of %d: of %s it is said %t that it is in quarantine", name, n/2, n, m.name, m.quarantined())
				}
			}
			for _, m := range w.machines[:n/2] {
				m.clock, m.claims = wallclock.NewSkewed(wallclock.Faults{}, epoch), 5*ms
			}
			w.pass(monitor.Return + 2*time.Second)
			for _, m := range w.machines {
				if m.quarantined() {
					t.Errorf("%s: %s is right again and still in quarantine", name, m.name)
				}
			}
		}
	}
}

// Those that are cut off from the majority judge nobody; nor do two members.
func TestNoMajorityJudgesNobody(t *testing.T) {
	w := newWorld(seedOr(1), 5)
	w.delay = func(from, to int) time.Duration {
		if (from < 2) != (to < 2) {
			return -1
		}
		return ms
	}
	w.pass(2 * time.Second)
	w.machines[0].clock = w.machines[0].clock.Step(time.Hour)
	w.machines[4].clock = w.machines[4].clock.Step(time.Hour)
	w.pass(10 * time.Second)
	for i, m := range w.machines {
		want := monitor.TooFew
		if i >= 2 {
			want = monitor.Split // of three that are heard one is wrong: two of five are no majority
		}
		if s := m.clocks.State(); s.Guard.Quarantined() || s.Verdict.State != want {
			t.Errorf("%s: %s, in quarantine %t", m.name, s.Verdict.State, s.Guard.Quarantined())
		}
	}
	w = newWorld(seedOr(1), 2)
	w.machines[0].clock = w.machines[0].clock.Step(time.Hour)
	w.pass(10 * time.Second)
	for _, m := range w.machines {
		if s := m.clocks.State(); s.Guard.Quarantined() || s.Verdict.State != monitor.Split {
			t.Errorf("%s of two: %s, in quarantine %t", m.name, s.Verdict.State, s.Guard.Quarantined())
		}
	}
}

// What is refused depends on the scope, and for most keys on how far the clock is off.
func TestWhatIsRefused(t *testing.T) {
	stamps := resolve.LWW.Mask() | resolve.HLC.Mask() | resolve.Interval.Mask()
	for _, c := range []struct {
		scope config.Scope
		off   time.Duration
		want  resolve.Mask
		says  string
	}{
		{config.ScopeWarn, time.Hour, 0, ""},
		{config.ScopeStamps, 50 * ms, resolve.Interval.Mask(), "served by interval are refused"},
		{config.ScopeStamps, -time.Hour, stamps, "behind all that 2 of 3 members can agree on, whatever messages take: writes of keys that are served by lww, hlc, interval are refused"},
		{config.ScopeAll, time.Hour, resolve.All, "ahead of all that 2 of 3 members can agree on, whatever messages take: writes of every key are refused"},
	} {
		w := newWorld(seedOr(1), 3)
		w.cfg.Quarantine = config.Quarantine{Scope: c.scope, Beyond: 100 * ms}
		w.machines[0].clock = w.machines[0].clock.Step(c.off)
		w.pass(10 * time.Second)
		only, why := w.machines[0].clocks.Refuses(&w.cfg)
		if only != c.want || !strings.Contains(why, c.says) || (why == "") != (only == 0) {
			t.Errorf("%s, off by %s: %v, %q", c.scope, c.off, only.Names(), why)
		}
		if only, why := w.machines[1].clocks.Refuses(&w.cfg); only != 0 || why != "" {
			t.Errorf("who is right refuses %v: %s", only.Names(), why)
		}
	}
}

func BenchmarkObserve(b *testing.B) {
	w := newWorld(1, 5)
	w.pass(5 * time.Second)
	m := w.moment(w.machines[0])
	b.ReportAllocs()
	for b.Loop() {
		m.Mono += wallclock.Mono(time.Millisecond)
		w.machines[0].clocks.Observe(m, w.peers(0), &w.cfg)
	}
}
