package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
)

// follow prints the losses there are, and then each that a leader tells of, once,
// and each retraction. Leaders are listened to first and asked afterwards, so
// nothing falls between. It ends when the user wants it to, or nobody reads any
// more, and neither is a failure.
func (k *call) follow(w wanted) error {
	leaders, err := k.everyone()
	if err != nil {
		return err
	}
	broken := make(chan os.Signal, 1)
	signal.Notify(broken, syscall.SIGPIPE) // a write to a closed pipe is an error, then, and not the end
	defer signal.Stop(broken)
	ctx, stop := context.WithCancel(k.ctx())
	defer stop()
	f := &follower{k: k, want: w, seen: newSightings(), news: make(chan news), start: make(chan struct{})}
	var listening sync.WaitGroup
	for _, l := range leaders {
		listening.Go(func() { f.listen(ctx, l) })
	}
	k.out.list()
	err = f.run(ctx, len(leaders))
	stop()
	k.close()
	listening.Wait()
	if closedPipe(err) {
		k.out.finish = nil // nobody reads what closes the output
		return nil
	}
	if k.ctx().Err() != nil {
		return nil
	}
	return err
}

// closedPipe reports whether whoever read the output has gone.
func closedPipe(err error) bool {
	return errors.Is(err, syscall.EPIPE) || errors.Is(err, io.ErrClosedPipe) || errors.Is(err, errNobodyReads)
}

var errNobodyReads = errors.New("nobody reads the output any more")

// follower is one kv losses --follow. Only run prints and remembers.
type follower struct {
	k     *call
	want  wanted
	seen  *sightings
	news  chan news
	start chan struct{} // closed when all leaders have said what there is, or that they cannot
}

// news is what a listener tells run. One of ledger, event and away is set.
type news struct {
	by     *leader
	ledger *listing // what there is, once it listens, and again after a gap
	back   bool     // after it was away
	event  *event
	away   error // it is not listened to, for now
	ended  bool  // nor will it be
}

// run prints until the user interrupts or nobody reads.
func (f *follower) run(ctx context.Context, leaders int) error {
	ended, err := f.begin(ctx, leaders)
	if err != nil {
		return err
	}
	leaders -= ended
	close(f.start)
	gone := outputGone(ctx, f.k.out.w)
	for {
		select {
		case n := <-f.news:
			if err := f.tell(n); err != nil {
				return err
			}
			if n.ended {
				leaders--
			}
			if leaders == 0 {
				return n.away
			}
		case <-gone:
			return errNobodyReads
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// begin waits for the first word of every leader, and prints what there is. It
// answers how many will not be heard again; none being there is a failure.
func (f *follower) begin(ctx context.Context, leaders int) (ended int, err error) {
	var said []listing
	var failed []news
	for range leaders {
		select {
		case n := <-f.news:
			if n.ledger != nil {
				said = append(said, *n.ledger)
			} else {
				failed = append(failed, n)
			}
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	slices.SortFunc(failed, func(a, b news) int { return strings.Compare(a.by.Addr, b.by.Addr) })
	if len(said) == 0 {
		return 0, failed[0].away
	}
	for _, n := range failed {
		if n.ended {
			ended++
		}
		if err := f.tell(n); err != nil {
			return 0, err
		}
	}
	return ended, f.printAll(said)
}

// printAll prints what there is, merged.
func (f *follower) printAll(said []listing) error {
	list := mergedLosses(said, nil, f.want)
	for i := range said {
		for _, r := range said[i].rows {
			f.seen.lost(said[i].name, r.at())
		}
	}
	for _, l := range list.losses {
		if err := f.print(eventOf(&l.row, l.by[0].Leader)); err != nil {
			return err
		}
	}
	f.k.sayLosses(list, said, f.want)
	return nil
}

// tell prints one piece of news, unless another leader's was the same.
func (f *follower) tell(n news) error {
	switch {
	case n.ledger != nil:
		if n.back {
			f.k.say(n.by.String() + " is back")
		}
		return f.catchUp(n.ledger)
	case n.event != nil:
		return f.hear(n.event)
	case n.ended:
		f.k.say(absenteeOf(n.by, n.away).Text() + "; its losses are not followed")
	default:
		f.k.say(absenteeOf(n.by, n.away).Text() + "; still trying")
	}
	return nil
}

// catchUp prints what a leader has in its ledger and nobody told of.
func (f *follower) catchUp(g *listing) error {
	for _, r := range g.rows {
		if !f.seen.lost(g.name, r.at()) {
			continue
		}
		if err := f.print(eventOf(&r, g.name)); err != nil {
			return err
		}
	}
	return nil
}

// hear prints an event that is asked for and new.
func (f *follower) hear(e *event) error {
	at, err := e.place()
	fresh := e.Event == eventMissed
	switch {
	case fresh:
	case err != nil:
		f.k.say(printable(e.Leader) + " tells what cannot be read: " + err.Error())
	case !f.want.takes(e):
	case e.Event == eventLost:
		fresh = f.seen.lost(e.Leader, at)
	case e.Event == eventRetracted:
		fresh = f.seen.retracted(e.Leader, at)
	}
	if !fresh {
		return nil
	}
	return f.print(e)
}

// print does not hold back the rows of a table, so columns may shift as it grows.
func (f *follower) print(e *event) error {
	return errors.Join(f.k.out.put(e), f.k.out.endTable())
}
