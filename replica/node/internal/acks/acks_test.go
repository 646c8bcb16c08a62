package acks

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/resolve"
	"kvd/wallclock"
)

const own logical.Origin = 7

func dot(q logical.Seq) logical.Dot { return logical.Dot{Origin: own, Seq: q} }

// world is the disks of some leaders, of which the first accepts, and what it has heard of
// the others.
type world struct {
	seq     logical.Seq
	disks   []logical.Seq // how far each holds the first one's ops durably
	heard   []logical.Seq
	members int
	unasked []func() // calls whose writes are not durable at the first
	commits func(key string) bool
	clock   wallclock.Skewed
	began   time.Time
}

// now is the clocks of the first: its stopwatch runs with the time of the test.
func (w *world) now() wallclock.Moment {
	passed := time.Since(w.began)
	return wallclock.Moment{Mono: wallclock.Mono(passed), Wall: w.clock.Read(wallclock.Instant(time.Hour + passed))}
}

func (w *world) held(d logical.Dot) int {
	n := 0
	for i, s := range w.heard {
		if i > 0 && s >= d.Seq {
			n++
		}
	}
	if w.disks[0] >= d.Seq {
		n++
	}
	return n
}

// next is a loop: dots are given at once, and the replies come when the first disk has them.
func (w *world) next(reqs []*replica.Request, done func([]replica.Reply)) error {
	replies := make([]replica.Reply, len(reqs))
	for i, q := range reqs {
		replies[i].ID = q.ID
		wrote := q.Verb != replica.Get
		switch {
		case q.Guard != nil && q.Guard.Broken:
			replies[i].Err, wrote = replica.ErrGuard, false
		case q.Verb == replica.Update:
			did, err := q.Decide(replica.Present{})
			replies[i].Err, wrote = err, err == nil && did.Verb != replica.Get
		}
		if wrote {
			w.seq++
			replies[i].Dot = logical.Dot{Origin: own, Seq: w.seq}
			if w.commits(q.Key) {
				m := w.now()
				replies[i].Past = m.Past(m.Wall)
			}
		}
	}
	last := w.seq
	w.unasked = append(w.unasked, func() { w.disks[0] = max(w.disks[0], last); done(replies); clear(replies) })
	return nil
}

func newWorld(n int, p resolve.Policy) (*world, *Keeper) {
	w := &world{disks: make([]logical.Seq, n), heard: make([]logical.Seq, n), members: n, began: time.Now(), commits: func(key string) bool { return p.Rule(key).CommitWait }}
	return w, New(Config{Leader: "n1", Policy: &p, Next: w.next, Held: w.held, Members: func() int { return w.members }, Now: w.now, Limit: time.Second})
}

