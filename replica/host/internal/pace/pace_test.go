package pace

import (
	"testing"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/wallclock"
)

const tick = 10 * time.Millisecond

// rig is a leader that accepts ten ops a tick, and peers that acknowledge them.
type rig struct {
	Pace
	ticks int
	views []replica.PeerView
}

func (r *rig) now() wallclock.Mono { return wallclock.Mono(r.ticks) * wallclock.Mono(tick) }

// run lets so much time go by, while peer i acknowledges what was accepted so long ago.
func (r *rig) run(d time.Duration, late ...time.Duration) {
	for end := r.ticks + int(d/tick); r.ticks < end; {
		r.ticks++
		for len(r.views) < len(late) {
			r.views = append(r.views, replica.PeerView{Peer: replica.Leader(rune('b' + len(r.views))), Up: true, Origin: logical.Origin(2 + len(r.views))})
		}
		for i, l := range late {
			if seq := 10 * (r.ticks - int(l/tick)); seq > 0 {
				r.views[i].Known = logical.FrontierOf(logical.Dot{Origin: 1, Seq: logical.Seq(seq)})
			}
		}
		r.Note(r.now(), logical.Dot{Origin: 1, Seq: logical.Seq(10 * r.ticks)}, r.views)
	}
}

// held is how long one call after the other would be held, in the period that begins next.
func (r *rig) held() (longest time.Duration) {
	for r.now()%wallclock.Mono(period) != 0 {
		r.ticks++
	}
	for at := r.now(); at < r.now().Add(period); at = at.Add(period / 20) {
		longest = max(longest, r.Hold(func() wallclock.Mono { return at }))
	}
	return longest
}

func TestWhomClientsWaitFor(t *testing.T) {
	const ms = time.Millisecond
	for name, c := range map[string]struct {
		do   func(r *rig)
		want time.Duration
	}{
		"nobody":               {func(r *rig) { r.run(time.Second) }, 0},
		"one that keeps up":    {func(r *rig) { r.run(time.Second, 20*ms) }, 0},
		"one far away":         {func(r *rig) { r.run(5*time.Second, 300*ms) }, 0},
		"late by the target":   {func(r *rig) { r.run(time.Second, 0); r.run(time.Second, Target) }, 0},
		"late by half as much": {func(r *rig) { r.run(time.Second, 0); r.run(time.Second, Target*3/2) }, maxHold / 2},
		"late by twice that":   {func(r *rig) { r.run(time.Second, 0); r.run(time.Second, Target*2) }, maxHold},
		"later":                {func(r *rig) { r.run(time.Second, 0); r.run(time.Second, Lost-tick) }, maxHold},
		"the latest of two":    {func(r *rig) { r.run(time.Second, 0, 0); r.run(time.Second, Target*2, Target*3/2) }, maxHold},
		"the latest of two, until it fell silent": {func(r *rig) {
			r.run(time.Second, 0, 0)
			r.run(time.Second, Target*3/2, Target*2)
			r.run(valid, Target*3/2)
		}, maxHold / 2},
		"one that is lost": {func(r *rig) { r.run(time.Second, 0); r.run(2*time.Second, Lost) }, 0},
		"one long away":    {func(r *rig) { r.run(time.Second, 0); r.run(10*time.Second, 9*time.Second) }, 0},
		"one that is down": {func(r *rig) {
			r.run(time.Second, 0)
			r.views[0].Up = false
			r.run(time.Second, Target*2)
		}, 0},
		"one that fell silent": {func(r *rig) {
			r.run(time.Second, 0)
			r.run(time.Second, Target*2)
			r.run(valid)
		}, 0},
		"one that is close again": {func(r *rig) {
			r.run(time.Second, 0)
			r.run(time.Second, Target*2)
			r.run(tick, 0)
		}, 0},
		"one that moved away": {func(r *rig) {
			r.run(time.Second, 0)
			r.run(2*renewal, Target*2)
		}, 0},
		"one that moved away lately": {func(r *rig) {
			r.run(time.Second, 0)
			r.run(renewal, Target*2)
		}, maxHold},
		"a new life of one, which is far away": {func(r *rig) {
			r.run(time.Second, 0)
			r.views[0].Origin = 99
			r.run(time.Second, Target*2)
		}, 0},
	} {
		r := &rig{}
		c.do(r)
		if got := r.held(); got != c.want {
			t.Errorf("%s: held for %s, want %s", name, got, c.want)
		}
	}
}

// Nobody is held for the rest of a period, and nobody after a peer fell silent, though
// nothing is noted any more.
func TestCallsAreHeldForAPartOfTheTime(t *testing.T) {
	r := &rig{}
	r.run(time.Second, 0)
	r.run(time.Second, Target*2)
	for at, want := range map[wallclock.Mono]time.Duration{
		r.now():                  maxHold,
		r.now() + 1:              maxHold - 1,
		r.now().Add(maxHold):     0,
		r.now().Add(period - 1):  0,
		r.now().Add(period):      maxHold,
		r.now().Add(valid):       0,
		r.now().Add(100 * valid): 0,
	} {
		if got := r.Hold(func() wallclock.Mono { return at }); got != want {
			t.Errorf("%s later: %s, want %s", at.Sub(r.now()), got, want)
		}
	}
}

// What is remembered is bounded, by time as by members.
func TestWhatIsRememberedIsBounded(t *testing.T) {
	r := &rig{}
	r.run(time.Minute, 0, 0, 0)
	if len(r.marks) > maxMarks {
		t.Errorf("%d marks", len(r.marks))
	}
	if reach := r.now().Sub(r.marks[0].at); reach < 2*Lost {
		t.Errorf("they reach back %s", reach)
	}
	var often Pace
	for i := range 10_000 {
		often.Note(wallclock.Mono(i)*wallclock.Mono(time.Millisecond), logical.Dot{Origin: 1, Seq: logical.Seq(i + 1)}, nil)
	}
	if last := len(often.marks) - 1; often.marks[last].at.Sub(often.marks[0].at) < Lost {
		t.Error("with an op in every millisecond they do not reach back as far as is needed")
	}
	r.views = r.views[:1]
	r.run(tick, 0)
	if len(r.peers) != 1 {
		t.Errorf("%d peers of one", len(r.peers))
	}
}
