package source

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"kvd/wallclock"
)

// fake is a source that says what it is told to.
type fake struct {
	mu    sync.Mutex
	name  string
	every time.Duration
	err   error
	ahead wallclock.Offset
	asked int
}

func (f *fake) Name() string         { return f.name }
func (f *fake) Every() time.Duration { return f.every }
func (f *fake) Sample(_ context.Context, clock Clock) (Answer, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked++
	return Answer{wallclock.Bound{Ahead: f.ahead, At: clock()}, "made up"}, f.err
}

// says changes what it answers.
func (f *fake) says(err error, ahead wallclock.Offset) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err, f.ahead = err, ahead
}

// times is how often it was asked.
func (f *fake) times() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked
}

// machine is a machine's clocks, of which the calendar one can be set.
type machine struct {
	began time.Time
	off   atomic.Int64
	told  []Report // by the keeper; to be read when it has ended
}

func (m *machine) now() wallclock.Moment {
	now := time.Now()
	return wallclock.Moment{Mono: wallclock.Mono(now.Sub(m.began)), Wall: wallclock.Around(wallclock.Instant(now.UnixNano()).Add(time.Duration(m.off.Load())), 0)}
}

// truth is true time, which the bubble's clock shows.
func truth() wallclock.Instant { return wallclock.Instant(time.Now().UnixNano()) }

// keeps is a keeper in a bubble, where no real time goes by.
func keeps(t *testing.T, sources []Source, story func(m *machine, k *Keeper)) {
	synctest.Test(t, func(t *testing.T) {
		m := &machine{began: time.Now()}
		k := Keep(context.Background(), m.now, 10*time.Millisecond, sources, func(r Report) { m.told = append(m.told, r) })
		defer k.Close()
		story(m, k)
	})
}

// pass lets time go by, until whoever wakes meanwhile has done what there is to do.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestTheFirstThatAnswersCounts(t *testing.T) {
	good := &fake{name: "good", every: time.Second, ahead: wallclock.Offset{Earliest: -time.Millisecond, Latest: time.Millisecond}}
	better := &fake{name: "better", every: 10 * time.Second, err: errors.New("no such daemon"), ahead: wallclock.Offset{Earliest: -1000, Latest: 1000}}
	keeps(t, []Source{better, good}, func(m *machine, k *Keeper) {
		if r := k.Report(); r.Source != "good" || !r.Answers || r.Sources[0].Unavailable != "no such daemon" || r.Sources[0].Used || !r.Sources[1].Used || r.Sources[1].Reason != "made up" {
			t.Errorf("%+v", r)
		}
		if w := k.Now().Wall; w.HalfWidth() != time.Millisecond || !w.Contains(truth()) {
			t.Errorf("it reads %s", w)
		}
		better.says(nil, better.ahead)
		pass(10 * time.Second)
		if r := k.Report(); r.Source != "better" || better.times() != 2 || good.times() != 11 || k.Now().Wall.HalfWidth() > 2*time.Microsecond {
			t.Errorf("%+v, asked %d and %d times", r, better.times(), good.times())
		}
	})
}

// Nobody answers: what is claimed is believed, as long as nobody ever did.
func TestAClaimIsBelievedUntilSomebodyAnswers(t *testing.T) {
	only := &fake{name: "only", every: time.Second, err: errors.New("away")}
	keeps(t, []Source{only}, func(m *machine, k *Keeper) {
		if r := k.Report(); r.Source != Claimed || r.Answers || k.Now().Wall.HalfWidth() != 10*time.Millisecond {
			t.Errorf("%+v", r)
		}
		only.says(nil, wallclock.Offset{Earliest: 3*time.Second - time.Millisecond, Latest: 3*time.Second + time.Millisecond})
		m.off.Store(int64(-3 * time.Second))
		pass(time.Second)
		if w := k.Now().Wall; !w.Contains(truth()) || w.HalfWidth() > 2*time.Millisecond {
			t.Errorf("a clock that is behind reads %s", w)
		}
		only.says(errors.New("away again"), wallclock.Offset{})
		pass(1000 * time.Second)
		r := k.Report()
		if w := k.Now().Wall; w.HalfWidth() < 500*time.Millisecond || w.HalfWidth() > 600*time.Millisecond || !w.Contains(truth()) || r.Answers || r.Source != "only" || r.Age < 999*time.Second {
			t.Errorf("after 1,000 s without an answer it reads %s, %+v", w, r)
		}
	})
}

// A clock that is set changes no reading, and is counted.
func TestAStepChangesNoReading(t *testing.T) {
	s := &fake{name: "s", every: time.Minute, ahead: wallclock.Offset{Earliest: -time.Millisecond, Latest: time.Millisecond}}
	keeps(t, []Source{s}, func(m *machine, k *Keeper) {
		pass(time.Second)
		m.off.Store(int64(time.Hour))
		if w := k.Now().Wall; !w.Contains(truth()) || w.HalfWidth() > 3*time.Millisecond {
			t.Errorf("an hour ahead it reads %s", w)
		}
		s.says(nil, wallclock.Offset{Earliest: -time.Hour - time.Millisecond, Latest: -time.Hour + time.Millisecond})
		pass(2 * time.Minute)
		if r := k.Report(); r.Steps != 1 || r.Contradictions != 0 || !k.Now().Wall.Contains(truth()) {
			t.Errorf("%+v, it reads %s", r, k.Now().Wall)
		}
		s.says(nil, wallclock.Offset{Earliest: 0, Latest: 1}) // which was not true before
		pass(2 * time.Minute)
		if r := k.Report(); r.Contradictions != 1 {
			t.Errorf("%+v", r)
		}
		k.Close()
		if n := len(m.told); n != 2 || m.told[0].Source != "s" || m.told[1].Steps != 1 { // at the start, and for the step
			t.Errorf("told %d times: %+v", n, m.told)
		}
	})
}

func TestReadingAllocatesNothing(t *testing.T) {
	m := &machine{began: time.Now()}
	k := Keep(context.Background(), m.now, 0, []Source{&fake{name: "s", every: time.Hour}}, nil)
	defer k.Close()
	if n := testing.AllocsPerRun(100, func() { k.Now() }); n != 0 {
		t.Errorf("%.1f allocations", n)
	}
}

func BenchmarkNow(b *testing.B) {
	k := Keep(context.Background(), (&machine{began: time.Now()}).now, 0, []Source{&fake{name: "s", every: time.Hour}}, nil)
	defer k.Close()
	for b.Loop() {
		k.Now()
	}
}