// What was acknowledged at N leaders survives the loss of any N-1 of the disks, in whatever
// order writes, syncs and statuses come; and every call is answered once, in the end.
func TestAcknowledgedSurvives(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		n := 2 + r.IntN(4)
		w, k := newWorld(n, resolve.Policy{Acks: r.IntN(n), Rules: []resolve.Rule{{Prefix: "b", Acks: r.IntN(n + 1)}}})
		now, calls, answers := time.Now(), 0, 0
		write := func() {
			reqs := make([]*replica.Request, 1+r.IntN(4))
			for i := range reqs {
				reqs[i] = &replica.Request{ID: uint64(i), Verb: []replica.Verb{replica.Get, replica.Set, replica.Incr}[r.IntN(3)], Key: string(rune('a' + r.IntN(3))), Acks: r.IntN(n + 1)}
			}
			calls++
			err := k.Do(reqs, func(replies []replica.Reply) {
				answers++
				for i, rep := range replies {
					if rep.ID != reqs[i].ID {
						t.Fatalf("seed %d: reply %d is to request %d", seed, i, rep.ID)
					}
					if rep.Dot.IsZero() || rep.Err != nil {
						continue
					}
					want, disks := max(k.level(reqs[i]), 1), 0
					for _, d := range w.disks {
						if d >= rep.Dot.Seq {
							disks++
						}
					}
					if disks < want {
						t.Errorf("seed %d: %s is acknowledged, and %d disks of %d have it: it can be lost with %d", seed, rep.Dot, disks, want, want-1)
					}
				}
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		for range 200 {
			switch i := 1 + r.IntN(n-1); r.IntN(5) {
			case 0:
				write()
			case 1:
				w.disks[i] = max(w.disks[i], logical.Seq(r.IntN(int(w.disks[0])+1)))
			case 2:
				w.heard[i] = w.disks[i]
			case 3:
				if len(w.unasked) > 0 {
					w.unasked[0]()
					w.unasked = w.unasked[1:]
				}
			default:
				now = now.Add(time.Duration(r.IntN(100)) * time.Millisecond)
				k.settle(now)
			}
		}
		for _, durable := range w.unasked {
			durable()
		}
		k.settle(time.Now().Add(time.Hour))
		if answers != calls || k.n.Load() != 0 {
			t.Fatalf("seed %d: %d of %d calls are answered", seed, answers, calls)
		}
	}
}

// answers keeps the replies of the last call, and when they came.
type answers struct {
	sync.Mutex
	replies []replica.Reply
	at      time.Time
}

func (a *answers) keep(replies []replica.Reply) {
	a.Lock()
	defer a.Unlock()
	a.replies, a.at = slices.Clone(replies), time.Now()
}

// take is them, once; nil: none came.
func (a *answers) take() (replies []replica.Reply) {
	a.Lock()
	defer a.Unlock()
	replies, a.replies = a.replies, nil
	return replies
}

func set(key string, acks int) *replica.Request {
	return &replica.Request{Verb: replica.Set, Key: key, Acks: acks}
}

// A call that asks for no level passes as it is; a reply that comes too late says what is
// known, and other replies of the call are what they are.
func TestTooLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, k := newWorld(3, resolve.Policy{Rules: []resolve.Rule{{Prefix: "b", Acks: 2}}})
		ended := make(chan struct{})
		go k.Run(ended)
		var box answers
		keep := box.keep
		_ = k.Do([]*replica.Request{set("a", 0)}, keep)
		w.unasked[0]()
		got := box.take()
		if len(got) != 1 || got[0].Err != nil {
			t.Errorf("without a level it is answered %v", got)
		}
		began := time.Now()
		_ = k.Do([]*replica.Request{set("a", 0), set("b1", 0), set("b2", 3), {Verb: replica.Get, Key: "b1"}}, keep)
		w.heard[1], w.disks[1] = 3, 3
		w.unasked[1]()
		synctest.Wait()
		if got = box.take(); got != nil {
			t.Fatalf("answered before three leaders have b2: %v", got)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got = box.take(); len(got) != 4 || got[0].Err != nil || got[1].Err != nil || got[3].Err != nil || !errors.Is(got[2].Err, replica.ErrInDoubt) {
			t.Fatalf("answered %v", got)
		}
		if says := got[2].Err.Error(); !strings.Contains(says, "1 of 3 leaders are known to hold write "+got[2].Dot.String()) || time.Since(began) < time.Second {
			t.Errorf("after %s it says %s", time.Since(began), says)
		}
		_ = k.Do([]*replica.Request{set("b", 0)}, keep)
		w.unasked[2]()
		synctest.Wait()
		w.heard[2] = 5
		k.Notify()
		synctest.Wait()
		if got = box.take(); len(got) != 1 || got[0].Err != nil {
			t.Errorf("held by another leader, it is answered %v", got)
		}
		_ = k.Do([]*replica.Request{set("b", 0)}, keep)
		w.unasked[3]()
		close(ended)
		synctest.Wait()
		if got = box.take(); len(got) != 1 || !errors.Is(got[0].Err, replica.ErrInDoubt) {
			t.Errorf("at the end it is answered %v", got)
		}
	})
}

// What no set of members can acknowledge is refused at once, with all that is only done
// together with it; looks are not.
func TestTooFewLeaders(t *testing.T) {
	w, k := newWorld(2, resolve.Policy{})
	look := func(replica.Present) (replica.Write, error) { return replica.Write{Verb: replica.Get}, nil }
	write := func(replica.Present) (replica.Write, error) { return replica.Write{Verb: replica.Set}, nil }
	group := &replica.Together{}
	reqs := []*replica.Request{
		set("a", 3), set("b", 0), {Verb: replica.Update, Decide: look, Acks: 3}, {Verb: replica.Update, Decide: write, Acks: 3},
		{Verb: replica.Set, Key: "c", Acks: 3, Together: group}, {Verb: replica.Set, Key: "d", Together: group}, {Verb: replica.Get, Key: "a", Acks: 3},
	}
	group.Requests = reqs[4:6]
	var got []string
	err := k.Do(reqs, func(replies []replica.Reply) {
		for _, r := range replies {
			got = append(got, fmt.Sprint(errors.Is(r.Err, replica.ErrTooFew), !r.Dot.IsZero()))
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	w.unasked[0]()
	if want := "[true false false true false false true false true false true false false false]"; fmt.Sprint(got) != want {
		t.Errorf("refused and written: %v, want %s", got, want)
	}
	for i, q := range reqs {
		if q.Guard != nil || q.Verb == replica.Update && q.Decide == nil {
			t.Errorf("request %d is not as it was given", i)
		}
	}
}
