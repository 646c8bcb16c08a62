package acks

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kvd/replica"
	"kvd/resolve"
	"kvd/wallclock"
)

var waits = resolve.Policy{Default: resolve.Interval, Rules: []resolve.Rule{{Prefix: "w", Resolver: resolve.Interval, CommitWait: true}}}

// Under commit-wait an answer comes after twice the claimed error, the sync included; a clock
// that is set meanwhile makes it neither sooner nor later. Of a call with several requests
// all answers come then, in their order.
func TestCommitWait(t *testing.T) {
	for name, step := range map[string]time.Duration{"the clock goes on": 0, "a step ahead": time.Hour, "a step back": -time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			w, k := newWorld(1, waits)
			w.clock = wallclock.NewSkewed(wallclock.Faults{Error: 50 * time.Millisecond}, 0)
			ended := make(chan struct{})
			defer close(ended)
			go k.Run(ended)
			var box answers
			began := time.Now()
			_ = k.Do([]*replica.Request{set("a", 0), set("w1", 0), {ID: 7, Verb: replica.Get, Key: "w1"}}, box.keep)
			time.Sleep(30 * time.Millisecond) // of the sync
			w.clock = w.clock.Step(step)
			w.unasked[0]()
			synctest.Wait()
			if calls, commit := k.Waiting(); box.take() != nil || calls != 1 || commit != 1 {
				t.Fatalf("%s: answered %v, or %d of %d calls wait", name, box.replies, commit, calls)
			}
			time.Sleep(time.Second)
			synctest.Wait()
			got, took := box.take(), box.at.Sub(began)
			if len(got) != 3 || got[0].Err != nil || got[1].Err != nil || got[2].ID != 7 {
				t.Fatalf("%s: answered %v", name, got)
			}
			if calls, commit := k.Waiting(); took <= 100*time.Millisecond || took > 101*time.Millisecond || calls+commit > 0 {
				t.Errorf("%s: answered after %s, %d calls wait", name, took, calls)
			}
		})
	}
}

// A stamp that is not past in time is answered as in doubt: when the time is over, or at once
// where waiting is of no use.
func TestAStampIsNotPastInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, k := newWorld(2, waits)
		ended := make(chan struct{})
		go k.Run(ended)
		var box answers
		answer := func(q *replica.Request, past time.Duration) (r replica.Reply, took time.Duration) {
			began := time.Now()
			w.clock = wallclock.NewSkewed(wallclock.Faults{Error: past / 2}, 0)
			_ = k.Do([]*replica.Request{q}, box.keep)
			w.unasked[len(w.unasked)-1]()
			time.Sleep(2 * time.Second)
			synctest.Wait()
			return box.take()[0], box.at.Sub(began)
		}
		if r, took := answer(set("w", 2), time.Second/2); !errors.Is(r.Err, replica.ErrInDoubt) || !strings.Contains(r.Err.Error(), "1 of 2 leaders") || took < time.Second {
			t.Errorf("held by too few, it is answered %v after %s", r.Err, took)
		}
		before := w.seq
		if r, took := answer(set("w", 0), 3*time.Second); !errors.Is(r.Err, replica.ErrClockWide) || !strings.Contains(r.Err.Error(), "wrong by up to 1.5s") || w.seq != before || took != 0 {
			t.Errorf("of a clock that knows too little, it is answered %v after %s, %d writes", r.Err, took, w.seq-before)
		}
		if r, took := answer(set("a", 0), 3*time.Second); r.Err != nil || took != 0 {
			t.Errorf("where nobody waits for a clock, it is answered %v after %s", r.Err, took)
		}
		k.cfg.Next = func(_ []*replica.Request, done func([]replica.Reply)) error { // a stamp that was lifted
			w.unasked = append(w.unasked, func() {
				w.seq++
				done([]replica.Reply{{Dot: dot(w.seq), Past: w.now().Mono.Add(time.Hour)}})
			})
			return nil
		}
		if r, took := answer(set("w", 0), 0); !errors.Is(r.Err, replica.ErrInDoubt) || !strings.Contains(r.Err.Error(), "not surely past for another 1h") || took != 0 {
			t.Errorf("with a stamp far ahead, it is answered %v after %s", r.Err, took)
		}
		k.cfg.Next = w.next
		w.clock = wallclock.NewSkewed(wallclock.Faults{Error: time.Second / 4}, 0)
		_ = k.Do([]*replica.Request{set("w", 0)}, box.keep)
		w.unasked[len(w.unasked)-1]()
		close(ended)
		synctest.Wait()
		if got := box.take()[0].Err; !errors.Is(got, replica.ErrInDoubt) || !strings.Contains(got.Error(), "this leader stops") {
			t.Errorf("at the end it is answered %v", got)
		}
	})
}

// A stamp that will not be past in time cuts short nobody's wait for other leaders: of one call
// the write that these come to hold is acknowledged, and the one with that stamp is in doubt.
func TestAStampFarAheadBesideAWriteForTwo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, k := newWorld(2, waits)
		w.seq, w.disks[0] = 2, 2
		k.cfg.Next = func(_ []*replica.Request, done func([]replica.Reply)) error {
			done([]replica.Reply{{Dot: dot(1)}, {Dot: dot(2), Past: w.now().Mono.Add(time.Hour)}})
			return nil
		}
		ended := make(chan struct{})
		defer close(ended)
		go k.Run(ended)
		var box answers
		began := time.Now()
		_ = k.Do([]*replica.Request{set("a", 2), set("w", 0)}, box.keep)
		synctest.Wait()
		if got := box.take(); got != nil {
			t.Fatalf("before the second leader holds anything it is answered %v", got)
		}
		time.Sleep(lookEvery * 5)
		synctest.Wait()
		w.heard[1] = 1
		k.Notify()
		synctest.Wait()
		got, took := box.take(), box.at.Sub(began)
		if len(got) != 2 || got[0].Err != nil || !errors.Is(got[1].Err, replica.ErrInDoubt) || took != lookEvery*5 {
			t.Errorf("answered %v after %s", got, took)
		}
	})
}
